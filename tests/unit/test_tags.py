"""Thinking between tags is taken out."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vui_gateway.providers.tags import THINKING_TAGS, ThinkingFilter

from tests.support.cuts import TEXTS, cut
from tests.support.stalls import in_time


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([None, *THINKING_TAGS]), TEXTS), max_size=6), st.data())
@example([(None, "İ"), ("<think>", "İ secret"), (None, "Hello")], None)
def test_thinking_is_taken_out_wherever_it_is_cut(
    parts: list[tuple[str | None, str]], data: st.DataObject | None
) -> None:
    text = heard = ""
    for tag, words in parts:
        words = words.replace("<", "").replace("[", "")
        text += f"{tag.upper()}{words}{THINKING_TAGS[tag]}" if tag else words
        heard += "" if tag else words
    pieces = cut(text, data) if data else list(text)
    for chunks in (pieces, [text]):
        thinking = ThinkingFilter()
        told = "".join(map(thinking.feed, chunks)) + thinking.feed("", final=True)
        assert told == heard


@pytest.mark.parametrize(
    "flood", ["<think></think>", "<think>", "</think>", "<", "[THINK][/THINK]x"]
)
def test_no_flood_of_tags_keeps_anybody_waiting(flood: str) -> None:
    began = time.process_time()
    ThinkingFilter().feed(flood * (200_000 // len(flood)))
    assert in_time(time.process_time() - began, 0.05)
