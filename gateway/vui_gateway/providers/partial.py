"""The end of a piece of text that may be the beginning of a tag, a token or a phrase."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

__all__ = ["FOLD", "begun", "held_back", "prefixes"]

# Tags are compared in lower case, with ASCII's pipes and underscores; as long as before, which
# `str.lower` doesn't keep.
FOLD = str.maketrans(f"{ascii_uppercase}｜▁", f"{ascii_lowercase}|_")


def prefixes(tags: Iterable[str]) -> frozenset[str]:
    """All that a tag may begin with, the whole one left out."""
    return frozenset(tag[:size] for tag in tags for size in range(1, len(tag)))


def begun(text: str) -> str:
    """A pattern for a text or a beginning of it."""
    return "(?:".join(map(re.escape, text)) + ")?" * (len(text) - 1)


def held_back(tail: str, starts: frozenset[str], begins: re.Pattern[str]) -> int:
    """How many characters at the end may be the beginning of a tag or a phrase.

    tail: of the text, as long as the longest of them, and in their case. starts: `prefixes`.
    begins: finds where one may begin.
    """
    found = (len(tail) - at.start() for at in begins.finditer(tail) if tail[at.start() :] in starts)
    return next(found, 0)
