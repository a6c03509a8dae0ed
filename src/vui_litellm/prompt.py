"""vui's own system messages, in the order in which a provider's cache can keep them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ANY", "MEMORIES", "NAME", "Prompt", "Template", "clock_field"]

# Placeholders in a template where vui fills something in: characters that its text lacks.
NAME, ANY, MEMORIES, CLOCK, CLOCK_END = "\ue000\ue001\ue002\ue003\ue004"
CLOCK_FIELD = re.compile(f"{CLOCK}([^{CLOCK_END}]*){CLOCK_END}")
FIELD = re.compile(f"([{NAME}{ANY}{MEMORIES}]|{CLOCK}[^{CLOCK_END}]*{CLOCK_END})")
CLOCK_SENTENCE = re.compile(rf"(?=\S)(?:[^.!?\n{CLOCK}]*{CLOCK_FIELD.pattern})+[^.!?\n]*[.!?]\s*")
# Two are in use at a time, or four as a memory comes or goes.
CACHED = 16


def clock_field(time_format: str) -> str:
    """The placeholder in a template for the present time in a format of `strftime`."""
    return f"{CLOCK}{time_format}{CLOCK_END}"


class Piece(NamedTuple):
    """Words of a template, and the field after them, which lasts until the next words."""

    part: str
    words: str
    field: str
    until: str


class Template:
    """A system message of vui's, with fields that vui fills in.

    `clock` is its sentence with the date and the time, "" when it has none.

    Raises:
        ValueError: its date and time aren't one sentence of their own.
    """

    def __init__(self, text: str) -> None:
        cuts = []
        if clock := CLOCK in text and CLOCK_SENTENCE.search(text):
            cuts = [(clock.span(), "clock")]
        self.clock = clock[0].strip() if clock else ""
        if MEMORIES in text:  # the paragraph that they are in, and the empty line before it
            at = text.index(MEMORIES)
            start, end = text.rfind("\n\n", 0, at), text.find("\n\n", at)
            cuts.append(((max(start, 0), len(text) if end < 0 else end), "memories"))
        pieces: list[tuple[str, str, str]] = []
        at = 0
        for (start, end), part in [*sorted(cuts), ((len(text), len(text)), "stable")]:
            for name, words in (("stable", text[at:start]), (part, text[start:end])):
                split = [*FIELD.split(words), ""]
                pieces += [(name, *pair) for pair in zip(split[::2], split[1::2], strict=True)]
            at = end
        if {("stable", CLOCK), ("clock", NAME)} & {(part, field[:1]) for part, _, field in pieces}:
            raise ValueError("the date and the time aren't one sentence of their own")
        self._pieces: list[Piece] = []
        until = ""
        for part, words, field in reversed(pieces):
            self._pieces.insert(0, Piece(part, words, field, until))
            until = words or until

    def split(self, message: str) -> list[str] | None:
        """The part that never changes, then the memories; None for a message of another origin."""
        kept = {"stable": "", "memories": "", "clock": ""}
        names, at = set(), 0
        for part, words, field, until in self._pieces:
            if not message.startswith(words, at):
                return None
            start = end = at + len(words)
            if field:
                end = message.find(until, start) if until else len(message)
            if field == NAME:
                names.add(message[start:end])
            if end < start or len(names) > 1:
                return None
            kept[part] += message[at:end]
            at = end
        if at < len(message):
            return None
        return [text for text in (kept["stable"], kept["memories"].strip()) if text]


class Prompt:
    """Takes vui's own system messages apart; all other messages stay byte for byte.

    `templates` gives vui's own; it is asked at each text that wasn't seen lately. `now` gives the
    user's local time.
    """

    def __init__(
        self,
        templates: Callable[[], Iterable[Template]],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._templates, self.now = templates, now
        self._split = lru_cache(CACHED)(self._take_apart)

    def arrange(self, messages: list[dict], *, parts: bool) -> list[dict]:
        """The messages, vui's own system messages as text parts or joined again by an empty line.

        The part that never changes is first, then the memories, then the clock as it is now.

        Source: https://platform.openai.com/docs/api-reference/chat/create (text content parts)
        """
        return [self._arranged(message, parts) for message in messages]

    def _arranged(self, message: dict, parts: bool) -> dict:
        text = message.get("content")
        if message.get("role") != "system" or not isinstance(text, str):
            return message
        stable, clock = self._split(text)
        pieces = [*stable, self._clock(clock)] if clock else stable
        if len(pieces) < 2:
            return message
        typed = [{"type": "text", "text": piece} for piece in pieces]
        return {**message, "content": typed if parts else "\n\n".join(pieces)}

    def _take_apart(self, text: str) -> tuple[list[str], str]:
        for template in self._templates():
            if (split := template.split(text)) is not None:
                return split, template.clock
        return [], ""

    def _clock(self, sentence: str) -> str:
        now = self.now()
        return CLOCK_FIELD.sub(lambda field: now.strftime(field[1]), sentence)
