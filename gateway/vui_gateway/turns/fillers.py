"""Sentences that a listener hears while a model thinks, and no part of its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vui_gateway.turns.call import Call
from vui_gateway.turns.limits import FILLER_AFTER

__all__ = ["Fillers"]


class Fillers:
    """Says one sentence after a while without a word, and a last one after a longer while.

    Attributes:
        sentences: the last one is said after the longer while, one of the others before, in turn.
            Nothing is said where there is none.
    """

    def __init__(self) -> None:
        self.sentences: tuple[str, ...] = ()
        self._turn = 0

    def of(self, call: Call) -> Callable[[], str]:
        """A function that returns the sentence which is due for a call now, or nothing."""
        *first, last = self.sentences or ("",)
        self._turn += 1
        due = [first[self._turn % len(first)] if first else last, last]
        began, left = call.began, list(zip(FILLER_AFTER, due, strict=True))

        def now() -> str:
            seconds = asyncio.get_running_loop().time() - began
            if not left or seconds < left[0][0] or call.first_token or not call.thinking:
                return ""
            return left.pop(0)[1]

        return now

    def taken_out(self, messages: list[dict]) -> list[dict]:
        """The conversation as the models had it: vui sends all that it has said."""
        return [self._without(message) for message in messages]

    def _without(self, message: dict) -> dict:
        text = message.get("content")
        if message.get("role") != "assistant" or not isinstance(text, str) or not self.sentences:
            return message
        rest = text.strip()
        while found := next((f for f in self.sentences if rest.startswith(f)), ""):
            rest = rest[len(found) :].lstrip()
        return message if rest == text.strip() else {**message, "content": rest}
