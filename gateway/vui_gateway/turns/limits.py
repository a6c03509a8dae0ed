"""All time limits of a call, in seconds, with the defaults of those that a user may set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

__all__ = [
    "CHANCE_SECONDS", "CHECK_AFTER", "COOLDOWN", "FILLER_AFTER", "HEARTBEAT", "LAST_SECONDS",
    "LEAST_SECONDS", "LEAST_WINDOW", "LOADING_PAUSE", "LONGEST_SILENCE", "ON_ITS_WAY", "PRICED",
    "SPOKEN_PACE", "STREAM_TIMEOUT", "TIMEOUT", "USAGE_SECONDS", "Limits",
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
SPOKEN_PACE = 2.7  # words that vui speaks in a second
STALL_SHARE = 0.6  # of the limit within a reply: three seconds with the next one's first sentence
CHANCE_SECONDS = 1.0  # in which a failure by chance leads to a second request
CHECK_AFTER = 1.0  # without a word: then a look whether one's own server is there at all
# Without a word, from the request on; and after what was heard last, or while words come of a
# sentence that isn't whole: no silence is longer than three.
FILLER_AFTER, LONGEST_SILENCE = 2.5, 2.9
ON_ITS_WAY = 1.0  # after a word: its sentence is expected, and LONGEST_SILENCE counts
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

    @staticmethod
    def spoken(piece: str, begins: float) -> float:
        """When a piece that vui begins to speak then has been heard."""
        return begins + len(piece.split()) / SPOKEN_PACE

    def stalls(self, last_word: float, spoken: float, others_left: Callable[[], bool]) -> float:
        """When a reply is given up whose last word has come, as a time of the loop.

        spoken: when the listener has heard all that was released, 0 for nothing. From then on,
            with others to ask, there is no more than the usual limit's share of silence.
        """
        latest = last_word + self.words
        if not spoken or not others_left():
            return latest
        return min(latest, max(last_word + STALL_SHARE * self.words, spoken))

    @classmethod
    def of(cls, stream_timeout: float, timeout: float) -> Self:
        """The limits of a configuration."""
        total = max(cls.total, 2 * stream_timeout + 1)  # for two to be asked
        thoughts = timeout, min(cls.thoughts[1], timeout)
        return cls(stream_timeout, total=total, thoughts=thoughts)
