"""Tags that a sentence speaks of, as in "the <think> tag": their model doesn't use them."""

from __future__ import annotations

import re

__all__ = ["NEEDED_BEFORE", "mention"]

NEEDED_BEFORE = 2  # characters before a tag
MAY_STAND_BEFORE = frozenset(" \xa0(`*\"'“‘")
# A tag in use stands at a line's beginning, behind a sentence or right behind a word, and capitals,
# a line's end or no space follow it.
IN_SENTENCE = re.compile(r"(?:[\w,][ \xa0]|\()\Z")
SENTENCE_GOES_ON = re.compile(r"[ \xa0][^\W\d_A-Z]{1,24}(?=[^\w({\[=<>]|\Z)|[.,;:?!)](?=\s|\Z)|-\w")
QUOTE_OPENS, QUOTE_CLOSES = re.compile(r"[`*\"'“‘]\Z"), re.compile(r"[`*\"'”’]")
UNDECIDED_YET = re.compile(r"(?:[ \xa0][^\W\d_A-Z]{0,24}|[.,;:?!)-])?\Z")


def mention(before: str, text: str, start: int, end: int, *, final: bool) -> bool | None:
    """Whether the tag from start to end is only spoken of; None where more must come first.

    before: the last characters before the text.
    """
    if (text[start - 1] if start else before[-1:]) not in MAY_STAND_BEFORE:
        return False
    before = (before + text[max(0, start - NEEDED_BEFORE) : start])[-NEEDED_BEFORE:]
    if QUOTE_OPENS.search(before):
        goes_on = QUOTE_CLOSES
    elif IN_SENTENCE.search(before):
        goes_on = SENTENCE_GOES_ON
    else:
        return False
    if not final and UNDECIDED_YET.match(text, end):
        return None
    return bool(goes_on.match(text, end))
