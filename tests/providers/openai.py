"""OpenAI's chat-completions format."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn, sse

# https://platform.openai.com/docs/api-reference/chat/create: an unknown field is refused with 400
# "Unrecognized request argument supplied".
FIELDS = frozenset(
    [
        "messages",
        "model",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MESSAGE_FIELDS = {"role", "content", "name", "tool_calls", "tool_call_id", "refusal"}
USAGE = {"prompt_tokens": 1200, "completion_tokens": 12, "total_tokens": 1212}


class OpenAI(StandIn):
    """api.openai.com: a model that doesn't reason."""

    max_stops: int | None = 4  # https://platform.openai.com/docs/api-reference/chat/create, `stop`
    fields = FIELDS
    refused_fields: tuple[str, ...] = ()
    unknown_status = 400
    keep_alive: bytes = b""
    reasoning_field = "reasoning_content"
    always_usage = False  # usage without being asked for it

    def check(self, request: Request, body: dict) -> None:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise Refused("You didn't provide an API key.", 401, code="invalid_api_key")
        if not request.url.path.endswith("/chat/completions"):
            raise Refused(f"Invalid URL ({request.method} {request.url.path})", 404)
        self.check_body(body)

    def check_body(self, body: dict) -> None:
        unknown = set(body) - self.fields
        if unknown:
            names = ", ".join(sorted(unknown))
            raise Refused(f"Unrecognized request arguments supplied: {names}", self.unknown_status)
        for name in self.refused_fields:
            if body.get(name) is not None:
                raise Refused(f"Unsupported parameter: '{name}' is not supported with this model.")
        self.check_messages(body)
        stops = body.get("stop") or []
        count = 1 if isinstance(stops, str) else len(stops)
        if self.max_stops is not None and count > self.max_stops:
            raise Refused(
                f"Invalid 'stop': array too long. Expected an array with maximum length "
                f"{self.max_stops}, but got an array with length {count} instead."
            )
        if body.get("stream_options") is not None and not body.get("stream"):
            raise Refused(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            )
        if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
            raise Refused(
                "Setting 'max_tokens' and 'max_completion_tokens' together is not supported."
            )

    def check_messages(self, body: dict) -> None:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Refused("Invalid 'messages': empty array.")
        for index, message in enumerate(messages):
            if message.get("role") not in ROLES:
                raise Refused(f"Invalid value: '{message.get('role')}' for messages[{index}].role.")
            extra = set(message) - MESSAGE_FIELDS
            if extra:
                raise Refused(f"Unrecognized fields in messages[{index}]: {sorted(extra)}")
            if message.get("content") is None and not message.get("tool_calls"):
                raise Refused(f"Invalid value for 'content' in messages[{index}]: null.")

    def frames(self, body: dict, script: Script) -> list[bytes]:
        def frame(delta: dict, finish: str | None = None) -> bytes:
            return self.frame(body, delta, finish)

        out = [self.keep_alive] if self.keep_alive else []
        out.append(frame({"role": "assistant", "content": ""}))
        if self.thinks(body):
            out += [frame({self.reasoning_field: f"{word} "}) for word in script.reasoning.split()]
        if body.get("tools"):
            function = {"name": script.tool, "arguments": ""}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            out.append(frame({"tool_calls": [call]}))
            for part in _thirds(script.arguments):
                out.append(frame({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}))
            out.append(frame({}, "tool_calls"))
        else:
            out += [frame({"content": piece}) for piece in script.cut()]
            out.append(frame({}, "stop"))
        if self.always_usage or (body.get("stream_options") or {}).get("include_usage"):
            out.append(sse({**self._chunk(body), "choices": [], "usage": USAGE}))
        out.append(sse("[DONE]"))
        return out

    def frame(self, body: dict, delta: dict, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**self._chunk(body), "choices": [choice]})

    def _chunk(self, body: dict) -> dict:
        return {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": body.get("model", ""),
        }  # fmt: skip

    def whole(self, body: dict, script: Script) -> dict:
        message: dict[str, Any] = {"role": "assistant", "content": script.text}
        finish = "stop"
        if body.get("tools"):
            function = {"name": script.tool, "arguments": script.arguments}
            call = {"id": "call_1", "type": "function", "function": function}
            message, finish = (
                {"role": "assistant", "content": None, "tool_calls": [call]},
                "tool_calls",
            )
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
            "model": body.get("model", ""), "choices": [choice], "usage": USAGE,
            "service_tier": "default",
        }  # fmt: skip

    def error(self, message: str, status: int, code: str | None = None, **_: Any) -> dict:
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error_frame(self, message: str) -> bytes:
        return sse(self.error(message, 500))


def _thirds(text: str) -> list[str]:
    step = max(1, len(text) // 3)
    return [text[i : i + step] for i in range(0, len(text), step)]


def arguments(**values: Any) -> str:
    """Tool arguments as a model writes them."""
    return json.dumps(values)
