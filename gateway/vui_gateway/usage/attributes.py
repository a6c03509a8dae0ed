"""Attributes of calls and attempts, by OpenTelemetry's conventions for generative AI.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from vui_gateway.providers.content import text_and_thoughts
from vui_gateway.redaction import redact
from vui_gateway.turns.call import Attempt, Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.bill import Bill

__all__ = ["of_attempt", "of_call", "of_deployment", "of_messages"]

# LiteLLM's names of providers, and the conventions' where they have another one.
PROVIDERS = {
    "azure": "azure.ai.openai", "azure_ai": "azure.ai.inference", "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini", "vertex_ai": "gcp.vertex_ai", "mistral": "mistral_ai", "xai": "x_ai",
}  # fmt: skip


def of_call(call: Call, bills: Sequence[Bill]) -> dict[str, Any]:
    """The attributes of a call: tokens and price of all its attempts."""
    last = call.answered_or_last
    found: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call.model_group,
        "gen_ai.request.stream": call.streamed,
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": sum(bill.tokens_in for bill in bills),
        "gen_ai.usage.output_tokens": sum(bill.tokens_out for bill in bills),
        "gen_ai.usage.cache_read.input_tokens": sum(bill.cached for bill in bills),
        "gen_ai.usage.cache_creation.input_tokens": sum(bill.written for bill in bills),
        "vui.kind": call.kind,
        "vui.client": call.client,
        "vui.outcome": str(call.outcome),
        "vui.fallback": call.fallback,
    }
    if not any(bill.usd is None for bill in bills):
        # The conventions have none for it; Langfuse reads this one.
        found["gen_ai.usage.cost"] = sum(bill.usd or 0 for bill in bills)
    if call.first_token:
        found["gen_ai.response.time_to_first_chunk"] = call.first_token - call.began
    if last:
        model = last.deployment.model
        found |= {"gen_ai.response.model": model.partition("/")[2] or model}
        found |= of_deployment(last.deployment) | _asked(last.body)
        if last.finish_reason:
            found["gen_ai.response.finish_reasons"] = [last.finish_reason]
    return found


def of_attempt(attempt: Attempt, bill: Bill) -> dict[str, Any]:
    """The attributes of an attempt. Its tokens and price have names of ours: a tool that adds up
    the `gen_ai.usage.*` of all spans would count them twice.
    """
    found: dict[str, Any] = {
        "vui.deployment": attempt.deployment.model,
        "vui.ended": attempt.ended,
        "vui.hedge": attempt.beside,
        "vui.input_tokens": bill.tokens_in,
        "vui.output_tokens": bill.tokens_out,
    }
    if bill.usd is not None:
        found["vui.usd"] = bill.usd
    return found | of_deployment(attempt.deployment)


def of_deployment(deployment: Deployment) -> dict[str, Any]:
    """The attributes of a provider and its address."""
    provider = deployment.model.partition("/")[0]
    found: dict[str, Any] = {"gen_ai.provider.name": PROVIDERS.get(provider, provider)}
    address = urlsplit(deployment.server)
    if address.hostname:
        found["server.address"] = address.hostname
        found["server.port"] = address.port or (80 if address.scheme == "http" else 443)
    return found


def _asked(body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("max_tokens", "temperature", "top_p")
    return {f"gen_ai.request.{name}": body[name] for name in names if body.get(name) is not None}


def of_messages(call: Call) -> dict[str, Any]:
    """The messages, as the conventions write them; texts only."""
    body = call.attempts[0].body if call.attempts else {}
    given = [_message(one["role"], one.get("content")) for one in body.get("messages") or ()]
    answer = (call.answered and call.answered.answer) or {}
    whole = [choice.get("message") or {} for choice in answer.get("choices") or ()]
    said = call.said or next((one.get("content") for one in whole), "")
    answered = _message("assistant", said)
    answered["finish_reason"] = (call.answered and call.answered.finish_reason) or "error"
    texts = {"gen_ai.input.messages": given, "gen_ai.output.messages": [answered]}
    return {name: redact(json.dumps(one, ensure_ascii=False)) for name, one in texts.items()}


def _message(role: str, content: Any) -> dict[str, Any]:
    text = text_and_thoughts(content)[0] if isinstance(content, list) else content
    return {"role": role, "parts": [{"type": "text", "content": text or ""}]}
