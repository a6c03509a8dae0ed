"""Full stops that end no sentence, and that vui's chunker would take for an end."""

from __future__ import annotations

import re

__all__ = ["NEEDED", "full_stop"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name or a number; before anything; before a number; before a word in lower case.
TITLES = _words("Dr Mr Mrs Ms Mx Prof St Mt Rev Gen Sen Rep Gov Capt Lt Sgt Col Maj Hon Hr Fr Sra")
ALWAYS = _words("i.e e.g vs cf viz z.B d.h p.ej")
BEFORE_NUMBER = _words(
    "No Nos Nr Fig fig Ch ch pp Vol vol Eq ca Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
)
BEFORE_LOWER = _words("etc al Inc Ltd Co Corp approx est ca Ave Blvd Rd Jr Sr Ph.D M.D usw bzw")
DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")  # "p.m", "U.S"
WORD = re.compile(r"(?:(?<=\s)|(?<=[(\"'“‘\[])|\A)[^\s(\"'“‘\[]{1,16}\Z")
PRONOUN = re.compile(r"(?:I|We|He|It)\b|She")
BEGINS = re.compile(r"(?:\A|[.!?][\"')\]]*\s+)No\Z")
INITIALS = re.compile(r"(?:\A|\s)[A-Z] [A-Z]\Z")
# A number at the beginning of a sentence, as in a list: "1. The moon."
NUMBER = re.compile(r"(?:\A|[.!?:;][\"')\]]*\s+|\n\s*|, )(\d{1,3})\Z")
NEEDED = 3  # characters after the white space, to decide


def full_stop(said: str, following: str, number: int) -> tuple[str, int]:
    """The replacement of a full stop before white space: itself, nothing, or a comma.

    said: the last characters before it. following: the text behind the white space.
    number: of the last list entry. Returns also the number of the list entry now.
    """
    if (found := NUMBER.search(said)) and following[:1].strip():
        count = int(found[1])
        listed = count == number + 1 or count == 1
        if listed and not following[0].islower():
            return ",", count
    if not (word := WORD.search(said)) or not following:
        return ".", number
    return ("" if _goes_on(word[0], said, following) else "."), number


def _goes_on(word: str, said: str, following: str) -> bool:
    first = following[0]
    if word in ALWAYS:
        return True
    if word in TITLES:
        return first.isalnum() and not first.islower() and not PRONOUN.match(following)
    if word in BEFORE_NUMBER and first.isdigit():
        return word != "No" or not BEGINS.search(said)  # else it is an answer
    if word in BEFORE_LOWER or DOTTED.fullmatch(word):
        return first.islower() or (first.isdigit() and word in BEFORE_LOWER)
    if len(word) == 1 and word.isupper() and first.isupper():
        return following[1:2] == "." or bool(INITIALS.search(said))
    return False
