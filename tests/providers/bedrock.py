"""Amazon Bedrock's Converse format.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

import binascii
import json
import re
import struct
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from tests.providers.anthropic import CACHES, KNOBS, check_knobs
from tests.providers.base import Refused, Script, StandIn
from tests.providers.cache import Bill, Block, InvalidMarks, Prompt

FIELDS = frozenset(
    "messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields "
    "promptVariables additionalModelResponseFieldPaths requestMetadata performanceConfig "
    "serviceTier outputConfig".split()
)
INFERENCE = frozenset({"maxTokens", "temperature", "topP", "stopSequences"})
USAGE = {"inputTokens": 1200, "outputTokens": 12, "totalTokens": 1212}


def event(kind: str, data: dict, message_type: str = "event") -> bytes:
    """One message of AWS's event stream encoding.

    https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
    """
    name = ":event-type" if message_type == "event" else ":exception-type"
    headers = b""
    for key, value in {
        name: kind, ":content-type": "application/json", ":message-type": message_type,
    }.items():  # fmt: skip
        headers += struct.pack(">B", len(key)) + key.encode()
        headers += struct.pack(">BH", 7, len(value)) + value.encode()
    payload = json.dumps(data, ensure_ascii=False).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


class Bedrock(StandIn):
    """bedrock-runtime, with Claude behind it."""

    media_type = "application/vnd.amazon.eventstream"
    # The models' least lengths are Anthropic's own:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    caches = CACHES
    breaks = ("content_filtered", "guardrail_intervened")

    def prompt(self, request: Request, body: dict) -> Prompt:
        messages = [
            block for message in body["messages"]
            for block in _blocks(message["role"], message["content"])
        ]  # fmt: skip
        tools = _blocks("", (body.get("toolConfig") or {}).get("tools") or [])
        return Prompt(tools, _blocks("system", body.get("system") or []), messages)

    def model(self, request: Request, body: dict) -> str:
        return unquote(request.url.path).split("/")[2]

    def account(self, request: Request) -> str:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        signed = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
        return signed[1] if signed else ""

    def check(self, request: Request, body: dict) -> None:
        path = unquote(request.url.path)
        if not path.startswith("/model/") or not path.endswith(("/converse", "/converse-stream")):
            raise Refused("UnknownOperationException", 404)
        if "AWS4-HMAC-SHA256" not in request.headers.get("authorization", ""):
            raise Refused("Missing Authentication Token", 403)
        for name in sorted(set(body) - FIELDS):
            raise Refused(f"Unexpected field {name}")
        inference = body.get("inferenceConfig") or {}
        for name in sorted(set(inference) - INFERENCE):
            raise Refused(f"Unexpected field inferenceConfig.{name}")
        if len(inference.get("stopSequences") or []) > 2500:
            raise Refused("stopSequences has too many members")
        messages = body.get("messages") or []
        if not messages or messages[0]["role"] != "user":
            raise Refused("A conversation must start with a user message.")
        before = None
        for message in messages:
            if message["role"] == before:
                # The Converse API wants turns: consecutive ones of a role are to be one message.
                raise Refused("A conversation must alternate between user and assistant roles.")
            before = message["role"]
            for block in message["content"]:
                if "text" in block and not block["text"].strip():
                    raise Refused("The text field in the ContentBlock object is blank.")
            if not message["content"]:
                raise Refused("The content field in the Message object is empty.")
        if before == "assistant":
            raise Refused("This model does not support assistant message prefill.")
        self.check_model(path, inference, body.get("additionalModelRequestFields") or {})

    def check_model(self, path: str, inference: dict, extra: dict) -> None:
        """What the model behind it refuses."""
        knobs = {"temperature": inference.get("temperature"), "top_p": inference.get("topP")}
        check_knobs(path, {**knobs, **{name: extra[name] for name in KNOBS if name in extra}})
        self.check_extra(extra, {"thinking", "top_k", "anthropic_beta", "output_config"})

    def check_extra(self, extra: dict, known: set[str]) -> None:
        for name in sorted(set(extra) - known):
            raise Refused(f"{name}: Extra inputs are not permitted")

    def optional(self, body: dict) -> list[str]:
        inference = body.get("inferenceConfig") or {}
        extra = body.get("additionalModelRequestFields") or {}
        return [name for name in ("stopSequences", *extra) if name in {**inference, **extra}]

    def refusal(self, name: str) -> str:
        # https://github.com/crewAIInc/crewAI/issues/3317
        return f"This model doesn't support the {name} field. Remove {name} and try again."

    def stops(self, body: dict) -> list[str]:
        return (body.get("inferenceConfig") or {}).get("stopSequences") or []

    def knob(self, body: dict, name: str) -> float | None:
        inference = body.get("inferenceConfig") or {}
        return inference.get({"top_p": "topP"}.get(name, name))

    def is_stream(self, request: Request, body: dict) -> bool:
        return request.url.path.endswith("/converse-stream")

    def thinks(self, body: dict) -> bool:
        extra = body.get("additionalModelRequestFields") or {}
        return (extra.get("thinking") or {"type": "disabled"})["type"] != "disabled"

    def frames(self, body: dict, script: Script) -> list[bytes]:
        out = [event("messageStart", {"role": "assistant"})]
        if self.thinks(body):
            for word in script.reasoning.split():
                delta: dict = {"reasoningContent": {"text": f"{word} "}}
                out.append(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}))
        if body.get("toolConfig"):
            start = {"toolUse": {"toolUseId": "t1", "name": script.tool}}
            out.append(event("contentBlockStart", {"contentBlockIndex": 0, "start": start}))
            delta = {"toolUse": {"input": script.arguments}}
            out.append(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}))
        else:
            for piece in script.cut():
                block = {"contentBlockIndex": 0, "delta": {"text": piece}}
                out.append(event("contentBlockDelta", block))
        out.append(event("contentBlockStop", {"contentBlockIndex": 0}))
        out.append(event("messageStop", {"stopReason": self._reason(body, script)}))
        out.append(event("metadata", {"usage": usage(script.bill), "metrics": {"latencyMs": 1}}))
        return out

    def whole(self, body: dict, script: Script) -> dict:
        content: list[dict] = [{"text": script.text}]
        if body.get("toolConfig"):
            arguments = script.parsed()
            use = {"toolUseId": "t1", "name": script.tool, "input": arguments}
            content = [{"toolUse": use}]
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": self._reason(body, script), "usage": usage(script.bill),
            "metrics": {"latencyMs": 1},
        }  # fmt: skip

    def _reason(self, body: dict, script: Script) -> str:
        return "tool_use" if body.get("toolConfig") else script.finish or "end_turn"

    def error(self, message: str, status: int, **_: Any) -> dict:
        return {"message": message}

    def error_frame(self, message: str) -> bytes:
        return event("modelStreamErrorException", {"message": message}, "exception")


class Nova(Bedrock):
    """Amazon's Nova: https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html"""

    caches = ()

    def check_model(self, path: str, inference: dict, extra: dict) -> None:
        if len(inference.get("stopSequences") or []) > 4:
            raise Refused("Malformed input request: #/stopSequences: expected at most 4 items")
        self.check_extra(extra, {"inferenceConfig", "reasoningConfig"})

    def thinks(self, body: dict) -> bool:
        extra = body.get("additionalModelRequestFields") or {}
        return (extra.get("reasoningConfig") or {}).get("type") == "enabled"


class BedrockGptOss(Bedrock):
    """gpt-oss on Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html"""

    caches = ()

    def check_model(self, path: str, inference: dict, extra: dict) -> None:
        if "stopSequences" in inference:
            raise Refused(self.refusal("stopSequences"))
        if extra.get("reasoning_effort") not in (None, "low", "medium", "high"):
            raise Refused("reasoning_effort: Input should be 'low', 'medium' or 'high'")
        self.check_extra(extra, {"reasoning_effort"})

    def thinks(self, body: dict) -> bool:
        extra = body.get("additionalModelRequestFields") or {}
        return extra.get("reasoning_effort", "medium") != "low"


def _blocks(role: str, content: list[dict]) -> list[Block]:
    """A cache point marks what comes before it."""
    blocks: list[Block] = []
    for item in content:
        if (point := item.get("cachePoint")) is None:
            blocks.append(Block(f"{role}: {item.get('text') or json.dumps(item)}\n"))
            continue
        known = point.get("type") == "default" and point.get("ttl", "5m") in ("5m", "1h")
        if not known or not blocks or blocks[-1].mark:
            raise InvalidMarks("The cachePoint is malformed, or there is nothing before it.")
        blocks[-1] = Block(blocks[-1].text, point.get("ttl", "5m"))
    return blocks


def usage(bill: Bill | None) -> dict:
    """`inputTokens` counts what was neither read nor written.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """
    if bill is None:
        return USAGE
    return {
        "inputTokens": bill.fresh, "outputTokens": 12, "totalTokens": bill.tokens + 12,
        "cacheReadInputTokens": bill.read, "cacheWriteInputTokens": bill.written,
    }  # fmt: skip
