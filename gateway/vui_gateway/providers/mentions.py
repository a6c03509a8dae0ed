"""Tags that a sentence speaks of, as in "the <think> tag": their model doesn't use them."""

from __future__ import annotations

import re

__all__ = ["last_before", "mention"]

NEEDED_BEFORE = 9  # characters before a tag
MAY_STAND_BEFORE = frozenset(" \xa0(`*\"'“‘")
# A tag in use may stand in mid-sentence, too. It is only spoken of in quotes, behind a word that
# needs another one, in a list of tags, or before a noun for it.
IN_QUOTES, QUOTE_CLOSES = re.compile(r"[`*\"'“‘]\Z"), re.compile(r"[`*\"'”’]")
NEEDS_MORE = re.compile(
    r"(?:(?<!\w)(?:the|an?|this|each|every|between|and|or|with|like|uses?|by|of|in|tags?|tokens?"
    r"|der|die|das|ein|eine|und|oder|mit|le|la|un|une|et|ou|el|una|y|o)[ \xa0]"
    r"|[>`],[ \xa0]|\()\Z",
    re.IGNORECASE,
)
SENTENCE_GOES_ON = re.compile(
    r"[ \xa0][^\W\d_A-Z]{1,24}(?![^\W_]|[_<>]|\s{0,4}[({\[=])|[.,;:?!)](?=\s|\Z)|-\w"
)
IN_SENTENCE = re.compile(r"[\w,][ \xa0]\Z")
NOUN = re.compile(
    r"[ \xa0](?:tags?|tokens?|markers?|elements?|blocks?|标签)(?!\w)|-(?:tags?|tokens?)\b",
    re.IGNORECASE,
)
UNDECIDED_YET = re.compile(r"(?:[ \xa0][^\W\d_A-Z]{0,24}\s{0,4}|[.,;:?!)]|-\w{0,6})?\Z")


def last_before(before: str, text: str, end: int) -> str:
    """The characters that `mention` needs before a place of a text; before: those before it."""
    if end >= NEEDED_BEFORE:
        return text[end - NEEDED_BEFORE : end]
    return (before + text[:end])[-NEEDED_BEFORE:]


def mention(before: str, text: str, start: int, end: int, *, final: bool) -> bool | None:
    """Whether the tag from start to end is only spoken of; None where more must come first.

    before: the last characters before the text.
    """
    if (text[start - 1] if start else before[-1:]) not in MAY_STAND_BEFORE:
        return False
    before = last_before(before, text, start)
    if IN_QUOTES.search(before):
        return None if end == len(text) and not final else bool(QUOTE_CLOSES.match(text, end))
    if NEEDS_MORE.search(before):
        goes_on = SENTENCE_GOES_ON
    elif IN_SENTENCE.search(before):
        goes_on = NOUN
    else:
        return False
    if not final and UNDECIDED_YET.match(text, end):
        return None
    return bool(goes_on.match(text, end))
