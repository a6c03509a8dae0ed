"""Hedging: when a second deployment is asked before the first has failed, and how often."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from vui_gateway.state.entries import State

__all__ = ["Hedge"]

# Dean and Barroso, "The tail at scale" (2013): the second request after the expected p95, its
# number bounded.
QUANTILE = 0.95
KEPT_FIRST_WORDS, NEEDED_FIRST_WORDS = 100, 20  # first words, of one deployment
DEFAULT_DELAY, LEAST_DELAY, MOST_DELAY = 1.5, 0.7, 2.5  # seconds
SHARE, BURST = 0.05, 3.0  # hedges for a call
# Subject of the state: the last times to first words, by deployment and gateway.
FIRST_WORDS, SHARED, SHARE_EVERY, FIRST_WORDS_LIFETIME = "first-words", 20, 5, 86400.0


class Hedge:
    """How long to wait for each deployment, and a token bucket.

    Args:
        state: shared with other gateways, which know how quick a deployment is.
    """

    def __init__(self, state: State | None = None) -> None:
        self.enabled = True
        self._state = state or State()
        self._first_words: dict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=KEPT_FIRST_WORDS)
        )
        self._elsewhere: dict[str, dict[str, list[float]]] = {}  # deployment → gateway → seconds
        self._observed = 0
        self._tokens = BURST
        self._state.watch(FIRST_WORDS, self._on_others)

    def observe(self, deployment: str, seconds: float) -> None:
        """The first words of an attempt came after so long."""
        own = self._first_words[deployment]
        own.append(seconds)
        self._observed += 1
        if self.enabled and self._state.gateway and self._observed % SHARE_EVERY == 0:
            last = [round(one, 3) for one in list(own)[-SHARED:]]
            name = f"{deployment}/{self._state.gateway}"
            self._state.put(FIRST_WORDS, name, last, lifetime=FIRST_WORDS_LIFETIME)

    def called(self) -> None:
        """A call has begun: it adds to the bucket."""
        self._tokens = min(BURST, self._tokens + SHARE)

    def delay(self, deployment: str) -> float:
        """Seconds after which this deployment is later than it usually is at its worst."""
        seen = list(self._first_words.get(deployment, ()))
        for others in self._elsewhere.get(deployment, {}).values():
            if len(seen) >= KEPT_FIRST_WORDS:
                break  # one's own are the nearest, and enough
            seen += others
        if len(seen) < NEEDED_FIRST_WORDS:
            return DEFAULT_DELAY
        seen.sort()
        worst = seen[min(len(seen) - 1, int(QUANTILE * len(seen)))]
        return min(MOST_DELAY, max(LEAST_DELAY, worst))

    def _on_others(self, name: str, _: Any, after: Any) -> None:
        deployment, _, gateway = name.rpartition("/")
        if gateway != self._state.gateway:
            numbers = after if isinstance(after, list) else []
            seconds = [one for one in numbers if isinstance(one, int | float) and 0 <= one < 3600]
            by_gateway = self._elsewhere.setdefault(deployment, {})
            by_gateway.pop(gateway, None)
            if seconds:
                by_gateway[gateway] = seconds[-SHARED:]
            if not by_gateway:
                del self._elsewhere[deployment]

    def take(self) -> bool:
        """Take a token; False when there is none."""
        if not self.enabled or self._tokens < 1:
            return False
        self._tokens -= 1
        return True
