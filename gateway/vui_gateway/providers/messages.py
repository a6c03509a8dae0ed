"""Rules for messages: the shape that every chat template takes, and families that need less.

The first turn is the user's, roles alternate, and a system message is the first or none. The
beginning of a conversation stays as it is, word for word: prompt caches go by it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

__all__ = ["CLAUDE", "OPENAI", "SHAPES", "Shape", "shaped"]

# Searched in `provider/model`; other servers of OpenAI's format serve other models.
OPENAI = r"^(openai/(gpt-(?!oss)|chatgpt|o\d)|azure/)"
CLAUDE = r"^(anthropic/|(bedrock|bedrock_converse|vertex_ai|azure_ai|openrouter)/.*claude)"
SYSTEM = ("system", "developer")
SEPARATOR = "\n\n"
# Said before the greeting that vui begins a session with.
HELLO = {"role": "user", "content": "Hi."}


@dataclass(frozen=True)
class Shape:
    """One family's exception to the common shape.

    Attributes:
        match: searched in `provider/model`.
        source: where the rule comes from.
        any_order: of roles; its conversations stay as they are.
    """

    match: str
    source: str
    any_order: bool = False


SHAPES = (
    Shape(
        OPENAI,
        "https://platform.openai.com/docs/api-reference/chat/create",
        any_order=True,
    ),
    # LiteLLM joins them as blocks of one turn, which the prompt cache finds again one by one.
    Shape(
        CLAUDE,
        "https://docs.litellm.ai/docs/providers/anthropic",
    ),
)


def shaped(messages: Iterable[dict], name: str) -> list[dict]:
    """The messages as the templates of a family take them; the originals stay as they are.

    name: `provider/model`, in small letters.

    Sources: https://github.com/vllm-project/vllm/issues/41114 (a system message in the middle),
    https://github.com/crewAIInc/crewAI/pull/3330 (a first turn that isn't the user's),
    https://docs.perplexity.ai/guides/chat-completions-guide (roles that don't alternate)
    """
    kept = [dict(message) for message in _answering(messages) if not _is_empty(message)]
    shape = _shape_of(name)
    if shape and shape.any_order:
        return kept
    ordered = _user_first(_system_first(kept))
    return ordered if shape else _alternating(ordered)


@functools.cache
def _shape_of(name: str) -> Shape | None:
    return next((shape for shape in SHAPES if re.search(shape.match, name)), None)


def _is_empty(message: dict) -> bool:
    # A reply that was interrupted before its first word.
    empty = not (message.get("content") or message.get("tool_calls"))
    return empty and message.get("role") == "assistant"


def _answering(messages: Iterable[dict]) -> Iterator[dict]:
    """A tool's result that answers no call of the latest ones is the user's: vui's realtime
    protocol keeps results and not their calls, and no provider takes such a result.
    """
    calls: set[Any] = set()
    for message in messages:
        if made := message.get("tool_calls"):
            calls = {call.get("id") for call in made}
        role = message.get("role")
        if role == "function" or (role == "tool" and message.get("tool_call_id") not in calls):
            if message.get("content"):
                yield {"role": "user", "content": _text(message)}
        else:
            yield message


def _is_system(message: dict) -> bool:
    return message.get("role") in SYSTEM


def _system_first(messages: list[dict]) -> list[dict]:
    """A system message in mid-conversation becomes the user's, behind the results of tools."""
    ordered = list(takewhile(_is_system, messages))
    waiting: list[dict] = []
    for message in messages[len(ordered) :]:
        if _is_system(message):
            waiting.append({"role": "user", "content": _text(message)})
            continue
        if message.get("role") != "tool":
            ordered += waiting
            waiting = []
        ordered.append(message)
    return ordered + waiting


def _user_first(messages: list[dict]) -> list[dict]:
    begin = sum(1 for _ in takewhile(_is_system, messages))
    if begin < len(messages) and messages[begin].get("role") == "assistant":
        messages.insert(begin, dict(HELLO))
    return messages


def _alternating(messages: list[dict]) -> list[dict]:
    return [_joined(list(turns)) for _, turns in groupby(messages, key=_speaker)]


def _speaker(message: dict) -> Any:
    """The same for two messages that are one turn; calls of tools and their results are none."""
    if message.get("tool_calls") or message.get("role") in ("tool", "function"):
        return id(message)
    role = message.get("role")
    return "system" if role in SYSTEM else role, message.get("name")


def _joined(turns: list[dict]) -> dict:
    if len(turns) == 1:
        return turns[0]
    contents = [turn["content"] for turn in turns if turn.get("content")]
    if any(isinstance(content, list) for content in contents):
        return {**turns[0], "content": [part for content in contents for part in _parts(content)]}
    return {**turns[0], "content": SEPARATOR.join(contents)}


def _parts(content: str | list) -> Iterator[dict]:
    yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(message: dict) -> str:
    parts = _parts(message.get("content") or "")
    return SEPARATOR.join(part["text"] for part in parts if part.get("text"))
