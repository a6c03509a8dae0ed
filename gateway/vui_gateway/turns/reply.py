"""From a reply's raw text to the sentences that are said of it."""

from __future__ import annotations

from vui_gateway.providers.tags import ThinkingFilter, held_back
from vui_gateway.turns.sentences import (
    ENDS,
    MARKS,
    MAX_WORDS,
    WORDS,
    count_words,
    split_sentences,
    without_overlap,
    without_wordless_end,
)

__all__ = ["Reply"]


class Reply:
    """A reply as it comes in.

    Attributes:
        words, characters: that have come; thoughts count as characters only.

    Args:
        said: by an earlier attempt, whose reply this one continues.
        stops: phrases before which it ends.
    """

    def __init__(self, said: str = "", stops: tuple[str, ...] = ()) -> None:
        self.words = self.characters = 0
        self._said, self._stops = said, stops
        self._pending = ""  # heard from the provider, and not released yet
        self._unreleased = 0  # words of it
        self._thinking = ThinkingFilter()

    def feed(self, text: str, *, final: bool = False) -> bool:
        """Take the next piece of its text; True when there are words to say in it."""
        self.characters += len(text)
        heard = self._thinking.feed(text, final=final)
        speaks = bool(WORDS.search(heard))
        if speaks:
            before = self._pending[-1:]  # a word that goes on isn't another one
            words = count_words(before + heard) - count_words(before)
            self.words += words
            self._unreleased += words
        self._pending += heard
        return speaks

    def ends_at_stop(self) -> bool:
        """A stop phrase has come: the reply ends before it, whatever the provider makes of it."""
        found = [at for stop in self._stops if (at := self._pending.find(stop)) >= 0]
        if found:
            self._pending = self._pending[: min(found)]
        return bool(found)

    def may_release(self) -> bool:
        """Whether there may be a whole sentence; `release` knows."""
        return (
            bool(self._said)
            or self._unreleased > MAX_WORDS
            or any(mark in self._pending for mark in ENDS)
        )

    def release(self, *, final: bool = False) -> str:
        """The whole sentences that weren't released yet; with `final` all that is left."""
        if self._said:
            fresh = without_overlap(self._said, self._pending, final=final)
            if not final and (fresh is None or not split_sentences(fresh)[0]):
                return ""
            self._said, self._pending = "", fresh or ""
        if final:
            # A space at the end promises that more follows.
            whole, self._pending = without_wordless_end(self._pending), ""
        else:
            whole, rest = split_sentences(self._pending, held_back(self._pending, self._stops))
            self._pending = rest
            if whole:
                self._unreleased = count_words(rest)
        return MARKS.sub(r"\1", whole)
