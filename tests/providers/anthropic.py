"""Anthropic's Messages format: https://platform.claude.com/docs/en/api/messages"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn, sse
from tests.providers.cache import Bill, Block, InvalidMarks, Prompt, Rule, mark_of

FIELDS = frozenset(
    "model messages max_tokens container context_management inference_geo mcp_servers metadata "
    "output_config output_format service_tier speed stop_sequences stream system temperature "
    "thinking tool_choice tools top_k top_p cache_control".split()
)
KNOBS = {"temperature": 1, "top_p": None, "top_k": None}

# Tools, then the system's blocks, then the messages'; a mark is found again up to 20 blocks back;
# each use renews its five minutes: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
# has the least lengths too. Where it doesn't name a model, the greatest of them is taken.
CACHING = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"
LEAST = {
    "(opus|fable|mythos)-5": 512,
    "opus-4-8|sonnet-5|sonnet-4(-[56])?|opus-4(-1)?": 1024,
    "opus-4-7|haiku-3-5|3-5-haiku": 2048,
}
CACHES: tuple[tuple[str, Rule], ...] = (
    *(
        (rf"claude-({models})(?!\.|\d|-\d(?!\d))", Rule(CACHING, least, kind="blocks"))
        for models, least in LEAST.items()
    ),
    ("claude", Rule(CACHING, 4096, kind="blocks")),
)


class Anthropic(StandIn):
    """api.anthropic.com"""

    caches = CACHES

    def prompt(self, request: Request, body: dict) -> Prompt:
        tools = [_block("", tool) for tool in body.get("tools") or []]
        system = _blocks("system", body.get("system") or [])
        messages = [
            block for message in body["messages"]
            for block in _blocks(message["role"], message["content"])
        ]  # fmt: skip
        # In the request itself it marks the last block that can be cached.
        if whole := mark_of(body):
            messages[-1] = Block(messages[-1].text, messages[-1].mark or whole)
        return Prompt(tools, system, messages)

    def check(self, request: Request, body: dict) -> None:
        if request.url.path != "/v1/messages":
            raise Refused("Not found", 404, kind="not_found_error")
        if not request.headers.get("x-api-key"):
            raise Refused("x-api-key header is required", 401, kind="authentication_error")
        if not request.headers.get("anthropic-version"):
            raise Refused("anthropic-version: header is required")
        self.check_body(body)

    def check_body(self, body: dict) -> None:
        for name in set(body) - FIELDS:
            raise Refused(f"{name}: Extra inputs are not permitted")
        if not isinstance(body.get("max_tokens"), int):
            raise Refused("max_tokens: Field required")
        late_system = version(body.get("model", "")) >= (4, 8)
        check_conversation(body.get("messages"), body.get("system"), late_system)
        for stop in body.get("stop_sequences") or []:
            if not stop.strip():
                raise Refused("stop_sequences: each stop sequence must contain non-whitespace")
        check_knobs(body.get("model", ""), {name: body.get(name) for name in KNOBS})
        thinking = body.get("thinking")
        if thinking is not None and thinking.get("type") not in allowed(body.get("model", "")):
            raise Refused(f'"thinking.type.{thinking.get("type")}" is not supported')

        # https://platform.claude.com/docs/en/build-with-claude/extended-thinking
        if self.thinks(body) and body.get("temperature") not in (None, 1):
            raise Refused("`temperature` may only be set to 1 when thinking is enabled.")

    def stops(self, body: dict) -> list[str]:
        return body.get("stop_sequences") or []

    def thinks(self, body: dict) -> bool:
        unasked = "adaptive" if version(body.get("model", "")) >= (5, 0) else "disabled"
        kind = (body.get("thinking") or {"type": unasked})["type"]
        return kind not in ("disabled", "between_tools")

    def frames(self, body: dict, script: Script) -> list[bytes]:
        def event(kind: str, **data: Any) -> bytes:
            return sse({"type": kind, **data}, kind)

        usage = {**input_usage(script.bill), "output_tokens": 1}
        message: dict = {**self._message(body), "content": [], "stop_reason": None, "usage": usage}
        out = [event("message_start", message=message), event("ping")]
        index = 0
        if self.thinks(body) and script.reasoning:
            block: dict = {"type": "thinking", "thinking": "", "signature": ""}
            out.append(event("content_block_start", index=0, content_block=block))
            for word in script.reasoning.split():
                delta = {"type": "thinking_delta", "thinking": f"{word} "}
                out.append(event("content_block_delta", index=0, delta=delta))
            out.append(event("content_block_stop", index=0))
            index = 1
        if body.get("tools"):
            block = {"type": "tool_use", "id": "toolu_1", "name": script.tool, "input": {}}
            out.append(event("content_block_start", index=index, content_block=block))
            delta = {"type": "input_json_delta", "partial_json": script.arguments}
            out.append(event("content_block_delta", index=index, delta=delta))
        else:
            block = {"type": "text", "text": ""}
            out.append(event("content_block_start", index=index, content_block=block))
            for piece in script.cut():
                delta = {"type": "text_delta", "text": piece}
                out.append(event("content_block_delta", index=index, delta=delta))
        out.append(event("content_block_stop", index=index))
        reason = "tool_use" if body.get("tools") else "end_turn"
        end = {"stop_reason": reason, "stop_sequence": None}
        out.append(event("message_delta", delta=end, usage={"output_tokens": 12}))
        out.append(event("message_stop"))
        return out

    def whole(self, body: dict, script: Script) -> dict:
        content: list[dict] = [{"type": "text", "text": script.text}]
        if body.get("tools"):
            arguments = script.parsed()
            content = [
                {"type": "tool_use", "id": "toolu_1", "name": script.tool, "input": arguments}
            ]
        reason = "tool_use" if body.get("tools") else "end_turn"
        usage = {**input_usage(script.bill), "output_tokens": 12}
        return {**self._message(body), "content": content, "stop_reason": reason, "usage": usage}

    def _message(self, body: dict) -> dict:
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
            "stop_sequence": None,
        }  # fmt: skip

    def error(self, message: str, status: int, kind: str | None = None, **_: Any) -> dict:
        # https://platform.claude.com/docs/en/api/errors
        names = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kind or names.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}

    def error_frame(self, message: str) -> bytes:
        return sse(self.error(message, 529), "error")


ALWAYS = re.compile("(opus|sonnet)-5-5|fable|mythos")


def allowed(model: str) -> tuple[str, ...]:
    """The kinds of thinking that a Claude takes: the migration guides of
    https://platform.claude.com/docs/en/about-claude/models/migration-guide and
    https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5
    """
    if ALWAYS.search(model):
        return ("adaptive", "between_tools") if "sonnet" in model else ("adaptive",)
    if version(model) >= (4, 7):
        return ("adaptive", "disabled")
    return ("enabled", "disabled", "adaptive")


def _blocks(role: str, content: str | list[dict]) -> list[Block]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [_block(role, block) for block in content]


def _block(role: str, block: dict) -> Block:
    mark = mark_of(block)
    if mark and block.get("type") in ("thinking", "redacted_thinking"):
        raise InvalidMarks("thinking.cache_control: Extra inputs are not permitted")
    if block.get("type") == "text":
        if mark and not block["text"].strip():
            raise InvalidMarks("cache_control cannot be set for empty text blocks")
        return Block(f"{role}: {block['text']}\n", mark)
    bare = {name: value for name, value in block.items() if name != "cache_control"}
    return Block(f"{role}: {json.dumps(bare)}\n", mark)


def input_usage(bill: Bill | None) -> dict:
    """`input_tokens` counts what was neither read nor written.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
    """
    if bill is None:
        return {"input_tokens": 1200}
    hour = bill.written_hour
    return {
        "input_tokens": bill.fresh, "cache_read_input_tokens": bill.read,
        "cache_creation_input_tokens": bill.written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": bill.written - hour, "ephemeral_1h_input_tokens": hour
        },
    }  # fmt: skip


def version(model: str) -> tuple[int, int]:
    """(4, 6) of claude-sonnet-4-6, (5, 0) of claude-opus-5; dates don't count."""
    found = re.search(r"claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?![\d])", model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def check_knobs(model: str, knobs: dict[str, Any]) -> None:
    """What Claude refuses of the sampling knobs, wherever it runs."""
    if version(model) >= (4, 7):
        # https://platform.claude.com/docs/en/about-claude/models/migration-guide
        for name, default in KNOBS.items():
            if knobs.get(name) not in (None, default):
                raise Refused(f"`{name}` is deprecated for this model.")
    elif version(model) >= (4, 5) and None not in (knobs.get("temperature"), knobs.get("top_p")):
        # https://github.com/BerriAI/litellm/issues/15097
        raise Refused("`temperature` and `top_p` cannot both be specified for this model.")


def check_conversation(messages: Any, system: Any, late_system: bool) -> None:
    """The Messages API's rules for a conversation.

    From Claude 4.8 a system message may follow a user's turn:
    https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    """
    if not messages:
        raise Refused("messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise Refused("messages: first message must use the user role")
    for index, message in enumerate(messages):
        after_user = index > 0 and messages[index - 1]["role"] == "user"
        if message["role"] == "system" and late_system and after_user:
            continue
        if message["role"] not in ("user", "assistant"):
            raise Refused(f'messages: Unexpected role "{message["role"]}"')
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        for block in blocks:
            # https://github.com/anthropics/anthropic-sdk-python/issues/461
            if block.get("type") == "text" and not block["text"]:
                raise Refused("messages: text content blocks must be non-empty")
            if block.get("type") == "text" and not block["text"].strip():
                raise Refused("messages: text content blocks must contain non-whitespace text")
        if not blocks:
            raise Refused(f"messages.{index}: all messages must have non-empty content")
    for block in system if isinstance(system, list) else []:
        if not block.get("text"):
            raise Refused("system: text content blocks must be non-empty")
    if messages[-1]["role"] == "assistant":
        raise Refused("This model does not support assistant message prefill.")
