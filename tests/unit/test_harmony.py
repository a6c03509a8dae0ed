"""gpt-oss' channels: which one is for the user, and what may still become a name of one."""

from __future__ import annotations

import pytest
from vui_gateway.providers.harmony import (
    BARE_FINAL,
    CHANNEL,
    MESSAGE,
    bare_final_begins,
    header_begins,
    is_final,
)

from tests.support.said import GOOD, cuts, heard


@pytest.mark.parametrize(
    ("channel", "final"),
    [("final", True), (" final ", True), ("analysis", False), ("commentary to=x", False)],
)
def test_only_the_final_channel_is_for_the_user(channel: str, final: bool) -> None:
    assert is_final(channel) is final


def test_a_header_is_held_back_until_its_end() -> None:
    assert header_begins(f"Well.{CHANNEL}final") == len(f"{CHANNEL}final")
    assert header_begins(f"Well.{CHANNEL}final{MESSAGE}") == 0
    assert header_begins("Well.") == 0


def test_the_beginning_of_the_bare_name_is_held_back() -> None:
    assert [bare_final_begins(f"x{BARE_FINAL[:size]}") for size in (0, 1, 9)] == [0, 1, 9]


@pytest.mark.parametrize(
    "text",
    ["analysisWe need to answer.assistantfinalOh, good question.",
     "analysisuser asks. Short.assistantfinalOh, good question.",
     "analysisThe user.assistantcommentaryHm.assistantfinalOh, good question.",
     "assistantfinalOh, good question.", "finalOh, good question."],
)  # fmt: skip
def test_without_its_tokens_only_the_answer_is_heard_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == GOOD, pieces


@pytest.mark.parametrize(
    "text",
    ["Analysis of the data shows more.", "analysis is hard.", "analysis, as a word.", "analysis",
     "final", "finally it rains.", "final answers are rare.", "finals are in May.",
     "Final Fantasy is a game.", "analysis: it is a word."],
)  # fmt: skip
def test_a_word_that_is_the_name_of_a_channel_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == text, pieces
