"""Tool calls that a model writes as text: a filter for them."""

from __future__ import annotations

import re

from vui_gateway.providers.control_tokens import TOKEN, Kind, kind
from vui_gateway.providers.mentions import last_before, mention
from vui_gateway.providers.partial import FOLD
from vui_gateway.providers.tool_calls import is_call
from vui_gateway.providers.tool_formats import (
    FINAL,
    FIRST,
    OPENS_CALL,
    closing,
    end_of,
    is_prose,
    may_go_on,
)

__all__ = ["ToolTextFilter"]

# A tag that somebody speaks of: words follow, and nothing ends it.
SPOKEN_OF = re.compile(r"<[^<>{}=|]{1,60}>(?:[ \t]++[^\s{}\[\]()=<>]++){3}+[^{}\[\]()=<>]*+")
NESTING = re.compile(r'\\.|["\'{}\[\]]', re.DOTALL)
MOST_TAKEN, MOST_JSON = 100_000, 8_000  # characters
JSON = "json"


class ToolTextFilter:
    """Takes out tool calls, and their made-up results.

    Attributes:
        taken: the texts that were taken out.
    """

    ended = False

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._held = self._before = ""  # _before: the last characters before what is held
        self._inside: str | None = None  # what ends the call under way; JSON by its brackets
        self._depth, self._quoted, self._quotes = 0, "", '"'  # quotes: those that its keys have
        # The text before the JSON of a call; whether it has the name; the end of a made-up result.
        self._label, self._named = "", False
        self._after: str | None = None
        self._part, self._size = list[str](), 0

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text without calls; a piece that may become one is held back."""
        text, self._held = self._held + text, ""
        if self._inside is None and not FIRST.search(text):
            self._before = last_before(self._before, text, len(text))
            return text
        heard: list[str] = []
        self._take_out(text, heard, final=final)
        self._before = last_before(self._before, text, len(text) - len(self._held))
        return "".join(heard)

    def _take_out(self, text: str, heard: list[str], *, final: bool) -> None:
        at = begin = 0
        while at < len(text):
            if self._inside is not None:
                at = begin = self._skip(text, at, heard, final=final)
                continue
            if not (found := OPENS_CALL.search(text, begin)):
                rest = text[at:]
                keep = 0 if final else may_go_on(rest)
                heard.append(rest[: len(rest) - keep])
                self._held = rest[len(rest) - keep :]
                break
            (start, begin), inside = found.span(), end_of(found[0], found["xml"])
            tag = inside is not None or bool(found["end"])
            spoken_of = tag and mention(self._before, text, start, begin, final=final)
            if spoken_of:
                continue
            heard.append(text[at:start])
            at = start
            stray: bool | None = bool(found["end"])
            if tag and not stray and spoken_of is not None:
                stray = is_prose(found[0], text, begin, final=final)
            if spoken_of is None or stray is None:
                self._held = text[at:]
                break
            if stray:
                at = begin
                continue
            at = self._open(found, inside)
        if final and self._inside is not None:
            heard.append(self._close(final=True))

    def _open(self, found: re.Match[str], inside: str | None) -> int:
        """A call begins; where its own text does."""
        self._named = bool(found["name"] or found["to"])
        self._after = FINAL if found["label"] and found["line"] is None else None
        self._label = found[0] if found["label"] or found["to"] or found["noted"] else ""
        self._inside = FINAL if found["line"] is not None else JSON if inside is None else inside
        self._depth, self._quoted = 0, ""
        self._quotes = "\"'" if "'" in found[0] else '"'
        if inside is not None:
            self._keep(found[0])
        return found.end() if self._label or inside is not None else found.start()

    def _skip(self, text: str, at: int, heard: list[str], *, final: bool) -> int:
        """Take the text of the call. Returns where the text goes on."""
        if self._inside is JSON:
            return self._skip_json(text, at, heard, final=final)
        inside = self._inside or ""
        end = closing(inside).search(text, at) if inside else None
        stop = end.end() if end else len(text)
        for token in TOKEN.finditer(text, at, stop):
            if kind(token[0]) in (Kind.END, Kind.OTHERS) and token[0].translate(FOLD) != inside:
                self._keep(text[at : token.start()])
                self._close()
                return token.start()
        if end:
            self._keep(text[at:stop])
            self._close()
            return stop
        keep = 0 if final else _tail(text[at:], inside)
        self._keep(text[at : len(text) - keep])
        self._held = text[len(text) - keep :]
        return len(text)

    def _skip_json(self, text: str, at: int, heard: list[str], *, final: bool) -> int:
        for mark in NESTING.finditer(text, at):
            char = mark[0]
            if char in "\"'":
                if char in (self._quoted or self._quotes):
                    self._quoted = "" if self._quoted else char
            elif not self._quoted and len(char) == 1:
                self._depth += 1 if char in "{[" else -1
                if self._depth <= 0:
                    self._keep(text[at : mark.end()])
                    heard.append(self._close())
                    return mark.end()
        keep = int(not final and text.endswith("\\") and not _escaped(text))
        self._keep(text[at : len(text) - keep])
        self._held = text[len(text) - keep :]
        if self._size > MOST_JSON:
            heard.append(self._close())
        return len(text)

    def _keep(self, text: str) -> None:
        self._size += len(text)
        if self._size <= MOST_TAKEN:
            self._part.append(text)

    def _close(self, *, final: bool = False) -> str:
        """End the call under way. Returns its text where it is no call after all."""
        part, inside, label = "".join(self._part), self._inside, self._label
        self._part, self._inside, self._size, self._label = [], None, 0, ""
        if inside is JSON and not is_call(part, named=self._named, cut_off=final):
            return label + part
        if final and SPOKEN_OF.fullmatch(part):
            return part
        self.taken.append(label + part)
        self._inside = self._after if label else None
        return ""


def _tail(text: str, end: str) -> int:
    """Characters at the end that may be the beginning of an end: a tag or a token."""
    if end and end[0] not in "<[":
        return min(len(text), len(end) - 1)
    at = max(text.rfind("<", -64), text.rfind("[", -64))
    return len(text) - at if at >= 0 and len(text) - at < 64 and ">" not in text[at:] else 0


def _escaped(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 0
