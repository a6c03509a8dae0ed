"""How long a listener waits: for the first word, the next one, and an answer as a whole."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Seconds; `router_settings.stream_timeout` is the first.

    Attributes:
        words: until the first word, and without one later.
        pace: words in that time, else the reply dribbles.
        total: until the first word of whichever deployment.
        thinking: the same when thinking was asked for.
        thoughts: for a call that isn't streamed, and for one attempt of it.
    """

    words: float = 4.0
    pace: int = 4
    total: float = 9.0
    thinking: float = 30.0
    thoughts: tuple[float, float] = (20.0, 8.0)
