"""OpenAI's chat-completions format."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn, sse
from tests.providers.cache import HOUR, Bill, Block, InvalidMarks, Prompt, Rule, mark_of

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
MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal"})
# An unknown one is refused, Anthropic's `cache_control` too:
# https://github.com/nadeko-bot/nadekobot/issues/34, https://github.com/omnimind-ai/OmniBot/issues/301
PART_FIELDS = frozenset({"type", "text", "image_url", "input_audio", "file", "refusal"})
TOOL_FIELDS = frozenset({"type", "function", "custom"})
CACHING = "https://developers.openai.com/api/docs/guides/prompt-caching"
# Machines are chosen by the first 256 tokens and the key, tools come before the instructions, and a
# customer found 60 % of his prompts again without a key, 87 % with it:
# https://github.com/openai/openai-cookbook/blob/main/examples/Prompt_Caching_201.ipynb. Kept for
# 5 to 10 minutes without use. From GPT-5.6 on one of four places is the prompt's end, found again
# exactly there, for 30 minutes, and writing costs 1.25x:
# https://docs.rs/async-openai/latest/async_openai/types/responses/struct.PromptCacheOptionsParam.html
CACHES: tuple[tuple[str, Rule], ...] = (
    (
        r"gpt-(5\.[6-9]|[6-9])",
        Rule(CACHING, 1024, HOUR / 2, kind="blocks", look_back=10_000, last_marked=True),
    ),
    ("", Rule(CACHING, 1024, step=128, hits=(0.6, 0.87))),
)
USAGE = {"prompt_tokens": 1200, "completion_tokens": 12, "total_tokens": 1212}


class OpenAI(StandIn):
    """api.openai.com: a model that doesn't reason."""

    max_stops: int | None = 4  # https://platform.openai.com/docs/api-reference/chat/create, `stop`
    fields = FIELDS
    message_fields = MESSAGE_FIELDS
    part_fields = PART_FIELDS
    tool_fields = TOOL_FIELDS
    caches: tuple[tuple[str, Rule], ...] = CACHES
    refused_fields: tuple[str, ...] = ()
    unknown_status = 400
    keep_alive: bytes = b""
    reasoning_field = "reasoning_content"
    breaks: tuple[str, ...] = ("content_filter",)
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
            extra = set(message) - self.message_fields
            if extra:
                raise Refused(f"Unrecognized fields in messages[{index}]: {sorted(extra)}")
            if message.get("content") is None and not message.get("tool_calls"):
                raise Refused(f"Invalid value for 'content' in messages[{index}]: null.")
            parts = message.get("content")
            for part in parts if isinstance(parts, list) else []:
                self.check_names(part, self.part_fields, f"messages[{index}].content")
        for tool in body.get("tools") or []:
            self.check_names(tool, self.tool_fields, "tools")

    def check_names(self, item: dict, names: frozenset[str], where: str) -> None:
        for name in sorted(set(item) - names):
            raise Refused(f"Unknown parameter: '{where}.{name}'.", self.unknown_status)

    def prompt(self, request: Request, body: dict) -> Prompt:
        blocks = [(m["role"], block) for m in body["messages"] for block in _blocks(m)]
        talk = next((i for i, (role, _) in enumerate(blocks) if role not in SYSTEM), len(blocks))
        return Prompt(
            [Block(json.dumps(_bare(tool)), mark_of(tool)) for tool in body.get("tools") or []],
            [block for _, block in blocks[:talk]],
            [block for _, block in blocks[talk:]],
            self.key(request, body),
        )

    def key(self, request: Request, body: dict) -> str:
        """What the caller gives so that his calls meet on one machine."""
        return body.get("prompt_cache_key") or ""

    def usage(self, bill: Bill | None) -> dict:
        """https://developers.openai.com/api/docs/guides/prompt-caching"""
        if bill is None:
            return USAGE
        tokens = {
            "prompt_tokens": bill.tokens, "completion_tokens": 12, "total_tokens": bill.tokens + 12
        }  # fmt: skip
        return {**tokens, "prompt_tokens_details": self.details(bill)}

    def details(self, bill: Bill) -> dict:
        written = {"cache_write_tokens": bill.written} if bill.written else {}
        return {"cached_tokens": bill.read, **written}

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
            out.append(frame({}, script.finish or "stop"))
        usage = self.usage(script.bill)
        if self.always_usage or (body.get("stream_options") or {}).get("include_usage"):
            out.append(sse({**self._chunk(body), "choices": [], "usage": usage}))
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
            "model": body.get("model", ""), "choices": [choice],
            "usage": self.usage(script.bill), "service_tier": "default",
        }  # fmt: skip

    def error(self, message: str, status: int, code: str | None = None, **_: Any) -> dict:
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error_frame(self, message: str) -> bytes:
        return sse(self.error(message, 500))


SYSTEM = ("system", "developer")


def _bare(item: dict) -> dict:
    return {name: value for name, value in item.items() if name != "cache_control"}


def _blocks(message: dict) -> list[Block]:
    """A message's parts, the first of them with its role."""
    content = message.get("content") or ""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    if calls := message.get("tool_calls"):
        parts = [*parts, {"type": "calls", "text": json.dumps(calls)}]
    blocks: list[Block] = []
    for part in parts:
        mark = mark_of(part)
        if (point := part.get("prompt_cache_breakpoint")) is not None:
            if point != {"mode": "explicit"}:
                raise InvalidMarks("Invalid value for 'prompt_cache_breakpoint.mode'.")
            mark = "30m"
        text = part["text"] if "text" in part else json.dumps(_bare(part))
        if mark and not text.strip():
            raise InvalidMarks("cache_control cannot be set for empty text blocks")
        blocks.append(Block(text if blocks else f"<{message['role']}>{text}", mark))
    return [*blocks[:-1], Block(f"{blocks[-1].text}<end>", blocks[-1].mark)]


def _thirds(text: str) -> list[str]:
    step = max(1, len(text) // 3)
    return [text[i : i + step] for i in range(0, len(text), step)]


def arguments(**values: Any) -> str:
    """Tool arguments as a model writes them."""
    return json.dumps(values)
