"""The faults of one deployment: what its provider does (`tests.providers.base.Script`), by name."""

from __future__ import annotations

import json
from typing import Any

from tests.support.sick_and_well import FIRST

__all__ = ["BROKEN", "DRIBBLE", "HTML", "MOVED", "NO_WORDS", "ODD", "PLACES", "completion"]

PLACES = {
    "before the first word": 0,
    "after the first word": 1,
    "after the third word": 3,
    "after the 15th word": 15,
    "after the first sentence": len(FIRST[0].split()),
    "in the second sentence": len(FIRST[0].split()) + 2,
    "after the last word": len(" ".join(FIRST).split()),
}
HTML = {"fault_body": "<html>Log in</html>", "fault_headers": {"content-type": "text/html"}}


def completion(text: str) -> str:
    """A whole answer that isn't streamed."""
    message = {"role": "assistant", "content": text}
    return json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
    })  # fmt: skip


MOVED = {"fault": 302, "fault_body": "", "fault_headers": {"location": "/log-in"}}

# What is wrong with the first deployment; the second is well.
NO_WORDS: dict[str, dict[str, Any]] = {
    "200 and keep-alives for ever": {"fault": "keep-alives", "words": 0},
    "role deltas for ever": {"fault": "role-only", "words": 0},
    "empty texts for ever": {"fault": "empty-deltas", "words": 0},
    "reasoning for ever, not asked for": {"fault": "reasoning", "words": 0},
    "`<think>` never closed": {"fault": "think", "words": 0},
    "`<thinking>` never closed": {"fault": "thinking", "words": 0},
    "`[THINK]` never closed": {"fault": "bracketed think", "words": 0},
    "no answer at all": {"delay": 60},
    "no choices": {"fault": "no-choices", "words": 0},
    "`content_filter` at once": {"fault": "content_filter", "words": 0},
    "`stop` at once": {"fault": "stop", "words": 0},
    "`length` at once": {"fault": "length", "words": 0},
    "JSON instead of events": {"fault": 200, "fault_body": json.dumps({"result": " ".join(FIRST)})},
    "HTML instead of events": {"fault": 200, **HTML},
    "302": MOVED,
    "500": {"fault": 500},
    "a line of 50 MB": {"fault": "long-line", "words": 0},
}
BROKEN = {
    f"{what} {place}": {"fault": fault, "words": words}
    for what, fault in {
        "silence": "stall", "keep-alives": "keep-alives", "reset": "reset",
        "an error frame": "error-frame", "the end": "end",
    }.items()
    for place, words in PLACES.items()
}  # fmt: skip
DRIBBLE = {"fault": "dribble", "words": 0, "pace": 0.4}
# The reply is there, in a way of its own.
ODD: dict[str, dict[str, Any]] = {
    "`<think>…</think>`, then the reply": {"text": "<think>Hm, rain.</think>" + " ".join(FIRST)},
    "an emoji after the last sentence": {"text": " ".join(FIRST) + " 😊"},
    "two choices": {"fault": "two-choices", "words": 0},
    "two choices in turns": {"fault": "choices-in-turns", "words": 0},
    "reset after the finish reason": {"fault": "reset", "after": -2},
    "silence after the finish reason": {"fault": "stall", "after": -2},
    "reset after `[DONE]`": {"fault": "reset", "after": 1000},
    "silence after `[DONE]`": {"fault": "stall", "after": 1000},
}
