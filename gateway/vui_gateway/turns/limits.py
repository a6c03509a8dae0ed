"""All time limits of a call, in seconds; what a user may set has its default here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

__all__ = [
    "CHANCE_SECONDS", "CHECK_AFTER", "COOLDOWN", "FILLER_AFTER", "HEARTBEAT", "LAST_SECONDS",
    "LEAST_SECONDS", "LEAST_WINDOW", "LOADING_PAUSE", "PRICED", "STREAM_TIMEOUT", "TIMEOUT",
    "USAGE_SECONDS", "Limits",
]  # fmt: skip

# Defaults of `router_settings`: without a word of the reply, before its first and within it; for a
# call that isn't streamed, such as vui's thoughts; that a failed deployment is left alone.
STREAM_TIMEOUT, TIMEOUT, COOLDOWN = 4.0, 20.0, 30.0

LEAST_SECONDS = 0.5  # for an attempt that is left little of the call's time
LEAST_WINDOW = 0.25  # of the limit for the first words: to see how quick a late reply is
USAGE_SECONDS = 0.2  # that a reply which has ended is waited for its usage
# For what comes after the end of a reply: LiteLLM's record of it, and a connection that the next
# call can use.
LAST_SECONDS = 1.0
PRICED = 2.0  # after the end of a call, in which its price is known
LOADING_PAUSE = 0.5  # between two requests to a server that is loading its model
CHANCE_SECONDS = 1.0  # in which a failure by chance leads to a second request
CHECK_AFTER = 1.0  # without a word: then a look whether one's own server is there at all
FILLER_AFTER = (2.5, 10.0)  # without a word of a model that thinks
HEARTBEAT = 5.0  # between comments to a client that waits for a slow model


@dataclass(frozen=True)
class Limits:
    """How long a listener waits.

    Attributes:
        words: until the first word, and without one later.
        pace: words in that time, else the reply dribbles.
        total: until the first word of whichever deployment.
        thinking: the same when thinking was asked for, or while nobody else can be asked.
        thoughts: for a call that isn't streamed, and for one attempt of it.
        own_server: for a server of one's own, while nobody else can be asked.
        own_thoughts: the same for a call that isn't streamed: nobody waits for it.
    """

    words: float = STREAM_TIMEOUT
    pace: int = 4
    total: float = 9.0
    thinking: float = 30.0
    thoughts: tuple[float, float] = (TIMEOUT, 8.0)
    own_server: float = 30.0
    own_thoughts: float = 85.0

    @classmethod
    def of(cls, stream_timeout: float, timeout: float) -> Self:
        """Those of a configuration."""
        total = max(cls.total, 2 * stream_timeout + 1)  # for two to be asked
        thoughts = timeout, min(cls.thoughts[1], timeout)
        return cls(stream_timeout, total=total, thoughts=thoughts)
