"""The meaning of a value of a file, which YAML may have changed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Any

from vui_gateway.turns.candidates import is_like

__all__ = ["few", "is_served", "misread", "number", "suggestion"]

FEW = 5  # names that one line shows
SLIP = 0.85  # of difflib's ratio: a letter or two are off
QUOTE = "Put it in quotes, as text."


def number(value: Any) -> float | None:
    """The number that a value means, also as text; None for none, below 0 or without an end."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 <= found < math.inf:
        return None
    return int(found) if found.is_integer() else found


def misread(value: Any) -> tuple[str, str]:
    """The fault of a value that should be text, and the cure; the value isn't shown."""
    if isinstance(value, bool):  # yes, no, on, off, true, false
        return f"is read as a boolean ({str(value).lower()})", QUOTE
    if isinstance(value, int | float):
        return "is read as a number", QUOTE
    if isinstance(value, list | dict):
        return f"is a {'list' if isinstance(value, list) else 'mapping'}", "Write text there."
    return "is empty", f"Write it there. {QUOTE}"


def suggestion(word: object, known: Iterable[str], otherwise: str) -> str:
    """The known word that may have been meant, as a question."""
    close = difflib.get_close_matches(str(word).lower(), list(known), 1, SLIP)
    return f"Did you mean {close[0]!r}?" if close else otherwise


def few(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - FEW
    if more < 2:
        return ", ".join(names)
    return f"{', '.join(names[:FEW])} and {more} more"


def is_served(name: object, groups: Iterable[str]) -> bool:
    """Whether one of the groups is of this name, or a wildcard for it."""
    return any(is_like(str(name), group) for group in groups)
