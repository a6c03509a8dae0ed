"""Model names in logs and metrics."""

from __future__ import annotations

import pytest
from vui_gateway.usage.labels import OTHER, Labels, quoted

LABELS = Labels(["vui", "openai/*", "openai/ft:*", "a.b"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("vui", "vui"),
        ("none", "none"),
        ("openai/x", "openai/*"),
        ("openai/ft:x", "openai/ft:*"),  # the longest one
        ("axb", OTHER),
        ("made-up", OTHER),
    ],
)
def test_a_name_is_counted_as_itself_its_wildcard_or_other(name: str, label: str) -> None:
    assert LABELS(name) == label


@pytest.mark.parametrize("name", ["a b", 'a"b', "a=b", "ü", "a\nb", ""])
def test_a_name_that_is_no_plain_word_is_one_field_of_a_line(name: str) -> None:
    assert quoted(name).startswith('"')
    assert "\n" not in quoted(name)
    assert quoted("openai/gpt-4.1") == "openai/gpt-4.1"
