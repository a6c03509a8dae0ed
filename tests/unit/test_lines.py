"""How a line of Markdown begins."""

from __future__ import annotations

import re

import pytest
from vui_gateway.turns.lines import BULLET, HEADING, NUMBER, cells, is_table_rule, places


@pytest.mark.parametrize(
    ("row", "found"),
    [("a|b", ["a", "b"]), (r"a \| b|c", [r"a \| b", "c"]), ("| a |  |", ["", "a", "", ""])],
)
def test_a_row_has_its_cells(row: str, found: list[str]) -> None:
    assert cells(row) == found


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("--- | :---:\nx", 11), ("+----+----+\n", 11), ("|---|", 5),
        ("--- text", 0), ("---\n", 0), ("| a | b |\n", 0),
    ],
)  # fmt: skip
def test_a_rule_of_a_table_ends_where_its_line_does(text: str, end: int) -> None:
    assert is_table_rule(text, 0, final=True) == end


def test_a_rule_that_may_go_on_is_waited_for() -> None:
    assert is_table_rule("--- |", 0, final=False) == -1


def test_a_letter_has_its_places_in_a_list() -> None:
    assert [places(letter) for letter in ("a", "c", "i", "ii", "z")] == [[1], [3], [1], [2], []]


@pytest.mark.parametrize(
    ("pattern", "text", "begins"),
    [
        (BULLET, "- [x] done", True), (BULLET, "-5 degrees", False), (BULLET, "• one", True),
        (HEADING, "## A", True), (HEADING, "#tag", False),
        (NUMBER, "1. One", True), (NUMBER, "iv) Four", True), (NUMBER, "C. S. Lewis", False),
    ],
)  # fmt: skip
def test_a_mark_begins_an_entry_only_before_a_space(
    pattern: re.Pattern[str], text: str, begins: bool
) -> None:
    assert bool(pattern.match(text)) == begins
