"""Answers in shapes that LiteLLM can't read, and the shapes that it can."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["as_event", "mended"]

# A mark of .NET's writers, which the first event would be lost for; an SSE stream may begin with it
# (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
# Azure's `"delta": null` (https://github.com/microsoft/agent-framework/pull/5734). SambaNova's time
# with a fraction (https://github.com/mlcommons/modelbench/issues/1287).
ODD = re.compile(
    rb'"(?:(?P<name>delta"\s{0,4}:\s{0,4})null\b'
    rb'|(?P<time>created"\s{0,4}:\s{0,4}\d{1,12})\.\d{1,12})'
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MARKED = re.compile(BYTE_ORDER_MARK + rb"(?=data:|event:|id:|:)")


def mended(data: bytes) -> bytes:
    """Events, or a body, as LiteLLM reads them; no text in them changes: its quotes are escaped."""
    data = MARKED.sub(b"", data) if BYTE_ORDER_MARK in data else data
    return ODD.sub(_instead, data)


def _instead(found: re.Match[bytes]) -> bytes:
    return b'"' + (found["name"] + b"{}" if found["name"] else found["time"])


def as_event(answer: Any) -> bytes:
    """The event of a whole answer in OpenAI's format, of a server that can't stream; else empty."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not all(map(_is_whole, choices)):
        return b""
    said = [{**choice, "delta": choice["message"], "message": None} for choice in choices]
    event = {**answer, "object": "chat.completion.chunk", "choices": said}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _is_whole(choice: Any) -> bool:
    if not isinstance(choice, dict) or choice.get("delta") is not None:
        return False
    return isinstance(choice.get("message"), dict)
