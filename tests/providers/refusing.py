"""Servers that refuse a field or a conversation's shape, with the words of the real ones."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from tests.providers.anthropic import Anthropic
from tests.providers.base import Refused
from tests.providers.bedrock import Bedrock
from tests.providers.openai import FIELDS, OpenAI
from tests.providers.openai_like import VLLM, Azure, Reasoning


class MistralTokenizer(VLLM):
    """vLLM with Mistral's tokenizer: https://github.com/linagora/openrag/pull/335"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if "chat_template_kwargs" in body:
            raise Refused("chat_template is not supported for Mistral tokenizers.")

    def thinks(self, body: dict) -> bool:
        return False


class Stranger(OpenAI):
    """Somebody's OpenAI address, which knows fewer fields: dify-plugins 1767, zed 52000."""

    fields = FIELDS - {"prompt_cache_key"}


class Foundry(Azure):
    """Llama on Azure Foundry: pydantic's words, with what was sent."""

    fields = FIELDS - {"prompt_cache_key"}
    unknown_status = 422

    def error(self, message: str, status: int, code: str | None = None, **extra: Any) -> dict:
        if status != 422:
            return super().error(message, status, code, **extra)
        detail = {
            "type": "extra_forbidden", "loc": ["body", "prompt_cache_key"],
            "msg": "Extra inputs are not permitted", "input": "vui-0123-reply",
        }  # fmt: skip
        return {"error": {"code": "Invalid input", "status": 422, "message": "invalid input error",
                          "details": [detail]}}  # fmt: skip


class AzureGPT5(Azure, Reasoning):
    """GPT-5 behind a deployment of another name: litellm 13714, OpenHands 11662."""

    def check_body(self, body: dict) -> None:
        if body.get("max_tokens") is not None:
            raise Refused(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.",
                param="max_tokens", code="unsupported_parameter",
            )  # fmt: skip
        super().check_body(body)

    def thinks(self, body: dict) -> bool:
        return False


class NoMarks(Anthropic):
    """A proxy to Claude elsewhere: https://github.com/cg-dot/vertexai-cf-workers/pull/21"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if '"cache_control"' in json.dumps(body):
            raise Refused("system.0.cache_control: Extra inputs are not permitted")


class NoStops(Bedrock):
    """gpt-oss and Qwen on Bedrock: https://github.com/crewAIInc/crewAI/issues/3317"""

    def check(self, request: Request, body: dict) -> None:
        if "stopSequences" in (body.get("inferenceConfig") or {}):
            raise Refused(
                "This model doesn't support the stopSequences field. Remove stopSequences and try "
                "again."
            )
        super().check(request, body)


class Template(VLLM):
    """A server whose chat template raises: https://github.com/vllm-project/vllm/issues/41114 and,
    of Gemma 3 and Mistral, https://github.com/crewAIInc/crewAI/pull/3330
    """

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        roles = [message["role"] for message in body["messages"]]
        if "system" in roles[1:]:
            raise Refused("System message must be at the beginning.")
        talk = [role for role in roles if role not in ("system", "tool")]
        if any(role != ("user", "assistant")[number % 2] for number, role in enumerate(talk)):
            raise Refused(
                "After the optional system message, conversation roles must alternate "
                "user/assistant/user/assistant/..."
            )

    def thinks(self, body: dict) -> bool:
        return False


class Hostile(OpenAI):
    """It refuses whatever it is sent, and blames all fields at once."""

    def check_body(self, body: dict) -> None:
        names = ", ".join(name for name in sorted(body))
        raise Refused(f"Unsupported parameters: {names}. max_tokens: unsupported. " * 2000)
