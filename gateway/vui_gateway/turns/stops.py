"""Stop phrases: a reply ends before the first of them."""

from __future__ import annotations

import functools
import re

from vui_gateway.providers.partial import held_back, prefixes

__all__ = ["StopFilter"]


@functools.lru_cache(16)
def _compiled(stops: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[str], re.Pattern[str]]:
    """Finds a phrase; all that one may begin with; finds where one may begin."""
    firsts = "".join(re.escape(char) for char in sorted({stop[0] for stop in stops}))
    whole = re.compile("|".join(map(re.escape, stops)))
    return whole, prefixes(stops), re.compile(f"[{firsts}]")


class StopFilter:
    """Ends the text before a stop phrase, which may come in pieces.

    Attributes:
        ended: one has come.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.ended = False
        self._held = ""
        self._longest = max(map(len, stops), default=0) - 1
        self._compiled = _compiled(stops) if stops else None

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text until a phrase; a piece that may become one is held back."""
        if self._compiled is None:
            return text
        whole, starts, first = self._compiled
        text, self._held = self._held + text, ""
        if not first.search(text):
            return text
        if found := whole.search(text):
            self.ended = True
            return text[: found.start()]
        if final or self._longest <= 0:
            return text
        keep = held_back(text[-self._longest :], starts, first)
        text, self._held = text[: len(text) - keep], text[len(text) - keep :]
        return text
