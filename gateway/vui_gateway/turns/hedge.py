"""When a second deployment is asked before the first has failed, and how often."""

from __future__ import annotations

from collections import defaultdict, deque

__all__ = ["Hedge"]

# Dean and Barroso, "The tail at scale" (2013): the second request after the expected p95, its
# number bounded.
QUANTILE = 0.95
KEPT, NEEDED = 100, 20  # first words, of one deployment
DEFAULT_DELAY, LEAST_DELAY, MOST_DELAY = 1.5, 0.7, 2.5  # seconds
SHARE, BURST = 0.05, 3.0  # hedges for a call


class Hedge:
    """How long to wait for each deployment, and a token bucket."""

    def __init__(self) -> None:
        self.enabled = True
        self._first_words: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._tokens = BURST

    def observe(self, deployment: str, seconds: float) -> None:
        """The first words of an attempt came after so long."""
        self._first_words[deployment].append(seconds)

    def called(self) -> None:
        """A call has begun: it adds to the bucket."""
        self._tokens = min(BURST, self._tokens + SHARE)

    def delay(self, deployment: str) -> float:
        """Seconds after which this deployment is later than it usually is at its worst."""
        seen = sorted(self._first_words.get(deployment, ()))
        if len(seen) < NEEDED:
            return DEFAULT_DELAY
        worst = seen[min(len(seen) - 1, int(QUANTILE * len(seen)))]
        return min(MOST_DELAY, max(LEAST_DELAY, worst))

    def take(self) -> bool:
        """Whether one more may be sent now."""
        if not self.enabled or self._tokens < 1:
            return False
        self._tokens -= 1
        return True
