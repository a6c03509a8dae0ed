"""Which full stops vui would take for the end of a sentence, and what is said in their place."""

from __future__ import annotations

import pytest
from vui_gateway.turns.abbreviations import full_stop, needed


@pytest.mark.parametrize(
    ("said", "following", "stop"),
    [
        ("Ask Dr", "Lee", ""), ("Ask Dr", "She", "."), ("Ask the dr", "Lee", "."),
        ("i.e", "lat", ""), ("See e.g", "The", ""), ("vs", "A b", ""),
        ("See Fig", "3 s", ""), ("See Fig", "And", "."), ("On Dec", "24 ", ""),
        ("It is No", "3 t", ""), ("No", "3 p", "."), ("Yes! No", "3 p", "."),
        ("apples etc", "and", ""), ("apples etc", "The", "."), ("Acme Inc", "2 y", ""),
        ("at 10 a.m", "it ", ""), ("at 10 a.m", "The", "."), ("the U.S", "Sen", "."),
        ("Mr A", "B. ", ""), ("by A B", "Col", ""), ("Plan B", "The", "."),
        ("She is 12", "Jan", "."), ("Er kommt am 3", "Mai", ""), ("for 10 min", "2 e", "."),
        ("Her boss is M", "The", "."), ("size M", "Do ", "."), ("Bonjour M", "Dup", ""),
        ("evtl", "auc", ""), ("inkl. MwSt", "und", ""), ("zzgl", "Ver", ""), ("5 Mio", "Eur", ""),
        ("pág", "5 a", ""), ("aprox", "10 ", ""), ("env", "5 k", ""), ("bijv", "van", ""),
        ("mevr", "Jan", ""), ("p", "ex.", ""), ("Ludwig XIV", "war", ""),
        ("Am 1", "und", ""), ("the dept", "of ", ""), ("see para", "4 a", ""),
        ("Rocky II", "The", "."),
        ("It rains", "The", "."), ("Well", "", "."), ("(Dr", "Lee", ""), ('"Mrs', "Lee", ""),
    ],
)  # fmt: skip
def test_a_stop_that_ends_no_sentence_is_left_out(said: str, following: str, stop: str) -> None:
    assert full_stop(said, following, 0)[0] == stop


@pytest.mark.parametrize(
    ("said", "following", "before", "found"),
    [
        ("1", "The", 0, (",", 1)),
        ("It rains. 2", "The", 1, (",", 2)),
        ("It rains. 7", "The", 1, (".", 1)),  # no list has a seventh entry after the first
        ("Here:\n1", "The", 9, (",", 1)),  # a new list
        ("I have 2", "The", 1, (".", 1)),
        ("1", "and", 0, (".", 0)),
        ("1", "   ", 0, (".", 0)),
    ],
)
def test_a_number_of_a_list_is_followed_by_a_pause(
    said: str, following: str, before: int, found: tuple[str, int]
) -> None:
    assert full_stop(said, following, before) == found


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("It came back", 1),
        ("Ask Dr", 2),
        ("at 10 a.m", 2),
        ("Plan B", 3),
        ("in 12", 3),
    ],
)
def test_behind_an_ordinary_word_one_character_decides(said: str, count: int) -> None:
    assert needed(said) == count
