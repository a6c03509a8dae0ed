"""Where sentences end, and what of a continuation is said already."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from vui_gateway.turns.answers import cleaned
from vui_gateway.turns.sentences import (
    count_words,
    split_sentences,
    without_overlap,
)

from tests.support.cuts import TEXTS, cut
from tests.support.scripted import END, Scripted, Step


def bare(text: str) -> str:
    return "".join(text.split())


def is_untouched(text: str) -> bool:
    """Whether it holds no tag, token or role: Hypothesis draws our modules' constants, too."""
    answer = cleaned({"choices": [{"message": {"content": text}}]}, ())
    return bare(answer["choices"][0]["message"]["content"] or "") == bare(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.data())
def test_what_is_heard_is_what_was_written_but_for_white_space(
    text: str, data: st.DataObject
) -> None:
    text = text.replace("<think", "").replace("</think>", "")
    assume(any(char.isalnum() for char in text) and is_untouched(text))
    steps: list[Step] = [(0.01, piece) for piece in cut(text, data)]
    heard = Scripted({"a": [*steps, (0.01, END)]}).hear(max_tokens=10_000)
    assert heard.ended == ["ok"]
    assert bare(text).startswith(bare(heard.text))
    unheard = bare(text).removeprefix(bare(heard.text))
    assert not re.search(r"\w", unheard), "but for marks after the last sentence"
    *promised, last = [piece for _, piece in heard.pieces]
    assert all(piece.endswith(" ") for piece in promised)
    assert last == last.rstrip() != ""


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8)
WORD = st.builds(str.__add__, LETTERS, st.sampled_from(["", ".", ",", "!", "?"]))
WORDS = st.lists(WORD, min_size=3, unique=True)


@settings(max_examples=300, deadline=None)
@given(WORDS, st.data())
def test_of_a_continuation_exactly_the_words_said_again_are_taken_out(
    words: list[str], data: st.DataObject
) -> None:
    plain = [word.strip(".,!?") for word in words]
    assume(len(set(plain)) == len(plain))
    broke_off = data.draw(st.integers(1, len(words) - 1))
    again = data.draw(st.integers(0, broke_off))
    said, rest = " ".join(words[:broke_off]) + " ", " ".join(words[broke_off:])
    assume(again >= 3 or again in (0, broke_off))
    repeated = " ".join(words[broke_off - again : broke_off])
    assert without_overlap(said, f"{repeated} {rest}".strip(), final=True) == rest


@pytest.mark.parametrize(
    ("said", "text", "rest"),
    [
        ("No. ", "No problem, it works.", "No problem, it works."),
        ("Yes. ", "Yes. It works.", "It works."),
        ("Oh no! ", "Oh no, it works.", "Oh no, it works."),
        ("I am here. ", "i am here, too.", "too."),
    ],
)
def test_one_word_or_two_are_said_again_only_if_they_are_quite_the_same(
    said: str, text: str, rest: str
) -> None:
    assert without_overlap(said, text, final=True) == rest


@pytest.mark.parametrize("marks", ["." * 32_000, "." * 16_000 + " " * 16_000, ".'" * 16_000])
@pytest.mark.parametrize("end", ["", "x"])
def test_no_run_of_marks_keeps_anybody_waiting(marks: str, end: str) -> None:
    began = time.perf_counter()
    split_sentences(marks + end)
    assert time.perf_counter() - began < 0.05


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is sunny.", 3),
        ("今天天气很好。", 7),
        ("วันนี้", 6),
        ("오늘은 맑아요", 2),
        ("Yes。好", 3),
        ("", 0),
    ],
)
def test_without_spaces_each_character_is_a_word(text: str, words: int) -> None:
    assert count_words(text) == words
