"""Marks of sources aren't said; anything else in brackets is left alone."""

from __future__ import annotations

import pytest
from vui_gateway.providers.citations import CitationFilter, SourceFilter, cites

from tests.support.said import cuts, heard


@pytest.mark.parametrize("model", ["perplexity/sonar", "openrouter/perplexity/sonar-pro", "sonar"])
def test_perplexitys_models_mark_their_sources(model: str) -> None:
    assert cites(model)


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "openai/perplexity-like", "groq/sonara"])
def test_nobody_else_does(model: str) -> None:
    assert not cites(model)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The sea [1][2]. And the sun.[3]", "The sea. And the sun."),
        ("Oh [laugh], nice [12].", "Oh [laugh], nice."),
        ("Take `a[1]` first [4].", "Take `a[1]` first."),
        ("See [1](http://a.b).", "See [1](http://a.b)."),
        ("In [2024] it was so [1", "In [2024] it was so [1"),
        ("```\nx[1]\n``` and [2]", "```\nx[1]\n``` and"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_only_marks_of_sources_are_taken_out(text: str, left: str, size: int) -> None:
    marks = CitationFilter()
    pieces = [marks.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*pieces, marks.feed("", final=True)]) == left


RENDERED = (
    '<grok:render card_id="6" type="render_inline_citation"><argument name="citation_id">0'
    "</argument></grok:render>"
)
LEFT = {
    "It is so.[[1]](https://x.com/a)[[2]](https://y.com) Next.": "It is so. Next.",
    "It is so[[1]]. Next.": "It is so. Next.",
    "It is. \ue200cite\ue202turn0search1\ue202turn1news2\ue201 Next.": "It is. Next.",
    "\ue203It is so\ue204\ue200cite\ue202turn0search1\ue201. Next.": "It is so. Next.",
    f"It is so.{RENDERED} Next.": "It is so. Next.",
    "It is <co>so</co: 0:[1]>. <co: 0>Next</co: 0>.": "It is so. Next.",
    "It is so:contentReference[oaicite:12]{index=12}. Next.": "It is so. Next.",
    "Time: now, x <cost and so: Next.": "Time: now, x <cost and so: Next.",
    "Here it is:": "Here it is:",
}


@pytest.mark.parametrize("text", LEFT)
def test_marks_that_no_reader_sees_are_not_heard_wherever_they_are_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == LEFT[text], pieces


def test_a_mark_without_an_end_is_not_waited_for_without_end() -> None:
    for begin in ("<grok:render ", "\ue200cite", "<co: "):
        marks = SourceFilter()
        said = "".join(marks.feed(piece) for piece in (begin, *["1 2 "] * 1000))
        assert len(said) > 3300
