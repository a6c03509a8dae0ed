"""The budget of a day: what was spent is kept in a file, and what is under way is reserved."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path
from weakref import WeakSet

from vui_gateway.files import write_by_rename
from vui_gateway.turns.attempt import Attempt, AttemptError
from vui_gateway.turns.bill import Bill, expected

__all__ = ["BUDGET_EXCEEDED", "Budget"]

BUDGET_EXCEEDED = "budget_exceeded"
SPENT = (
    "Today's budget is spent: {spent:.2f} of {limit:.2f} USD{reserved}. Raise VUI_LITELLM_BUDGET "
    "in .env, or wait until midnight UTC."
)
CACHE = ("tokens_in", "tokens_cached", "saved")
RESERVED = ", and {:.4f} USD are reserved for calls under way"

log = logging.getLogger("vui_gateway")


class Budget:
    """US dollars per day (UTC): `limit`, or none.

    Each attempt is a bill, hedges and fallbacks included. What it is expected to cost is reserved
    from its beginning until its call is on record, so that calls side by side exceed the limit by
    no more than one of them costs, if they cost what is expected.
    """

    def __init__(self, path: Path, limit: float | None = None) -> None:
        self.limit = limit
        self._path = path
        self._running: WeakSet[Attempt] = WeakSet()
        # Of today's input: tokens, those from prompt caches, and US dollars that these saved.
        self.cache: dict[str, float]
        self._day, self._usd, self.cache = _read(path)
        self._kept = self._usd  # as the file has it

    @property
    def today(self) -> float:
        """US dollars since midnight UTC."""
        today = _today()
        if today > self._day:
            self._day, self._usd, self._kept = today, 0.0, 0.0
            self.cache = dict.fromkeys(CACHE, 0.0)
        elif (self._day - today).days > 1:
            # Days only move forward: a clock that is set back renews nothing. But one that was a
            # year ahead, and was corrected, must not keep a spent budget spent for a year.
            log.warning("The clock was at %s: what was spent counts for %s.", self._day, today)
            self._day = today
        return self._usd

    @property
    def reserved(self) -> float:
        """US dollars that the attempts under way are expected to cost."""
        return sum(map(expected, self._running))

    @property
    def refusal(self) -> str:
        """Why nothing more is asked today; empty as long as something is."""
        if self.limit is None or self.today + self.reserved < self.limit:
            return ""
        reserved = RESERVED.format(self.reserved) if self.reserved else ""
        return SPENT.format(spent=self._usd, limit=self.limit, reserved=reserved)

    @property
    def nearly_spent(self) -> bool:
        """Less than a tenth of today's budget is left."""
        return self.limit is not None and self.today + self.reserved >= 0.9 * self.limit

    def reserve(self, attempt: Attempt) -> None:
        """An attempt begins; one that costs nothing always may.

        Raises:
            AttemptError: the budget is spent.
        """
        if attempt.deployment.price != (0, 0) and (refusal := self.refusal):
            raise AttemptError("budget", refusal, HTTPStatus.PAYMENT_REQUIRED, BUDGET_EXCEEDED)
        self._running.add(attempt)

    def settle(self, attempts: Iterable[Attempt], bills: Iterable[Bill]) -> None:
        """A call is over: what it was billed, instead of what was reserved for its attempts."""
        self._running.difference_update(attempts)
        spent = self.today
        for bill in bills:
            spent += bill.usd or 0
            for name, more in zip(CACHE, (bill.tokens_in, bill.cached, bill.saved), strict=True):
                self.cache[name] += more
        if spent == self._usd:
            return
        self._usd = spent
        day, kept, _ = _read(self._path)
        if day == self._day:  # another gateway's calls, if it keeps its sum in the same file
            self._usd += max(0.0, kept - self._kept)
        try:
            sums = {"day": str(self._day), "usd": self._usd, "cache": self.cache}
            write_by_rename(self._path, json.dumps(sums))
            self._kept = self._usd
        except OSError as error:
            log.warning("What was spent today can't be kept (%s).", error)


def _today() -> date:
    return datetime.now(UTC).date()


def _read(path: Path) -> tuple[date, float, dict[str, float]]:
    none = dict.fromkeys(CACHE, 0.0)
    try:
        kept = json.loads(path.read_text())
        day, usd = date.fromisoformat(kept["day"]), float(kept["usd"])
        if not (math.isfinite(usd) and usd >= 0):
            raise ValueError(f"{usd} USD")
        cache = {name: float(kept.get("cache", none)[name]) for name in CACHE}
        return day, usd, cache if all(map(math.isfinite, cache.values())) else none
    except FileNotFoundError:
        return date.min, 0.0, none
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        log.warning("%s can't be read (%s): the budget of today starts again.", path, error)
        return date.min, 0.0, none
