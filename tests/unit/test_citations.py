"""Marks of sources aren't said; anything else in brackets is left alone."""

from __future__ import annotations

import pytest
from vui_gateway.providers.citations import CitationFilter, cites


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
