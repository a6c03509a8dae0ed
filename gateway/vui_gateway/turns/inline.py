"""Markdown within a line: emphasis, links, tags, full stops of abbreviations."""

from __future__ import annotations

import html
import re

from vui_gateway.turns.abbreviations import LONGEST_NOUN, full_stop, waits
from vui_gateway.turns.formulas import command, exponent, formula
from vui_gateway.turns.lines import bar
from vui_gateway.turns.markup import VUI_TAGS, is_citation, is_index, span, tag

__all__ = ["MAY_BE_SPECIAL", "SPECIAL", "URL_BEGINS", "URL_LAST", "Inline"]

SPECIAL = re.compile(
    r"\r?\n|\r\Z|\*+|_+|~+|`+|!(?=\[|\Z)|\[|<(?=[a-z/!]|\Z)|&(?=[#a-z]|\Z)"
    r"|\\|\$(?=\S|\Z)|\^(?=[a-z\d{\\-]|\Z)|\.(?=[ \t\xa0\u202f]|\Z)|\|(?=[\s\w]|\Z)|#+(?=[ \t\r\n]|\Z)|【|https?://|www\.",
    re.IGNORECASE,
)
# Each special text has one of these, but for the beginning of an address.
MAY_BE_SPECIAL = re.compile(r"[\r\n*_~`!\[<&\\$^.|#【:]")
URL_BEGINS = re.compile(r"(?<![\w@])(?:h|ht|htt|https?|https?:|https?:/|w|ww|www)\Z", re.IGNORECASE)
URL_LAST = frozenset("htpswHTPSW:/")
WORD_SAID = re.compile(r"\w")

LABEL = re.compile(r"\[((?:[^\[\]\n]|\[[^\[\]\n]{0,98}\]){0,98})\]")
LIST_OR_CALL = re.compile(r"[-+\d'\"\[]|[\w.]+\(")  # a list, and not a stage direction
LABEL_PART = re.compile(r"\[(?:[^\[\]\n]|\[[^\[\]\n]{0,98}\]){0,98}(?:\[[^\[\]\n]{0,98})?\Z")
ADDRESS = re.compile(r":[ \t]*<?(?:[a-z]{2,6}:|www\.|[/#])", re.IGNORECASE)
# OpenAI's mark of a source; in Chinese and Japanese these brackets hold words.
SOURCE = re.compile(r"【(?:\d[\d:,;\s-]{0,20}|[^【】\n]{0,60}†[^【】\n]{0,240}|source)】")
SOURCE_PART = re.compile(r"【[^【】\n†]{0,60}(?:†[^【】\n]{0,240})?\Z")
ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,6}|[a-zA-Z]{2,8});", re.IGNORECASE)
ENTITY_PART = re.compile(r"&(?:#?\w{0,8})\Z")
ESCAPE = re.compile(r"\\(?:[()\[\]]|(?=[!-/:-@\[-`{-~]))")
OPERAND_BEFORE = re.compile(r"[\w)%]\Z")
OPERAND_AFTER = re.compile(r"[ \t]*[\w(*`$-]")
PATH_BEFORE = re.compile(r"[A-Za-z]{2}\Z|:\Z")  # of a backslash, as in C:\new
LETTER_BEFORE = re.compile(r"(?:\A|[^\w])[a-zA-Z]\Z")
LETTER_AFTER = re.compile(r"[a-zA-Z](?!\w)")
MOST_SPACE = 40  # characters that are waited for


class Inline:
    """The speech of a line, and the mode that it opens."""

    def __init__(self, *, within_line: bool = False) -> None:
        self._said = ""  # the last characters
        self._out: list[str] = []
        self._spoke = False
        self._mode = ""  # the construct under way: "run", "code", "url", "target", "row", "line"
        self._parts: list[str] = []  # of it
        self._fence, self._marks, self._depth = "`", 3, 0
        self._line_begins, self._break = not within_line, ""  # _break: the line's end, not said yet
        self._block = ""  # the line's kind: "item", "heading", "row", "bold", or a paragraph
        self._number = 0  # of a list's last entry
        self._emphasis = self._marked = False  # _marked: its mark came last

    def _say(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._marked = False
            self._said = (self._said + text)[-40:] if len(text) < 40 else text[-40:]
            self._spoke = self._spoke or bool(WORD_SAID.search(text))

    def _special(self, text: str, found: re.Match[str], *, final: bool) -> int:
        """Say the meaning of a special character; where the text goes on, or -1."""
        mark, at, end = found[0], found.start(), found.end()
        first = mark[0]
        if first in "*_~`" and len(mark) > 2:
            self._emphasis = not self._emphasis
            self._marked = True
            self._mode, self._fence, self._parts, self._marks = "run", first, [], len(mark)
            return end
        if first in "*_~`\r" and end == len(text) and not final and mark != "\r\n":
            return -1
        if first in "\r\n":
            if self._block == "bold":
                self._block = "heading" if self._marked else ""
            self._line_begins, self._break = True, "\n"
            return end
        if first == "*":
            return self._star(text, at, end, final=final)
        if first == "_":
            joined = self._said[-1:].isalnum() and text[end : end + 1].isalnum()
            self._say(mark if joined else "")
            self._marked = not joined
        elif first == "~":
            self._say(mark if len(mark) == 1 else "")
        elif first == "`":
            said, end = span(text, at, final=final)
            self._say(said)
        elif first == "$":
            said, end = formula(text, at, final=final)
            self._say(said if end != at else mark)
            return max(end, at + 1) if end >= 0 else -1
        elif first == "^":
            said, end = exponent(text, at, self._said, final=final)
            self._say(said)
        elif first in "hHwW":
            if self._said[-1:].isalnum():
                self._say(mark)
            else:
                self._mode, self._parts = "url", [mark]
        elif first == "!":
            if end == len(text) and not final:
                return -1
            image = text[end : end + 1] == "[" and not self._said[-1:].strip()
            self._say("" if image else mark)
        elif first == "[":
            return self._bracket(text, at, final=final)
        elif first == "<":
            said, end = tag(text, at, self._said if self._spoke else "", final=final)
            self._say(said)
        elif first == "&":
            if not final and ENTITY_PART.match(text, at):
                return -1
            entity = ENTITY.match(text, at)
            self._say(html.unescape(entity[0]) if entity else mark)
            return entity.end() if entity else end
        elif first == "\\":
            return self._escape(text, at, final=final)
        elif first == ".":
            return self._full_stop(text, at, final=final)
        elif first == "|":
            if end == len(text) and not final:
                return -1
            said = bar(self._said, text[end : end + 1])
            self._say(said)
            self._block = "row" if said != mark and not self._block else self._block
        else:  # 【
            if not final and SOURCE_PART.match(text, at):
                return -1
            source = SOURCE.match(text, at)
            self._say("" if source else mark)
            return source.end() if source else end
        return end

    def _star(self, text: str, at: int, end: int, *, final: bool) -> int:
        """Emphasis, or a product: between two numbers, names or parentheses."""
        before, after = self._said[-1:], text[end : end + 1]
        word = "times" if end - at == 1 else "to the power of"
        digits = before.isdigit() and after.isdigit()
        if not after.isspace() and not before.isspace() and (digits or not self._emphasis):
            operand = OPERAND_BEFORE.search(before)
            tight = operand and (before.isdigit() or before == ")")
            number = bool(
                (operand and after.isdigit()) or (tight and end - at == 1 and after == "(")
            )
            letter = LETTER_BEFORE.search(self._said) and (end - at == 1 or after.isdigit())
            if letter or (tight and after.isalpha()):
                if end + 1 == len(text) and not final:
                    return -1
                named = bool(tight) or before.islower()  # unlike M*A*S*H
                number = after.isdigit() or (named and bool(LETTER_AFTER.match(text, end)))
            if number:
                self._say(f" {word} ")
                return end
        spaced = (before.isspace() or not before) and (after.isspace() or not after)
        if spaced:
            if not final and not text[end:].strip(" \t") and len(text) - end < MOST_SPACE:
                return -1
            operand = OPERAND_BEFORE.search(self._said.rstrip(" \t"))
            if operand and end - at == 2 and operand[0].isalpha():
                operand = LETTER_BEFORE.search(self._said.rstrip(" \t"))  # else a word
            self._say(word if operand and OPERAND_AFTER.match(text, end) else "")
            return end
        self._marked = True
        self._emphasis = bool(before.isspace() or not before.isalnum()) and not after.isspace()
        return end

    def _bracket(self, text: str, at: int, *, final: bool) -> int:
        """A link, a citation, or vui's own tag."""
        label = LABEL.match(text, at)
        if not label:
            if not final and LABEL_PART.match(text, at):
                return -1
            self._say("[")
            return at + 1
        end, name = label.end(), label[1]
        if name.lower() in VUI_TAGS:
            self._say(label[0])
            return end
        if end == len(text) and not final:
            return -1
        after = text[end : end + 1]
        if after == "(":
            self._say(self._read(name))
            self._mode, self._depth = "target", 1
            return end + 1
        index, noted = is_index(name, self._said), is_citation(name, self._said)
        if after == ":" and self._said[-1:] in ("", "\n", " "):
            address = ADDRESS.match(text, end)
            if not address and not final and len(text) - end < MOST_SPACE // 2:
                return -1
            self._mode = "line" if address else ""
            if address or noted:
                return end + 1
        if noted:
            return end
        if after == "[" and not index:
            other = LABEL.match(text, end)
            if not other and not final and LABEL_PART.match(text, end):
                return -1
            if other and other[1].lower() not in VUI_TAGS:
                self._say(self._read(name))
                return other.end()
        # vui says nothing in brackets: stage directions, which models make up, and lists.
        self._say(" " * index + self._read(name) if LIST_OR_CALL.match(name) else label[0])
        return end

    def _read(self, text: str) -> str:
        """The speech for a text within a line: of a link, or of a cell."""
        if not MAY_BE_SPECIAL.search(text):
            return text
        return type(self)(within_line=True).feed(text, final=True)

    def feed(self, text: str, *, final: bool = False) -> str:
        """The speech for the text."""
        raise NotImplementedError

    def _escape(self, text: str, at: int, *, final: bool) -> int:
        if len(text) - at < 2 and not final:
            return -1
        parts = (formula, command) if text[at + 1 : at + 2] in "([b" else (command,)
        for part in () if PATH_BEFORE.search(self._said) else parts:
            said, end = part(text, at, final=final)
            if end != at:
                self._say(said)
                return end
        if found := ESCAPE.match(text, at):
            return found.end()
        self._say("\\")
        return at + 1

    def _full_stop(self, text: str, at: int, *, final: bool) -> int:
        start = at + 1
        while start < len(text) and text[start] in " \t\xa0\u202f" and start - at < MOST_SPACE:
            start += 1
        following = text[start : start + LONGEST_NOUN]
        if start == at + 1 or following[:1] in ("\n", "\r"):
            if start == len(text) and not final:
                return -1
            self._say(".")
            return at + 1
        if waits(self._said, following) and not final:
            return -1
        said, self._number = full_stop(self._said, following, self._number)
        self._say(said)
        return at + 1
