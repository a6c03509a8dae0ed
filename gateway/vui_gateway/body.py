"""What a client may say: a chat request with the fields of a vui turn, of a sane size, in time."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from starlette.types import Receive

__all__ = ["Refusal", "clean_body", "read_body"]

MAX_BYTES = 2_000_000  # a context of 500,000 tokens
MAX_MESSAGES = 1000
MAX_DEPTH = 20
SECONDS = 10.0

# https://platform.openai.com/docs/api-reference/chat/create. LiteLLM takes many more, and some of
# them choose an address, a key or a hook.
FIELDS = {
    "model": str, "messages": list, "stream": bool, "stream_options": dict, "stop": list | str,
    "tools": list, "tool_choice": str | dict, "parallel_tool_calls": bool, "max_tokens": int,
    "max_completion_tokens": int, "temperature": int | float, "top_p": int | float,
    "presence_penalty": int | float, "frequency_penalty": int | float, "seed": int,
    "reasoning_effort": str, "response_format": dict,
}  # fmt: skip
REQUIRED = ("model", "messages")
MESSAGE = ("role", "content", "name", "tool_calls", "tool_call_id")


class Refusal(Exception):
    """The request is answered with `status` and this message, and goes no further."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST):
        super().__init__(message)
        self.status = status


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        Refusal: 413 when it is too large, 408 when it takes too long.
    """
    body = b""
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BYTES:
                    raise Refusal(
                        f"The request is larger than {MAX_BYTES} bytes.",
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    )
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        text = f"The request took longer than {SECONDS:.0f} s to arrive."
        raise Refusal(text, HTTPStatus.REQUEST_TIMEOUT) from None


def clean_body(body: bytes) -> bytes:
    """The request with nothing but a turn's fields, as JSON.

    Raises:
        Refusal: 400 when a field is not what it must be, 413 for too many messages.
    """
    try:
        asked = json.loads(body, parse_constant=lambda name: _refuse(f"{name} is no JSON number."))
        text = json.dumps(_cleaned(asked), ensure_ascii=False)
        return text.encode()
    except (ValueError, RecursionError):
        raise Refusal("The body is no JSON that this gateway can read.") from None


def _cleaned(asked: Any) -> dict:
    if not isinstance(asked, dict):
        _refuse("The body must be a JSON object.")
    kept = {name: asked[name] for name in FIELDS if asked.get(name) is not None}
    for name in REQUIRED:
        if not kept.get(name):
            _refuse(f"{name} is missing or empty.")
    for name, value in kept.items():
        right = isinstance(value, FIELDS[name])
        if not right or (isinstance(value, bool) and FIELDS[name] is not bool):
            _refuse(f"{name} has the wrong type.")
    if len(kept["messages"]) > MAX_MESSAGES:
        text = f"More than {MAX_MESSAGES} messages."
        raise Refusal(text, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    kept["messages"] = [_message(message) for message in kept["messages"]]
    if any(not isinstance(stop, str) for stop in kept.get("stop", [])):
        _refuse("stop takes text only.")
    for tool in kept.get("tools", []):
        # Other types let a provider's or LiteLLM's side call an address of the client's choice.
        if not isinstance(tool, dict) or tool.get("type") != "function":
            _refuse("tools takes functions only.")
        if not isinstance(tool.get("function"), dict) or not tool["function"].get("name"):
            _refuse("A tool needs a function with a name.")
    if _depth(kept) > MAX_DEPTH:
        _refuse("The request is nested too deeply.")
    return kept


def _message(message: Any) -> dict:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        _refuse("A message needs a role.")
    content = message.get("content")
    if isinstance(content, list):
        # Text only: an image's address would be fetched from here.
        if any(not isinstance(p, dict) or not isinstance(p.get("text"), str) for p in content):
            _refuse("A message's content takes text only.")
        content = "".join(part["text"] for part in content)
    if content is not None and not isinstance(content, str):
        _refuse("A message's content takes text only.")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or any(not isinstance(call, dict) for call in calls):
        _refuse("tool_calls takes a list of objects.")
    kept = {name: message[name] for name in MESSAGE if message.get(name) is not None}
    return {**kept, "content": content} if content is not None else kept


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _refuse(message: str) -> Any:
    raise Refusal(message)
