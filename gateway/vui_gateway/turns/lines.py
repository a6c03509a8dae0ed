"""How a line of Markdown begins."""

from __future__ import annotations

import re

__all__ = [
    "BLANK", "BULLET", "HEADING", "KEYCAP", "NUMBER", "PICTURE", "QUOTE_MARK", "RULE",
    "TABLE_SEPARATOR", "UNDECIDED", "bar", "cells", "is_table_rule", "places",
]  # fmt: skip

BLANK = re.compile(r"[ \t]*")
RULE = re.compile(r"([-*_=~])(?:[ \t]*\1)*+[ \t\r]*+")
# The rule of a table: "--- | :---:", "+----+----+".
TABLE_RULE = re.compile(r"[-:+=|](?:[ \t]?[-:+=|]){0,160}[ \t\r]*+")
HEADING = re.compile(r"#{1,6}(?:[ \t]+|(?=\r?\n))")
BULLET = re.compile(r"[-*+•‣◦▪–](?:[ \t]+|(?=\r?\n))(?:\[[ xX]\][ \t]+)?")
NUMBER = re.compile(r"(\d{1,3}|[a-hA-H]|[ivxIVX]{1,4})(?:\.\)|[.)])[ \t]+(?=\S)(?![A-Z]\.)")
SYMBOLS = r"\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff"  # arrows, ticks and emoji
PICTURE = re.compile(rf"(?:[{SYMBOLS}]\ufe0f?){{1,4}}[ \t]+")
KEYCAP = re.compile(r"(\d)\ufe0f?\u20e3[ \t]*(?=\S)")
ROMAN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
QUOTE_MARK = re.compile(r">[ \t]?")
# Beginnings of a line whose kind isn't known yet.
UNDECIDED = re.compile(
    r"(?:#{1,6}[ \t]*|[-*+•‣◦▪–](?:[ \t]+(?:\[(?:[ xX]\]?)?)?[ \t]*)?"
    r"|\d(?:\ufe0f?\u20e3?[ \t]*)|(?:\d{1,3}|[a-hA-H]|[ivxIVX]{1,4})(?:(?:\.\)?|\))[ \t]*[A-Z]?)?"
    rf"|[{SYMBOLS}\ufe0f]{{1,8}}[ \t]*|~{{1,2}}|\r)\Z"
)
CELLS = re.compile(r"(?<!\\)\|")
TABLE_SEPARATOR = re.compile(r"[\s|:-]*\Z")
CELL_BEFORE = re.compile(r"[^\W_]{2}\Z")
PARENTHESIS = re.compile(r"\([^)]*\Z")
MOST_TABLE_RULE = 160  # characters that are waited for


def places(letter: str) -> list[int]:
    """Where in a list it may stand: "c" is the third, "i" the first or the ninth."""
    found = ["abcdefgh".find(letter) + 1, ROMAN.index(letter) if letter in ROMAN else 0]
    return [place for place in found if place]


def is_table_rule(text: str, at: int, *, final: bool) -> int:
    """Where the rule of a table ends that begins here: `at` for none, -1 to wait."""
    if not (found := TABLE_RULE.match(text, at)):
        return at
    end = found.end()
    if end == len(text) and not final and end - at < MOST_TABLE_RULE:
        return -1
    rule = set(found[0])
    whole = end == len(text) or text[end] == "\n"
    return end if whole and len(found[0]) > 2 and rule & {"|", "+"} and rule & {"-", "="} else at


def cells(row: str) -> list[str]:
    """A row's cells."""
    return [cell.strip() for cell in CELLS.split(row)]


def bar(said: str, after: str) -> str:
    """The speech for a "|" within a line: a comma between two cells, or two choices.

    said, after: the characters around it. In parentheses, or behind a letter of its own, it may be
    mathematics: P(A|B).
    """
    if said[-1:].isspace() and after.isspace():
        return ","
    tight = CELL_BEFORE.search(said) and after.isalnum()
    return ", " if tight and not PARENTHESIS.search(said) else "|"
