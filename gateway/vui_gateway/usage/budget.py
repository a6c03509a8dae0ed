"""Budgets per day: spending per client and in all, and reservations for running attempts."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, NamedTuple
from weakref import WeakSet

from vui_gateway.errors import Code, Ending
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt, AttemptError
from vui_gateway.usage.bill import Bill, expected

__all__ = ["SUMS_LIFETIME", "Budget", "Spent", "are_numbers"]

SPENT = (
    "Today's budget is spent: {spent:.2f} of {limit:.2f} USD{reserved}. Raise VUI_LITELLM_BUDGET "
    "in .env, or wait until midnight UTC."
)
CLIENT_SPENT = (
    "Today's budget of the key {client} is spent: {spent:.2f} of {limit:.2f} USD{reserved}. Wait "
    "until midnight UTC, or ask for a key with more."
)
RESERVED = ", and {:.4f} USD are reserved for calls under way"

CACHE_SUMS = ("tokens_in", "tokens_cached", "saved")
SPEND, RESERVES = "spend", "reserved"  # subjects of the state
SUMS_LIFETIME = 2 * 86400.0  # seconds that a day's sums are kept
# Seconds after which a gateway that is gone reserves nothing any more, and between two reports of
# one that is there.
LEASE, REPORT = 5.0, 1.5

log = logging.getLogger("vui_gateway")


class Spent(NamedTuple):
    """US dollars; tokens of the input, those from prompt caches, and US dollars saved by them."""

    usd: float = 0.0
    tokens_in: float = 0.0
    tokens_cached: float = 0.0
    saved: float = 0.0

    def plus(self, other: Iterable[float], sign: int = 1) -> Spent:
        """The sums, or the differences."""
        return Spent(*(a + sign * b for a, b in zip(self, other, strict=True)))


class Budget:
    """US dollars per day (UTC): `limit` for all, `limits` for each client, or none.

    Each attempt is a bill, hedges and fallbacks included. Its expected price is reserved
    from its beginning until its call is on record, so that calls side by side exceed the limit by
    no more than one of them costs, if they cost what is expected.

    A grow-only counter per gateway; the total is their sum. Updates may repeat or arrive out of
    order.
    """

    def __init__(self, state: State, limit: float | None = None) -> None:
        self.limit = limit
        self.limits: Callable[[str], float | None] = lambda _: None
        self._state = state
        self._running: WeakSet[Attempt] = WeakSet()
        self._elsewhere: dict[str, dict[str, float]] = {}  # reservations of other gateways
        own = [name.split("/")[0] for name, _ in state.items(SPEND) if self._is_own(name)]
        self._day = max(map(date.fromisoformat, own), default=date.min)
        self._sums: dict[str, Spent]  # of today, by client
        self._total: Spent
        self._sum_up()
        self._reported: dict[str, float] = {}
        self._reported_at = -math.inf
        state.watch(SPEND, self._on_spent)
        state.watch(RESERVES, self._on_reserved)
        state.refreshed.append(self._report)

    @property
    def today(self) -> float:
        """US dollars of all since midnight UTC."""
        self._turn_page()
        return self._total.usd

    def today_of(self, client: str) -> float:
        """US dollars of one client since midnight UTC."""
        self._turn_page()
        return self._sums.get(client, Spent()).usd

    @property
    def cache(self) -> dict[str, float]:
        """Today's input tokens, those from prompt caches, and the US dollars saved by them."""
        self._turn_page()
        return dict(zip(CACHE_SUMS, self._total[1:], strict=True))

    @property
    def reserved(self) -> float:
        """US dollars that the attempts under way are expected to cost, on all gateways."""
        here = sum(map(expected, self._running))
        return here + sum(sum(by_client.values()) for by_client in self._elsewhere.values())

    def reserved_of(self, client: str) -> float:
        """The same of one client."""
        here = sum(expected(attempt) for attempt in self._running if attempt.client == client)
        return here + sum(by_client.get(client, 0.0) for by_client in self._elsewhere.values())

    @property
    def refusal(self) -> str:
        """The error of a spent budget; empty while there is some left."""
        return self._refusal(SPENT, self.today, self.limit, lambda: self.reserved)

    def refusal_of(self, client: str) -> str:
        """The same for one client."""
        text = CLIENT_SPENT.replace("{client}", client)
        reserved = self.reserved_of
        return self._refusal(text, self.today_of(client), self.limits(client), reserved, client)

    def nearly_spent(self, client: str, share: float = 0.9) -> bool:
        """This share of today's budget is spent, of all or of this client."""
        own = self.limits(client)
        return (self.limit is not None and self.today + self.reserved >= share * self.limit) or (
            own is not None and self.today_of(client) + self.reserved_of(client) >= share * own
        )

    def reserve(self, attempt: Attempt) -> None:
        """Reserve the price of an attempt that begins; a free one is always allowed.

        Raises:
            AttemptError: the budget is spent.
        """
        if attempt.deployment.price != (0, 0):
            refusals = {
                Code.BUDGET_EXCEEDED: self.refusal,
                Code.CLIENT_BUDGET_EXCEEDED: self.refusal_of(attempt.client),
            }
            for code, refusal in refusals.items():
                if refusal:
                    raise AttemptError(Ending.BUDGET, refusal, code.status, code)
        self._running.add(attempt)
        self._hurry(attempt.client)

    def settle(self, client: str, attempts: Iterable[Attempt], bills: Iterable[Bill]) -> None:
        """Book the bills of a call that is over, and free its reservations."""
        self._running.difference_update(attempts)
        self._turn_page()
        name = f"{self._day}/{self._state.gateway}/{client}"
        spent = before = _spent(self._state.get(SPEND, name)) or Spent()
        for bill in bills:
            spent = spent.plus((bill.usd or 0, bill.tokens_in, bill.cached, bill.saved))
        if spent != before:
            calls = self._state.rank(SPEND, name) + 1
            self._state.put(SPEND, name, list(spent), calls, SUMS_LIFETIME)
        self._hurry(client)

    def _refusal(
        self, text: str, spent: float, limit: float | None, reserved: Callable, *of: str
    ) -> str:
        if limit is None or spent + (under_way := reserved(*of)) < limit:
            return ""
        more = RESERVED.format(under_way) if under_way else ""
        return text.format(spent=spent, limit=limit, reserved=more)

    def _hurry(self, client: str) -> None:
        """Where there is a limit, the other gateways know at once."""
        if self._state.gateway and (self.limit is not None or self.limits(client) is not None):
            self._state.wake()

    def _report(self) -> None:
        """Shares with the other gateways how much is reserved here."""
        if not self._state.gateway or not (self._running or self._reported):
            return
        found: dict[str, float] = {}
        for attempt in self._running:
            found[attempt.client] = found.get(attempt.client, 0.0) + expected(attempt)
        now = self._state.clock()
        if found != self._reported or now - self._reported_at > REPORT:
            self._reported, self._reported_at = found, now
            self._state.put(RESERVES, self._state.gateway, found, lifetime=LEASE)

    def _on_spent(self, name: str, before: Any, after: Any) -> None:
        day, *rest = name.split("/", 2)
        if day != str(self._day) or len(rest) != 2:
            return
        client = rest[1]
        more = (_spent(after) or Spent()).plus(_spent(before) or Spent(), -1)
        self._sums[client] = self._sums.get(client, Spent()).plus(more)
        self._total = self._total.plus(more)

    def _on_reserved(self, gateway: str, _: Any, after: Any) -> None:
        if gateway == self._state.gateway:
            return
        self._elsewhere.pop(gateway, None)
        if isinstance(after, dict) and all(map(_is_usd, after.values())):
            self._elsewhere[gateway] = after

    def _is_own(self, name: str) -> bool:
        return name.split("/")[1:2] == [self._state.gateway]

    def _sum_up(self) -> None:
        self._sums, self._total = {}, Spent()
        for name, value in self._state.items(SPEND):
            self._on_spent(name, None, value)

    def _turn_page(self) -> None:
        today = self._state.today
        if today > self._day:
            self._day = today
            self._sum_up()
        elif (self._day - today).days > 1:
            # Days only move forward: a clock that is set back renews nothing. But one that was a
            # year ahead, and was corrected, must not keep a spent budget spent for a year.
            log.warning(
                "The clock was set back from %s: its spending counts for %s.", self._day, today
            )
            old, self._day = str(self._day), today
            self._sum_up()
            for was, value in list(self._state.items(SPEND)):
                if not (self._is_own(was) and was.startswith(old)):
                    continue
                name = was.replace(old, str(today), 1)
                calls = self._state.rank(SPEND, name) + 1
                there = _spent(self._state.get(SPEND, name)) or Spent()
                sums = there.plus(_spent(value) or Spent())
                self._state.put(SPEND, name, list(sums), calls, SUMS_LIFETIME)
                self._state.forget(SPEND, was)


def _spent(value: Any) -> Spent | None:
    """The sums of an entry; None where another gateway's entry holds none."""
    return Spent(*value) if are_numbers(value, len(Spent())) and value[0] >= 0 else None


def are_numbers(value: Any, count: int) -> bool:
    """Whether an entry of the state is so many numbers: another gateway's may be anything."""
    return isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e15  # NaN isn't


def _is_usd(value: Any) -> bool:
    return _is_number(value) and value >= 0
