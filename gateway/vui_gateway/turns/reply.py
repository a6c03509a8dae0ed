"""From a reply's raw text to the sentences that are said of it."""

from __future__ import annotations

import re
from typing import Protocol

from vui_gateway.providers.bare_roles import RoleFilter
from vui_gateway.providers.citations import CitationFilter, SourceFilter
from vui_gateway.providers.content import whole_characters
from vui_gateway.providers.control_tokens import ControlTokenFilter
from vui_gateway.providers.tags import ThinkingFilter
from vui_gateway.providers.tool_text import ToolTextFilter
from vui_gateway.turns.plain_speech import PlainSpeech
from vui_gateway.turns.sentences import (
    END_MARKS,
    MAX_WORDS,
    SENTENCE_END,
    WORDS,
    count_words,
    last_word,
    split_sentences,
    without_overlap,
    without_wordless_end,
)
from vui_gateway.turns.stops import StopFilter

__all__ = ["Reply"]


class Filter(Protocol):
    """One step from raw text to speech; `ended` once nothing after it is heard."""

    @property
    def ended(self) -> bool: ...

    def feed(self, text: str, *, final: bool = False) -> str:
        """The rest of the next piece; with `final` all that was held back, too."""


SENTENCE_MARK = re.compile(r"[.!?]")
# No sentence end reaches further back: closing marks and white space.
TAIL = 240


class Reply:
    """A reply as it comes in: thoughts, tool calls and control tokens are taken out, it ends at a
    stop phrase, Markdown becomes speech, and that is cut into sentences.

    Attributes:
        words, characters: that have come; thoughts count as characters only.
        ended: it ends here, whatever the provider makes of it: a stop phrase or a token came.

    Args:
        said: by an earlier attempt, whose reply this one continues.
        stops: phrases before which it ends.
        plain: Markdown is taken out.
        thinks: it begins in thinking, without a tag.
        cites: its marks of sources are taken out.
    """

    def __init__(
        self,
        said: str = "",
        stops: tuple[str, ...] = (),
        *,
        plain: bool = False,
        thinks: bool = False,
        cites: bool = False,
    ) -> None:
        self.words = self.characters = 0
        self.ended = False
        self._said, self._stops, self._plain, self._cites = said, stops, plain, cites
        self._thinking = ThinkingFilter(opened=thinks)
        self._begin()

    def _begin(self) -> None:
        """Begin with the text behind thoughts."""
        self._tools, self._tokens = ToolTextFilter(), ControlTokenFilter()
        self._stop = StopFilter(self._stops)
        self._filters: list[Filter] = [self._tools, self._tokens, RoleFilter(), self._stop]
        self._filters += [SourceFilter(), *[CitationFilter()] * self._cites]
        self._speech = PlainSpeech() if self._plain else None
        self._last = ""  # the last character that the filters let through
        self._pending = ""  # to be said, and not released yet
        self._unreleased = self._spaced = 0  # words of it, by our count and by white space
        self._end_from = self._word_ends = 0  # where a sentence's end may be; the last word's end
        self._whole = False  # there is a whole sentence

    @property
    def thinks(self) -> bool:
        """Some of it was thinking."""
        return self._thinking.thought > 0

    @property
    def thought_unopened(self) -> bool:
        """Its thinking was closed, and opened by its prompt."""
        return self._thinking.unopened

    @property
    def closed_thinking(self) -> bool:
        """Its thinking came to an end."""
        return self._thinking.closed

    @property
    def taken_out(self) -> list[str]:
        """The kinds of text ("thoughts", "tokens") that its server should have taken out."""
        found = {"thoughts": self.thinks or self.thought_unopened, "tokens": self._tokens.taken}
        return [name for name, was in found.items() if was]

    @property
    def tool_texts(self) -> list[str]:
        """Tool calls that were written as text."""
        return self._tools.taken

    @property
    def stopped(self) -> bool:
        """A stop phrase alone, which is not spoken."""
        return self._stop.ended and not self._said

    def separate(self) -> None:
        """Its server separates the thoughts: none of the text is."""
        self._thinking.separate()

    def feed(self, text: str, *, final: bool = False, cut_off: bool = False) -> bool:
        """Take the next piece of its text; True when there are words in it.

        cut_off: with `final`, it is longer than it may be.
        """
        self.characters += len(text)
        if self.ended:
            return False
        known = self._thinking.unopened
        text = self._thinking.feed(text, final=final, lost=cut_off)
        if self._thinking.unopened and not known:
            self._begin()  # the text until now was thinking
        for one in self._filters:
            text = one.feed(text, final=final)
            if one.ended:
                self.ended = final = True
        speaks = self._count(text)
        self._add(self._speech.feed(text, final=final) if self._speech else text)
        # A reply that is nothing but a stop phrase is one.
        return speaks or self._stop.ended

    def _count(self, text: str) -> bool:
        """Whether there are words. Words of code count: they aren't said, but the model goes on."""
        before, self._last = self._last, text[-1:] or self._last
        if not WORDS.search(text):
            return False
        # A word that goes on isn't another one.
        self.words += count_words(before + text) - count_words(before)
        return True

    def _add(self, text: str) -> None:
        if not (text := _short_runs(self._pending, text)):
            return
        before = self._pending[-1:]
        self._pending += text
        self._spaced += len(text.split()) - (bool(before.strip()) and not text[0].isspace())
        if WORDS.search(text):
            self._unreleased = self._spaced
            self._word_ends = len(self._pending) - len(text) + last_word(text)
        self._find_end()

    def _find_end(self) -> None:
        if self._whole:
            return
        if not SENTENCE_MARK.search(self._pending, self._end_from):
            self._end_from = len(self._pending)
            return
        if found := SENTENCE_END.search(self._pending, self._end_from):
            self._end_from = found.start()
            self._whole = found.end() < self._word_ends
        else:
            tail = self._pending[-TAIL:]
            kept = tail.rstrip().rstrip("\"')]").rstrip(".!?")
            self._end_from = len(self._pending) - len(tail) + len(kept)

    def may_release(self) -> bool:
        """Whether there is a whole sentence, or enough words for one."""
        return self._whole or self._unreleased > MAX_WORDS

    def release(self, *, final: bool = False) -> str:
        """The whole sentences that weren't released yet; with `final` all that is left."""
        if not (final or self.may_release()):
            return ""
        if self._said:
            fresh = without_overlap(self._said, self._pending, final=final)
            if not final and (fresh is None or not split_sentences(fresh)[0]):
                return ""
            self._said, self._pending = "", fresh or ""
        if final:
            # A space at the end promises that more follows.
            whole, self._pending = without_wordless_end(self._pending), ""
        else:
            whole, self._pending = split_sentences(self._pending)
            self._spaced = len(self._pending.split())
            self._word_ends = last_word(self._pending)
            self._unreleased = self._spaced if self._word_ends else 0
            self._end_from, self._whole = 0, False
            self._find_end()
        return whole_characters(END_MARKS.sub(r"\1", whole))


def _short_runs(before: str, text: str) -> str:
    """The text, with no run of marks or of white space longer than vui can look through."""
    run = before[-1:]
    if not run or run.isalnum() or text[:1].isalnum():
        return text
    tail = before[-100:]
    if tail.isspace() and len(tail) == 100:
        return text.lstrip()
    marks = tail[len(tail.rstrip(".!?\"')]")) :]
    return END_MARKS.sub(r"\1", marks + text)[len(marks) :] if len(marks) == 100 else text
