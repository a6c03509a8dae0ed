"""Providers' prompt caches: a table of what each needs to keep a prompt, and the marks that pay.

A prompt comes in parts, the most lasting first; providers that keep blocks get marks between
them, the others one text. https://docs.litellm.ai/docs/completion/prompt_caching
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vui_gateway.providers.messages import CLAUDE, OPENAI

__all__ = ["CACHES", "Cache", "Mark", "PromptCaching"]

PART_SEPARATOR = "\n\n"
MARK = {"type": "ephemeral"}
PREFIX_LIFETIME = 300.0  # seconds since a marked prefix was last written or read
MOST_MARKS = 4
# https://platform.claude.com/docs/en/about-claude/glossary#tokens
CHARACTERS_PER_TOKEN = 3.5
# A mark written so often and never read is left out for so long, in seconds.
MOST_UNREAD, UNREAD_PAUSE = 3, 3600.0
# With any of these the configuration sets caching itself.
OWN_FIELDS = (
    "cache_control_injection_points", "cache_control", "prompt_cache_key", "x-grok-conv-id",
)  # fmt: skip


@dataclass(frozen=True)
class Cache:
    """The rule for one family's prompt cache. A cache that goes by prefix alone needs no row.

    Attributes:
        match: searched in `provider/model`; of several rows the last one counts.
        source: where the rule comes from.
        least: tokens that a marked prefix must have; None where there are no marks.
        key: the field, or with `header` the header, that brings a user's calls together.
    """

    match: str
    source: str
    least: int | None = None
    key: str = ""
    header: bool = False


ANTHROPIC = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"

CACHES = (
    Cache(CLAUDE, ANTHROPIC, least=1024),
    Cache(CLAUDE + r".*(haiku-4[-.]5|opus-4[-.][567])", ANTHROPIC, least=4096),
    Cache(CLAUDE + r".*(opus|fable|mythos)-5", ANTHROPIC, least=512),
    Cache(
        # Other servers of this format may refuse a field that they don't know.
        OPENAI,
        "https://platform.openai.com/docs/guides/prompt-caching",
        key="prompt_cache_key",
    ),
    Cache(
        r"^mistral/",
        "https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching",
        key="prompt_cache_key",
    ),
    Cache(
        r"^xai/",
        "https://docs.x.ai/developers/advanced-api-usage/prompt-caching/maximizing-cache-hits",
        key="x-grok-conv-id",
        header=True,
    ),
)


class Mark(NamedTuple):
    """The end of a prefix that a provider is asked to keep.

    Attributes:
        place: of which deployment, for replies or thoughts, after which part.
        prefix: a hash of all that comes before it.
        known: the prefix, or the last turn's, was kept when the call was made.
    """

    place: tuple[str, bool, str]
    prefix: int
    known: bool


class PromptCaching:
    """Prepares calls for their provider's cache, and learns from the bill which marks are read.

    clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._enabled, self._installation = True, "vui"
        self._kept: dict[int, float] = {}  # prefix → when it was last written or read
        self._unread: dict[tuple[str, bool, str], int] = defaultdict(int)
        self._left_out: dict[tuple[str, bool, str], float] = {}  # until when
        self._last: dict[tuple[str, bool], int] = {}  # the whole prompt of the last call

    def configure(self, installation: str, *, enabled: bool) -> None:
        """Take a new configuration.

        installation: names this gateway to providers that keep a user's calls together.
        """
        self._installation, self._enabled = installation, enabled

    def apply(
        self, call: dict, provider: str, model: str, deployment: str
    ) -> tuple[dict, tuple[Mark, ...]]:
        """The call as its provider's cache wants it, and the marks in it; the original stays."""
        name = f"{provider}/{model}".lower()
        cache = _cache_of(name) if self._enabled else None
        call = {**call, "messages": [dict(message) for message in call["messages"]]}
        if cache and cache.least is not None:
            if _is_set(call):
                call["messages"] = _clock_apart(call["messages"])
                return call, ()
            return call, self._mark(call, cache.least, deployment)
        for message in call["messages"]:
            if isinstance(message.get("content"), list):
                message["content"] = _joined(message["content"])
        if cache and not _is_set(call):
            kind = "thoughts" if call.get("tools") else "reply"
            key = f"{self._installation}-{kind}"
            if cache.header:
                call["extra_headers"] = {**(call.get("extra_headers") or {}), cache.key: key}
            else:
                call[cache.key] = key
                allowed = call.get("allowed_openai_params") or ()
                call["allowed_openai_params"] = [*allowed, cache.key]
        return call, ()

    def billed(self, marks: Sequence[Mark], counts: tuple[Any, Any]) -> None:
        """Learn from the bill of a call with these marks.

        counts: tokens that were read from the cache, and written to it.
        """
        cached, written = (isinstance(count, int | float) and count >= 1 for count in counts)
        now = self._clock()
        self._kept = {p: at for p, at in self._kept.items() if now - at < PREFIX_LIFETIME}
        for mark in marks:
            if mark.known and cached:
                self._unread[mark.place] = 0
            elif written:
                self._unread[mark.place] += 1
                if self._unread[mark.place] >= MOST_UNREAD:
                    self._unread[mark.place] = 0
                    self._left_out[mark.place] = now + UNREAD_PAUSE
            if cached or written:
                self._kept[mark.prefix] = now

    def _mark(self, call: dict, least: int, deployment: str) -> tuple[Mark, ...]:
        """Mark it where prefixes end that will be sent again."""
        kind = (deployment, bool(call.get("tools")))
        marks: list[Mark] = []
        prefix, characters = hash(deployment), 0
        before = self._last.get(kind)
        only_grew = False

        def after(text: str) -> None:
            nonlocal prefix, characters, only_grew
            only_grew = only_grew or prefix == before  # a second attempt of the call hasn't
            prefix, characters = hash((prefix, text)), characters + len(text)

        def pays(name: str, reads: int | None = None) -> bool:
            place = (*kind, name)
            if characters / CHARACTERS_PER_TOKEN < least or len(marks) == MOST_MARKS:
                return False
            if self._left_out.get(place, 0.0) > self._clock():
                return False
            kept = self._kept.get(prefix if reads is None else reads, -PREFIX_LIFETIME)
            known = self._clock() - kept < PREFIX_LIFETIME
            marks.append(Mark(place, prefix, known))
            return True

        if tools := call.get("tools"):
            after(json.dumps(tools))
            if pays("tools"):
                call["tools"] = [*tools[:-1], {**tools[-1], "cache_control": MARK}]
        number = itertools.count()  # of all system messages' parts: each place learns for itself
        for message in call["messages"]:
            if message["role"] == "system" and (parts := _parts(message)):
                # The last of several parts is the clock.
                for index, part in enumerate(parts):
                    after(part["text"])
                    name = f"system {next(number)}"
                    lasting = index < len(parts) - 1 or len(parts) == 1
                    if lasting and pays(name):
                        parts[index] = {**part, "cache_control": MARK}
                message["content"] = parts
            else:
                after(json.dumps(message))
        last = call["messages"][-1]
        self._last[kind] = prefix
        # Once its front has slid, a conversation's end is written again by each call.
        ends = last["role"] != "system" and _parts(last)
        if only_grew and ends and pays("turn", before):
            last["content"] = [*ends[:-1], {**ends[-1], "cache_control": MARK}]
        return tuple(marks)


@functools.cache
def _cache_of(name: str) -> Cache | None:
    return next((cache for cache in reversed(CACHES) if re.search(cache.match, name)), None)


def _is_set(call: dict) -> bool:
    """The configuration sets caching itself."""
    given = [call, call.get("extra_body") or {}, call.get("extra_headers") or {}]
    return any(fields.get(name) for name in OWN_FIELDS for fields in given)


def _parts(message: dict) -> list[dict[str, Any]]:
    content = message.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [part for part in parts if part["text"].strip()]  # Claude refuses an empty one


def _joined(parts: list[dict[str, Any]]) -> str:
    return PART_SEPARATOR.join(part["text"] for part in parts)


def _clock_apart(messages: list[dict]) -> list[dict]:
    """Moves the part that changes with each call into a message of its own, behind the marks."""
    apart = []
    for message in messages:
        parts = _parts(message) if message["role"] == "system" else []
        if len(parts) > 1:
            apart.append({**message, "content": _joined(parts[:-1])})
            message = {**message, "content": parts[-1]["text"]}
        apart.append(message)
    return apart
