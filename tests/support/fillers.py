"""What a gateway says while a reply is awaited, as installed; and how long nothing is heard."""

from __future__ import annotations

from collections.abc import Iterable

from vui_gateway.settings import Settings
from vui_gateway.turns.limits import SPOKEN_PACE

__all__ = ["FILLERS", "dead_air", "marked", "without_fillers"]

FILLERS: tuple[str, ...] = Settings.model_fields["fillers"].default


def without_fillers(text: str) -> str:
    """A reply as its model said it."""
    for one in FILLERS:
        text = text.replace(f"{one} ", "").removesuffix(one)
    return text


def marked(fillers: Iterable[tuple[str, float]]) -> str:
    """Fillers in parentheses, each with its second, for a row of docs/reliability.md."""
    said = ", ".join(f"“{text}” after {at:.1f} s" for text, at in fillers)
    return f" ({said})" if said else ""


def dead_air(said: Iterable[tuple[str, float]], ended: float) -> float:
    """Seconds of the longest silence until the end of what is said, if vui speaks 2.7 words each.

    said: chunks in order, and when each came, counted from the end of the request. ended: when
    nothing more could come.
    """
    heard, longest = 0.0, 0.0
    for text, at in [*said, ("", ended)]:
        longest = max(longest, at - heard)
        heard = max(heard, at) + len(text.split()) / SPOKEN_PACE
    return longest
