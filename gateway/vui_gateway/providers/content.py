"""The text of a message, and the thoughts in it: `content` may be a list of parts."""

from __future__ import annotations

from typing import Any

__all__ = ["text_and_thoughts", "whole_characters"]

# https://docs.mistral.ai/capabilities/reasoning; others name a part by what is in it.
THOUGHTS = ("thinking", "reasoning", "reasoning_content", "thought")
# OpenAI's for an answer, for a request that a server repeats, and for a refusal, and Anthropic's:
# https://platform.openai.com/docs/api-reference/responses/object,
# https://platform.claude.com/docs/en/build-with-claude/streaming
TEXT_KINDS = frozenset(("text", "output_text", "input_text", "refusal", "text_delta"))
# `value`: https://platform.openai.com/docs/api-reference/messages/object
TEXT_FIELDS = ("text", "output_text", "content", "refusal", "value")
MOST_NESTED = 8


def text_and_thoughts(content: Any, nested: int = 0) -> tuple[str, str]:
    """The text, and the thoughts; parts of other kinds are left out.

    nested: how many parts it stands in.
    """
    if isinstance(content, str) or not isinstance(content, list | dict) or nested > MOST_NESTED:
        return content if isinstance(content, str) else "", ""
    texts, thoughts = [], []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            kind = part.get("type") or next((name for name in THOUGHTS if name in part), "text")
            if kind in THOUGHTS or part.get("thought") is True:
                thoughts.append(_inner(part, (*THOUGHTS, *TEXT_FIELDS)))
            elif kind == "message":
                text, thought = text_and_thoughts(part.get("content"), nested + 1)
                texts.append(text)
                thoughts.append(thought)
            elif kind in TEXT_KINDS:
                texts.append(_inner(part, TEXT_FIELDS))
    return "".join(texts), "".join(thoughts)


def whole_characters(text: str) -> str:
    """The text with halves of a character joined, and without single ones.

    JSON may hold them, and UTF-8 may not: a later request with one could not be sent.
    Source: https://datatracker.ietf.org/doc/html/rfc8259#section-8.2
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _inner(part: Any, names: tuple[str, ...], nested: int = 0) -> str:
    """The text of a part, which may hold parts itself."""
    if isinstance(part, str) or nested > MOST_NESTED:
        return part if isinstance(part, str) else ""
    if isinstance(part, list):
        return "".join(_inner(one, names, nested + 1) for one in part)
    values = (part.get(name) for name in names) if isinstance(part, dict) else ()
    inside = next((value for value in values if isinstance(value, str | list | dict)), "")
    return _inner(inside, names, nested + 1)
