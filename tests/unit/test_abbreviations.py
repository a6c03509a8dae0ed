"""Which full stops vui would take for the end of a sentence, and what is said in their place."""

from __future__ import annotations

import pytest
from vui_gateway.turns.abbreviations import full_stop, waits

from tests.support.said import cuts, heard


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
    ("said", "following", "more"),
    [
        ("It came back", "T", False), ("Ask Dr", "It", True), ("Ask Dr", "Ita", False),
        ("Plan B", "Th", True), ("in 12", "Ja", True), ("ask dr", "Ja", True),
        ("the U.S", "Sen", True), ("the U.S", "Senate", False), ("the U.S", "The", False),
        ("It came back", "", True),
    ],
)  # fmt: skip
def test_no_more_is_waited_for_than_what_decides(said: str, following: str, more: bool) -> None:
    assert waits(said, following) is more


GOES_ON = """Pres. Obama said|Adm. Nimitz|Cpl. Jones|Roe v. Wade was|et al. (2020) found
2 tbsp. sugar|3 ft. tall|10 km. away|5 lbs. of it
tel. 5|max. 5|ext. 12|the U.S. Senate voted|the U.S. Army is
a.k.a. Bob|5 a.m. Eastern time|by J.K. Rowling|with J.R.R. Tolkien|Main St. is|Dept. of|misc. things
50 v. Chr. war|im 15. Jahrhundert|Str. 5 ist|Hauptstr. 5|geb. 1950|bzgl. des|insb. der|Okt. 2020
Ud. va|Avda. de|dhr. Jansen|dr. Kowal|prof. Kowal|sra. Silva|тыс. руб|см. рис|tzn. to|bl.a. det"""
REAL = """He lives in the U.S. It is big.|He went to the U.S. Bob stayed.|It is at 5 a.m. Then go.
It is 5 km. Then we go.|It is 5 km. 10 more are left.|Ask the dr. Lee is out.|He is a Ph.D. Bob too.
I like L.A. Bob too.|She is at M.I.T. Bob too.|O.K. Tell me.|hmm. well, yes.|I saw the tv. it is so.
i think so. it is good. yes.|Warner Bros. Then left.|I took the max. So.
It was max. Bob left.|Vitamin C. Chris too.|I am a prof. Then no.|He did it as v. Then left."""


@pytest.mark.parametrize("text", GOES_ON.replace("\n", "|").split("|"))
def test_an_abbreviation_is_no_end_wherever_it_is_cut(text: str) -> None:
    whole = f"It is so, {text} here."
    said = heard([whole])
    assert not any(mark in said[:-1] for mark in (". ", ".\n")), said
    for pieces in cuts(whole, 2):
        assert heard(pieces) == said, pieces


@pytest.mark.parametrize("text", REAL.replace("\n", "|").split("|"))
def test_the_end_of_a_sentence_stays_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == text, pieces
