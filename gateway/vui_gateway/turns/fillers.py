"""Sentences that a listener hears while a reply is awaited, and no part of it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
import re
from collections.abc import Sequence

from vui_gateway.turns.call import Call
from vui_gateway.turns.limits import FILLER_AFTER, LONGEST_SILENCE, ON_ITS_WAY, Limits

__all__ = ["KEPT", "Fillers", "Silence"]

KEPT = 50  # sentences of earlier settings, which are in a conversation that goes on
# Between two sentences of a reply: one that was cut after so many words goes on.
WHOLE = re.compile(r"""[.!?]["')\]]*\s*$""")
LONGEST_END = 20  # characters


class Fillers:
    """Sentences that are said, each in turn, where there is none of a reply; the last one of them
    is never the first.
    """

    def __init__(self) -> None:
        self._sentences: tuple[str, ...] = ()
        self._known: tuple[str, ...] = ()
        self._turn = 0

    def configure(self, sentences: tuple[str, ...]) -> None:
        """Say these from now on; none turns them off."""
        self._sentences = sentences
        known = dict.fromkeys([*sentences, *self._known])
        self._known = tuple(known)[: len(sentences) + KEPT]

    def of(self, call: Call) -> Silence:
        """The sentences that a call's listener hears besides."""
        *first, last = self._sentences or ("",)
        self._turn += 1
        at = self._turn % max(1, len(first))
        return Silence(call, [*first[at:], *first[:at], last] if last else [])

    def taken_out(self, messages: list[dict]) -> list[dict]:
        """The conversation as the models had it: vui sends all that it has said."""
        said = _pattern(self._known)
        return [_without(said, message) for message in messages] if said else messages


class Silence:
    """The silence of a call's listener, and the sentences that end it."""

    def __init__(self, call: Call, sentences: Sequence[str]) -> None:
        self._call, self._sentences = call, itertools.cycle(sentences)
        self._none = not sentences
        self._unclaimed = 0.0  # the last look at which nobody had claimed the head start

    def look(self) -> float:
        """Look at the call; seconds until a sentence is due, as it looks now."""
        call, now = self._call, asyncio.get_running_loop().time()
        if call.head_start and not call.head_start.claimed:
            self._unclaimed = now
            return math.inf
        if self._unclaimed:
            if call.said:
                call.heard = Limits.spoken(call.said, self._unclaimed)
            self._unclaimed = 0.0
        if self._none or (call.said and not WHOLE.search(call.said[-LONGEST_END:])):
            return math.inf
        waits = call.heard or now < call.last_word + ON_ITS_WAY
        longest = LONGEST_SILENCE if waits else FILLER_AFTER
        return max(call.heard, call.began) + longest - now

    def take(self) -> str:
        """The sentence that is due, which is heard then; empty where none is."""
        if self.look() > 0:
            return ""
        sentence, now = next(self._sentences), asyncio.get_running_loop().time()
        self._call.heard = Limits.spoken(sentence, max(self._call.heard, now))
        return sentence


@functools.lru_cache(1)
def _pattern(sentences: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern for whole sentences of a text; None where there are none.

    Nothing in it is tried twice: a text of 400,000 marks would take minutes.
    """
    # vui changes marks before it speaks and keeps a sentence: words are compared.
    words = [re.findall(r"\w+", sentence) for sentence in sentences]
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    patterns = [rf"{r'\W++'.join(map(re.escape, w))}(?!\w)" for w in longest_first]
    end = r"""[^\w.!?…]*+(?:[.!?…]++["')\]]*+|$)(?:\s++|$)"""
    begin = r"""(?:^\W{0,9}|(?<=[.!?…"')\]]\s))"""
    one = rf"(?:[^\w\s]{{0,9}}(?:{'|'.join(patterns)}){end})"
    return re.compile(rf"{begin}{one}+") if patterns else None


def _without(said: re.Pattern[str], message: dict) -> dict:
    text = message.get("content")
    if message.get("role") != "assistant" or not isinstance(text, str):
        return message
    rest = said.sub("", text)
    return message if rest == text else {**message, "content": rest.strip()}
