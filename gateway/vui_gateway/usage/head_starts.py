"""Head starts, which are replies that vui asks for before their turn is certain: how many of them
are used, and who may have one.
"""

from __future__ import annotations

import logging
import math
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from vui_gateway.lru import LRU
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Call
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.budget import SUMS_LIFETIME, Budget, are_numbers

__all__ = ["HeadStarts", "Sums"]

SUBJECT, CLAIMS = "head-starts", "claims"  # subjects of the state
HEAD_START_NAME = re.compile(r"[0-9a-zA-Z-]{1,64}")
KNOWN = 1000  # head starts that can still be claimed
CLAIM_LIFETIME, MOST_CLAIMS = 60.0, 1000  # seconds, and claims that gateways share
# Head starts of one client, and seconds without one where too few of them were used.
LOOKED_AT, PAUSE = 20, 3600.0
MOST_CLIENTS = 1000  # that are looked at: those that made the last ones
BUDGET_SHARE = 0.8  # of a budget

log = logging.getLogger("vui_gateway")


class Sums(NamedTuple):
    """Head starts of today, those of them that were used, and US dollars for the others."""

    started: float = 0
    used: float = 0
    unused_usd: float = 0.0


@dataclass
class Latest:
    """A client's last head starts, and until when it gets no other."""

    last: deque[HeadStart] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    paused_until: float = -math.inf

    @property
    def too_few_used(self) -> bool:
        """Less than half of them."""
        full = len(self.last) == LOOKED_AT
        return full and sum(one.claimed for one in self.last) < LOOKED_AT / 2


async def _nowhere(_: str) -> bool:
    return False


class HeadStarts:
    """Counts them, over all gateways since midnight UTC.

    Attributes:
        has_one_slot: whether a model group's next call would go to a server that, as far as is
            known, answers one at a time.
    """

    def __init__(self, state: State, budget: Budget, registry: CollectorRegistry) -> None:
        self.has_one_slot: Callable[[str], Awaitable[bool]] = _nowhere
        self._state, self._budget = state, budget
        self._known = LRU[str, HeadStart](KNOWN)
        self._early = LRU[str, bool](KNOWN)  # claims before their calls
        self._latest = LRU[str, Latest](MOST_CLIENTS)
        state.watch(CLAIMS, self._on_claim)
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "vui_head_starts_today": (
                "Head starts since midnight UTC", lambda: self.today.started,
            ),
            "vui_head_starts_used_today": (
                "Those of them that were used", lambda: self.today.used,
            ),
            "vui_head_starts_unused_usd_today": (
                "Price of the others in US dollars", lambda: self.today.unused_usd,
            ),
        }  # fmt: skip
        for name, (text, value) in gauges.items():
            Gauge(name, text, registry=registry).set_function(value)

    @property
    def today(self) -> Sums:
        """The sums of all gateways."""
        day = f"{self._state.today}/"
        entries = [v for name, v in self._state.items(SUBJECT) if name.startswith(day)]
        found = [entry for entry in entries if are_numbers(entry, len(Sums()))]
        started, used, usd = map(sum, zip(Sums(), *found, strict=True))
        # One of yesterday's may be claimed today.
        return Sums(started, used, max(0.0, usd))

    async def refusal(self, model_group: str, client: str) -> str:
        """Why none may begin now; empty where one may."""
        now, latest = self._state.clock(), self._latest.get(client, Latest())
        if latest.too_few_used:
            latest.paused_until = now + PAUSE
            latest.last.clear()
            log.warning(
                "Client %s used less than half of its last %d head starts: it gets none for an "
                "hour.", client, LOOKED_AT,
            )  # fmt: skip
        if now < latest.paused_until:
            return "Too few of the last head starts were used."
        if self._budget.nearly_spent(client, BUDGET_SHARE):
            return "Most of today's budget is spent."
        if await self.has_one_slot(model_group):
            return "A server of one's own answers one call at a time."
        return ""

    def begin(self, name: str, client: str) -> HeadStart | None:
        """The record of a call with this name; None where a client can't have given it."""
        if not HEAD_START_NAME.fullmatch(name):
            return None
        self._add(Sums(1))
        full = f"{client}/{name}"
        one = HeadStart(name)
        self._known.put(full, one)
        # A claim may come on a connection that is open already, and before its call.
        if self._early.pop(full, None) or self._state.get(CLAIMS, full):
            self._on_claim(full, None, True)
        return one

    def claim(self, name: str, client: str) -> None:
        """Note that one is used: here, or at another gateway, which may have its call."""
        full = f"{client}/{name}"
        if full in self._known:
            self._on_claim(full, None, True)
            return
        if not HEAD_START_NAME.fullmatch(name):
            return
        self._early.put(full, True)
        shared = sum(1 for _ in self._state.items(CLAIMS))
        if self._state.gateway and shared < MOST_CLAIMS:
            self._state.put(CLAIMS, full, True, lifetime=CLAIM_LIFETIME, soon=True)

    def record(self, call: Call, bills: Sequence[Bill]) -> None:
        """Note that a call is over; it may still be claimed."""
        if one := call.head_start:
            one.usd = sum(bill.usd or 0 for bill in bills)
            latest = self._latest.get(call.client) or Latest()
            latest.last.append(one)
            self._latest.put(call.client, latest)
            if not one.claimed:
                self._add(Sums(unused_usd=one.usd))

    def _on_claim(self, full: str, _: Any, after: Any) -> None:
        one = self._known.get(full)
        if one and after and not one.claimed:
            one.claimed = True
            self._add(Sums(0, 1, -(one.usd or 0)))

    def _add(self, more: Sums) -> None:
        name = f"{self._state.today}/{self._state.gateway}"
        before = self._state.get(SUBJECT, name)
        own = Sums(*before) if are_numbers(before, len(Sums())) else Sums()
        sums = [a + b for a, b in zip(own, more, strict=True)]
        self._state.put(SUBJECT, name, sums, lifetime=SUMS_LIFETIME)
