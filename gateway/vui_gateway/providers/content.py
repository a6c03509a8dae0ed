"""The text of a message, and the thoughts in it: `content` may be a list of parts."""

from __future__ import annotations

from typing import Any

__all__ = ["text_and_thoughts", "whole_characters"]

# https://docs.mistral.ai/capabilities/reasoning; others name a part by what is in it.
THOUGHTS = ("thinking", "reasoning", "reasoning_content", "thought")
TEXT_FIELDS = ("text", "output_text", "content")


def text_and_thoughts(content: Any) -> tuple[str, str]:
    """The text, and the thoughts; parts of other kinds are left out."""
    if isinstance(content, str) or not isinstance(content, list | dict):
        return content if isinstance(content, str) else "", ""
    texts, thoughts = [], []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            kind = part.get("type") or next((name for name in THOUGHTS if name in part), "text")
            if kind in THOUGHTS or part.get("thought") is True:
                thoughts.append(_inner(part, (*THOUGHTS, *TEXT_FIELDS)))
            elif kind in ("text", "output_text"):
                texts.append(_inner(part, TEXT_FIELDS))
    return "".join(texts), "".join(thoughts)


def whole_characters(text: str) -> str:
    """The text with halves of a character joined, and without single ones.

    JSON may hold them, and UTF-8 may not: a later request with one could not be sent.
    Source: https://datatracker.ietf.org/doc/html/rfc8259#section-8.2
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _inner(part: dict, names: tuple[str, ...]) -> str:
    """The text of a part, which may hold parts itself."""
    inside = next((part[name] for name in names if isinstance(part.get(name), str | list)), "")
    if isinstance(inside, str):
        return inside
    found = (one if isinstance(one, str) else _first_text(one, names) for one in inside)
    return "".join(found)


def _first_text(part: Any, names: tuple[str, ...]) -> str:
    values = (part.get(name) for name in names) if isinstance(part, dict) else ()
    return next((value for value in values if isinstance(value, str)), "")
