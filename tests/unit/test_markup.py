"""HTML, SSML and code within a line."""

from __future__ import annotations

import pytest
from vui_gateway.turns.markup import code, host, is_citation, is_index, span, tag


@pytest.mark.parametrize(
    ("text", "before", "said"),
    [
        ("<b>", "It", ""), ("<p>", "One", ". "), ("<p>", "One.", " "), ("<li>", "One", ", "),
        ("<br/>", "One", " "), ("<laugh>", "Ha", "[laugh]"), ("</laugh>", "Ha", ""),
        ("<!-- no -->", "It", ""), ("<https://www.a.org/b>", "See ", "a.org"),
        ("<ann@a.org>", "Write ", "ann@a.org"), ("<sup>2</sup>", "5 m", "squared"),
        ("<laughter>", "Ha", "[laugh]"), ("<chuckle>", "Ha", "[laugh]"), ("</giggle>", "Ha", ""),
        ("<whisper>", "It", ""), ('<voice name="x">', "It", ""), ("</voice>", "It", ""),
        ('<lang xml:lang="fr-FR">', "It", ""), ('<amazon:effect name="whispered">', "It", ""),
        ('<emotion value="happy" />', "It", ""),
    ],
)  # fmt: skip
def test_a_tag_is_a_pause_or_nothing(text: str, before: str, said: str) -> None:
    found, end = tag(text, 0, before, final=True)
    assert (found.strip() if said == "squared" else found, end) == (said, len(text))


@pytest.mark.parametrize("text", ["<3 you", "<Name>", "< 5"])
def test_what_is_no_tag_is_said(text: str) -> None:
    assert tag(text, 0, "I ", final=True) == ("<", 1)


@pytest.mark.parametrize("text", ["<str", "<!-- a", "<a@b", "<sup>1"])
def test_what_may_become_a_tag_is_waited_for(text: str) -> None:
    assert tag(text, 0, "", final=False)[1] == -1


@pytest.mark.parametrize(
    ("text", "said"),
    [("x[0]", "x 0"), ("a*b", "a times b"), ("<div>", "<div>"), ("https://www.a.org/b", "a.org")],
)
def test_code_is_said_without_what_vui_leaves_out(text: str, said: str) -> None:
    assert code(text) == said


@pytest.mark.parametrize(
    ("before", "name", "index", "citation"),
    [("so", "1", False, True), ("so", "1, 2", False, True), ("see ", "1", False, True),
     ("see ", "1, 2", False, False), ("f(", "1, 2", False, False), ("x=", "3, 4", False, False),
     ("a", "1", True, False), ("data", "0", True, False), ("so", "^note", False, True)],
)  # fmt: skip
def test_a_number_in_brackets_is_an_index_a_citation_or_a_list(
    before: str, name: str, index: bool, citation: bool
) -> None:
    assert (is_index(name, before), is_citation(name, before)) == (index, citation)


def test_a_span_ends_at_its_mark_and_not_in_the_next_line() -> None:
    assert span("`ls` x", 0, final=False) == ("ls", 4)
    assert span("`ls", 0, final=False)[1] == -1
    assert span("`a\nb`", 0, final=True) == ("", 1)
    assert host("ftp") == "ftp"
