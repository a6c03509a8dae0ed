"""A reply ends before a stop phrase, however it is cut into pieces."""

from __future__ import annotations

import pytest
from vui_gateway.turns.stops import StopFilter

STOPS = ("\nUser:", "[Results", "One sec.")


def heard(*pieces: str, stops: tuple[str, ...] = STOPS) -> tuple[str, bool]:
    stop, said = StopFilter(stops), ""
    for piece in pieces:
        said += stop.feed(piece)
        if stop.ended:
            return said, True
    return said + stop.feed("", final=True), stop.ended


@pytest.mark.parametrize("phrase", STOPS)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_nothing_of_a_phrase_and_of_what_follows_is_heard(phrase: str, size: int) -> None:
    text = f"It rains. {phrase} Never heard."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert heard(*pieces) == ("It rains. ", True)


def test_the_first_of_several_ends_it() -> None:
    assert heard("A [Results] B\nUser: C") == ("A ", True)


def test_the_beginning_of_a_phrase_is_held_back_only_as_long_as_it_may_become_one() -> None:
    stop = StopFilter(STOPS)
    assert stop.feed("It rains. One se") == "It rains. "
    assert stop.feed("t of tennis") == "One set of tennis"
    assert stop.feed(". [Res") == ". "
    assert stop.feed("", final=True) == "[Res"
    assert not stop.ended


def test_without_phrases_nothing_is_held_back() -> None:
    assert StopFilter(()).feed("[Results") == "[Results"
    assert heard("a!b", stops=("!",)) == ("a", True)
