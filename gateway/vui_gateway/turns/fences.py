"""The text between fences: code isn't said, any other text is."""

from __future__ import annotations

import re

from vui_gateway.turns.inline import Inline
from vui_gateway.turns.markup import code

__all__ = ["Fences"]

# A fence's first line, with the name of a language: https://spec.commonmark.org/0.31.2/#info-string
LANGUAGE = re.compile(r"([a-z]{0,9})[ \t]{0,9}(?:(\r?\n)|\r?\Z)", re.IGNORECASE)
TEXT_LANGUAGES = frozenset(("markdown", "md", "plain", "plaintext", "text", "txt"))
# Without one: it begins as a sentence does, one ends in it, and it has no mark of code.
SENTENCE_BEGINS = re.compile(r"[*_\"'“‘(>-]{0,4}(?![a-z])[^\W\d_]")
ENDS = re.compile(r"[^\W\d_][*_\"'”’)]{0,4}[.!?。！？][*_\"'”’)]{0,4}(?:\s|\Z)|[。！？]")
MARKS = re.compile(r"[{}=<>;\\|$#]|\w\(|\w_\w")


class Fences(Inline):
    """The fences of a reply.

    A text's fence, such as that of Markdown, is taken out, and the text goes on as any other.
    """

    def __init__(self, *, within_line: bool = False) -> None:
        super().__init__(within_line=within_line)
        self._code = False  # code was left out
        self._opens = self._closes = False  # whether a run of marks opens or closes code
        self._text = 0  # marks of a text's fence that is open

    def _in_run(self, text: str, at: int, *, final: bool) -> int:
        """Read on in a run of one mark; where the text goes on."""
        begin = at
        while at < len(text) and text[at] == self._fence:
            at += 1
        self._marks += at - begin
        if at == len(text) and not final:
            return at
        opens = (self._fence == "`" or self._opens) and not self._closes
        if opens and 0 < self._text <= self._marks and text[at : at + 1] in ("", "\n", "\r"):
            opens, self._text = False, 0
        language = LANGUAGE.match(text, at) if opens else None
        if language and not language[2] and not final:
            return -at - 2
        self._mode, self._opens, self._closes = "code" if opens else "", False, False
        if language and language[2] and language[1].lower() in TEXT_LANGUAGES:
            self._mode, self._text, self._line_begins = "", self._marks, True
            return language.end()
        return at

    def _in_code(self, text: str, at: int, *, final: bool) -> int:
        end = text.find(self._fence * self._marks, at)
        if end < 0:
            keep = 0 if final else len(text) - len(text.rstrip(self._fence))
            keep = min(keep, len(text) - at)
            self._parts.append(text[at : len(text) - keep])
            return -(len(text) - keep) - 2 if keep else len(text)
        self._parts.append(text[at:end])
        self._end_code()
        self._mode, self._closes = "run", True
        return end + self._marks

    def _end_code(self) -> None:
        written, self._mode = "".join(self._parts), ""
        language, line, inside = written.partition("\n")
        if not line:
            self._say(code(written))
            return
        inside = inside.strip()
        if not language.strip() and _is_prose(inside):
            self._say(type(self)().feed(inside, final=True))
            return
        # An empty block is no code: a tool call was taken out of it.
        self._code |= bool(inside)
        self._block = "code"


def _is_prose(text: str) -> bool:
    return bool(SENTENCE_BEGINS.match(text) and ENDS.search(text)) and not MARKS.search(text)
