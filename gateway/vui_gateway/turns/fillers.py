"""Sentences that a listener hears while a reply is awaited, and no part of it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import re
from collections.abc import Callable

from vui_gateway.turns.call import Call
from vui_gateway.turns.limits import FILLER_AFTER, ON_ITS_WAY

__all__ = ["Fillers"]


class Fillers:
    """Says sentences, each once in turn, while there is none of a reply.

    Attributes:
        sentences: nothing is said where there is none; the last one is never the first.
    """

    def __init__(self) -> None:
        self.sentences: tuple[str, ...] = ()
        self._turn = 0

    def of(self, call: Call) -> Callable[[], str]:
        """A function that returns the sentence which is due for a call now, or nothing."""
        *first, last = self.sentences or ("",)
        self._turn += 1
        at = self._turn % max(1, len(first))
        ring = itertools.cycle([*first[at:], *first[:at], last])
        left = list(zip(FILLER_AFTER, ring, strict=False))
        late = 0.0  # the first one: the next is no sooner after it

        def now() -> str:
            nonlocal late
            time = asyncio.get_running_loop().time()
            seconds = time - call.began
            if not left or seconds < left[0][0] + late or call.released:
                return ""
            if call.last_word and time < call.last_word + ON_ITS_WAY:
                return ""
            at, sentence = left.pop(0)
            late = seconds - at
            return sentence

        return now

    def taken_out(self, messages: list[dict]) -> list[dict]:
        """The conversation as the models had it: vui sends all that it has said."""
        begins = _beginning(self.sentences)
        return [_without(begins, message) for message in messages] if begins else messages


@functools.lru_cache(1)
def _beginning(sentences: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern for the sentences at the beginning of a text; None where there are none."""
    # vui changes marks before it speaks and keeps a sentence: words are compared.
    words = [re.findall(r"\w+", sentence) for sentence in sentences]
    patterns = [rf"{r'\W+'.join(map(re.escape, w))}\W*?(?:[.!?…]+|$)" for w in words if w]
    return re.compile(rf"(?:\W*(?:{'|'.join(patterns)})(?:\s+|$))+") if patterns else None


def _without(begins: re.Pattern[str], message: dict) -> dict:
    text = message.get("content")
    if message.get("role") != "assistant" or not isinstance(text, str):
        return message
    found = begins.match(text)
    return {**message, "content": text[found.end() :].strip()} if found else message
