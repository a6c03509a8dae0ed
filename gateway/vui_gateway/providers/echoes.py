"""A request's own words in a provider's error: they say nothing of the failure.

A tool named `insufficient_quota`, with a schema that is none: "Invalid schema for function
'insufficient_quota'".
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

__all__ = ["unquoted"]

READ_FIELDS = ("messages", "tools", "tool_choice", "response_format", "stop")
MOST_WORDS = 300
QUOTES = ("'", '"', "`", "\\'", '\\"')
# Words of the format itself: an error may say that it takes none of these, or is written with them.
FORMAT = frozenset(
    [
        "function", "tool", "tools", "system", "developer", "user", "assistant", "error", "code",
        "message", "type", "status", "param", "retryDelay", "retry_delay", "input",
        "flagged_input", "failed_generation",
    ]
)  # fmt: skip


def unquoted(message: str, request: Mapping[str, Any], fields: Container[str] = ()) -> str:
    """The error without the words of the request that stand in quotes.

    fields: that the error may name; a schema may have a property of the same name.
    """
    words = {word for field in READ_FIELDS for word in _words(request.get(field), fields)}
    found = [word for word in words - FORMAT if word and word in message]
    for word in sorted(found, key=len, reverse=True)[:MOST_WORDS]:  # the longest may hold others
        for quote in QUOTES:
            message = message.replace(f"{quote}{word}{quote}", f"{quote}…{quote}")
    return message


def _words(value: Any, fields: Container[str]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (key for key in value if isinstance(key, str) and key not in fields)
        for item in value.values():
            yield from _words(item, fields)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item, fields)
