"""Values as models write them: JSON, nearly JSON, and Python's."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

__all__ = ["BROKEN", "decoded", "expression", "mended"]

DECODER = json.JSONDecoder(strict=False)  # models leave line breaks in a text as they are
MOST_LITERAL = 16_000  # characters
BROKEN = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


def decoded(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins there, and its end; 0 for none."""
    try:
        return DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, 0


def mended(text: str) -> Any:
    """The value that a text begins, in Python's quotes or without its last bracket; or None."""
    whole = text[: text.rfind("}") + 1]
    if whole[1:].lstrip(" \n{").startswith("'"):
        return _literal(whole) or _literal(f"{whole}]")
    values = (decoded(whole + end, 0)[0] for end in ("}", "]", "}]"))
    return next(filter(None, values), None)


def _literal(text: str) -> Any:
    try:
        found = expression(text[:MOST_LITERAL])
        return found and ast.literal_eval(found)
    except BROKEN:
        return None


def expression(text: str) -> ast.expr | None:
    """A text as an expression of Python's; None for none."""
    with warnings.catch_warnings(action="ignore"):  # of a backslash, to nobody
        try:
            return ast.parse(text, mode="eval").body
        except BROKEN:
            return None
