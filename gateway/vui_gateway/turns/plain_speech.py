"""From Markdown to the words that a person would read aloud, as the text comes."""

from __future__ import annotations

import re

from vui_gateway.turns.fences import Fences
from vui_gateway.turns.inline import MAY_BE_SPECIAL, SPECIAL, URL_BEGINS, URL_LAST
from vui_gateway.turns.lines import (
    BLANK,
    BULLET,
    HEADING,
    KEYCAP,
    NUMBER,
    PICTURE,
    QUOTE_MARK,
    RULE,
    TABLE_SEPARATOR,
    UNDECIDED,
    cells,
    is_table_rule,
    places,
)
from vui_gateway.turns.markup import SAID_END, host

__all__ = ["ONLY_CODE", "PlainSpeech"]

ONLY_CODE = "I have written some code, which I can't read aloud."
URL_END = re.compile(r"[^\x21-\x7e]|[<>\"]")
URL_TAIL = re.compile(r"[.,!?;:)'*_\]]*\Z")
MOST_SPACE, MOST_RULE = 40, 80  # characters that are waited for


class PlainSpeech(Fences):
    """Takes Markdown out. No word is held back beyond the construct that it may belong to."""

    ended = False

    def __init__(self, *, within_line: bool = False) -> None:
        super().__init__(within_line=within_line)
        self._held = ""
        self._letter = 0  # of a list's last entry

    def feed(self, text: str, *, final: bool = False) -> str:
        """The speech for the text; with `final` all that was held back, too."""
        begun = not (self._held or self._mode or self._line_begins or final)
        if begun and self._spoke and not MAY_BE_SPECIAL.search(text):
            last = text[-1:]
            if last not in URL_LAST or not URL_BEGINS.search((self._said[-8:] + text)[-12:]):
                self._marked = self._marked and not text
                self._said = (self._said + text)[-40:]
                return text
        text, self._held = self._held + text, ""
        at = 0
        while 0 <= at < len(text):
            before = at
            at = self._step(text, at, final=final)
            if at < 0:
                self._held = text[before if at == -1 else -at - 2 :]
        if final:
            self._finish()
        said, self._out = "".join(self._out), []
        return said

    def _finish(self) -> None:
        if self._mode in ("code", "url", "row"):
            getattr(self, f"_end_{self._mode}")()
        if self._code and not self._spoke:
            self._say(ONLY_CODE)

    def _step(self, text: str, at: int, *, final: bool) -> int:
        """Where the text goes on; -1 where more must come first, -n - 2 where that is at n."""
        if self._mode:
            return getattr(self, f"_in_{self._mode}")(text, at, final=final)
        if self._line_begins:
            return self._begin_line(text, at, final=final)
        found = SPECIAL.search(text, at)
        if not found:
            rest = text[at:]
            part = None if final else URL_BEGINS.search((self._said + rest)[-12:])
            keep = min(len(part[0]), len(rest)) if part else 0
            self._say(rest[: len(rest) - keep])
            return -(len(text) - keep) - 2 if keep else len(text)
        self._say(text[at : found.start()])
        then = self._special(text, found, final=final)
        return -found.start() - 2 if then < 0 else then

    # Lines

    def _special(self, text: str, found: re.Match[str], *, final: bool) -> int:
        if found[0][0] != "#":
            return super()._special(text, found, final=final)
        end = BLANK.match(text, found.end()).end()  # type: ignore[union-attr]
        if end == len(text) and not final and end - found.start() < MOST_SPACE:
            return -1
        closes = self._block == "heading" and self._said[-1:].isspace()
        ends = closes and text[end : end + 1] in ("", "\r", "\n")
        self._say("" if ends else found[0])
        return end if ends else found.end()

    def _begin_line(self, text: str, at: int, *, final: bool) -> int:
        start = BLANK.match(text, at).end()  # type: ignore[union-attr]
        if start == len(text):
            return start if final else -1 if start - at < MOST_SPACE else start
        if text[start] == "\n" or text.startswith("\r\n", start):
            self._break += "\n"
            return text.index("\n", start) + 1
        if found := RULE.match(text, start):
            end = found.end()
            if end == len(text) and not final:
                return -1 if end - at < MOST_RULE else -(end - MOST_RULE // 2) - 2
            whole = end == len(text) or text[end] == "\n"
            if whole and len(found[0].translate({32: None, 9: None, 13: None})) >= 3:
                self._block = self._block or "heading"  # underlined, or before a rule
                return end
        if (end := is_table_rule(text, start, final=final)) != start:
            return end
        if not final and UNDECIDED.match(text, start):
            return -1
        if text.startswith("~~~", start):
            self._begin_block("code")
            self._mode, self._fence, self._parts, self._opens = "run", "~", [], True
            self._marks = 3
            return start + 3
        if found := HEADING.match(text, start):
            self._begin_block("heading")
        elif found := BULLET.match(text, start) or PICTURE.match(text, start):
            self._begin_block("item")
        elif (found := KEYCAP.match(text, start)) or (
            (found := NUMBER.match(text, start)) and self._lists(found[1])
        ):
            self._begin_block("item")
            self._say(f"{found[1]}, ")
        elif found := QUOTE_MARK.match(text, start):
            if found.end() == len(text) and not final and not found[0].endswith(" "):
                return -1
            return found.end()  # the line within begins here
        elif text[start] == "|":
            self._begin_block("row")
            self._mode, self._parts = "row", []
            return start + 1
        elif self._block == "item" and start > at and self._break == "\n":
            self._line_begins, self._break = False, ""
            self._say(" ")  # an entry goes on
            return start
        else:
            self._begin_block("bold" if text.startswith(("**", "__"), start) else "")
            return start
        return found.end()

    def _lists(self, number: str) -> bool:
        """Whether a line that begins with it is an entry of a list."""
        if number.isdigit():
            listed = self._spoke or int(number) <= 1 or int(number) == self._number + 1
            self._number = int(number) if listed else self._number
            return listed
        for place in places(number.lower()):
            if place in (1, self._letter + 1):
                self._letter = place
                return True
        return False

    def _begin_block(self, block: str) -> None:
        """The line's kind is known: say the end of the line before it."""
        before, self._block = self._block, block
        lines, self._break, self._line_begins = self._break, "", False
        self._emphasis = False
        if not self._spoke:
            return
        marked = before not in ("", "bold") or block not in ("", "bold")
        parted = lines.count("\n") > 1 and block != "code"  # a paragraph ends
        if (marked or parted) and not SAID_END.search(self._said):
            if before == block == "item":
                self._say(",")
            elif block != "code" and before != "code":
                self._say(":" if before in ("", "bold") and block == "item" else ".")
        if lines and not self._said[-1:].isspace():
            self._say(" " if marked else lines)

    def _in_row(self, text: str, at: int, *, final: bool) -> int:
        end = text.find("\n", at)
        self._parts.append(text[at : end if end >= 0 else len(text)])
        if end < 0:
            return len(text)
        self._end_row()
        return end

    def _end_row(self) -> None:
        row, self._mode = "".join(self._parts).strip().removesuffix("|"), ""
        if not TABLE_SEPARATOR.match(row):
            self._say(", ".join(filter(None, map(self._read, cells(row)))))

    def _in_line(self, text: str, at: int, *, final: bool) -> int:
        """Skip or hold a construct that isn't said until the line's end; where the text goes on."""
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        self._mode = ""
        return end

    # Addresses

    def _in_url(self, text: str, at: int, *, final: bool) -> int:
        found = URL_END.search(text, at)
        self._parts.append(text[at : found.start() if found else len(text)])
        if not found:
            return len(text)
        self._end_url()
        return found.start()

    def _end_url(self) -> None:
        url, self._mode = "".join(self._parts), ""
        tail = URL_TAIL.search(url)
        assert tail is not None
        named = url[: tail.start()]
        self._say(host(named) or named)
        own = url.count("(")  # its own parentheses
        self._say(re.sub(r"[*_]", "", tail[0]).replace(")", "", own))

    def _in_target(self, text: str, at: int, *, final: bool) -> int:
        """The address of a link, which isn't said."""
        for found in re.finditer(r"[()\n]", text[at:]):
            self._depth += {"(": 1, ")": -1, "\n": -self._depth}[found[0]]
            if self._depth <= 0:
                self._mode = ""
                return at + found.end() - (found[0] == "\n")
        return len(text)
