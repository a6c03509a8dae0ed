"""Tags that a sentence speaks of, and tags that their model uses."""

from __future__ import annotations

import pytest
from vui_gateway.providers.mentions import mention

TAG = "<x>"


@pytest.mark.parametrize(
    "text",
    ["The <x> tag is", "with <x> tags.", "(<x> is one)", "is a <x>. ", "is the <x>, so", "`<x>`",
     'a "<x>" is', "le <x> été,", "用 <x> 标签 是", "*<x>*", "Der <x>-Tag ist", "in <y>, <x> or so",
     "with <x>-tags so"],
)  # fmt: skip
def test_a_tag_within_a_sentence_or_quotes_is_a_mention(text: str) -> None:
    at = text.rindex(TAG)
    assert mention("", text, at, at + len(TAG), final=False)
    assert mention(text[:at], text[at:], 0, len(TAG), final=False), "in pieces"


@pytest.mark.parametrize(
    "text",
    ["<x> so", "It is.<x> so", "**It**<x>\n", "It is. <x> so ", "It is\n<x> so ", "the <x>so",
     "the <x>\nso", "the <x> So ", "the <x> get_time{", "the <x> <y>", "`a`<x>\n",
     '"Yes"<x> so ', "the <x> 5", "Sure, <x> the user ", "It is noon <x> wait, is ",
     "the <x> weather {", "Well <x>, I ", "you, friend <x> and then ", "It is <x>.\n"],
)  # fmt: skip
def test_a_tag_that_its_model_uses_is_none(text: str) -> None:
    at = text.index(TAG)
    assert mention("", text, at, at + len(TAG), final=False) is False


@pytest.mark.parametrize("text", ["the <x>", "the <x> ", "the <x> ta", "`<x>"])
def test_what_follows_decides_it(text: str) -> None:
    at = text.index(TAG)
    assert mention("", text, at, at + len(TAG), final=False) is None
    assert mention("", text, at, at + len(TAG), final=True) is text.endswith("ta")
