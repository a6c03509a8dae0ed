"""Exchanges a gateway's state with its store, in the background."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

from vui_gateway.state.entries import Entries, State

__all__ = ["Store", "StoreAway", "Sync"]

# Seconds between two exchanges, when nothing is urgent; and between those, when all of it is.
EVERY, LEAST_PAUSE = 0.25, 0.005
QUIET = 60.0  # seconds in which a store that comes and goes is said once

log = logging.getLogger("vui_gateway")


class StoreAway(Exception):
    """The store can't be asked now; the message says why."""


class Store(Protocol):
    """Where entries are kept: files, or a Redis that several gateways share."""

    name: str  # for sentences about it

    async def exchange(self, unsent: Entries, everything: Callable[[], Entries]) -> Entries:
        """Keep these entries, and return those that others have kept since the last time.

        everything: all that this gateway knows, for a store that has lost what it was sent. An
        entry may come twice, and in any order.

        Raises:
            StoreAway: it is tried again.
        """

    async def close(self) -> None:
        """Close files and connections."""


class Sync:
    """Exchanges urgent entries at once and the others four times a second. A store that is away is
    logged once, and tried again as often.
    """

    def __init__(self, state: State, store: Store, every: float = EVERY) -> None:
        self.state, self.store, self.every = state, store, every
        self.away: str = ""  # why
        self._since, self._said_at = 0.0, -math.inf
        self._said = False  # that it is away now
        self._wanted = asyncio.Event()
        state.wake = self._wanted.set

    async def run(self) -> None:
        """Exchange for ever."""
        while True:
            try:
                async with asyncio.timeout(self.every):
                    await self._wanted.wait()
                await asyncio.sleep(LEAST_PAUSE)  # entries that come with it go with it
            except TimeoutError:
                pass
            try:
                await self.exchange()
            except Exception:  # a bug never ends the exchanges
                log.exception("This is a bug in vui-litellm, please report it:")
                await asyncio.sleep(1)
            if self.away:
                await asyncio.sleep(self.every)

    async def exchange(self) -> bool:
        """Exchange once; False when the store is away."""
        self._wanted.clear()
        for refresh in self.state.refreshed:
            refresh()
        self.state.expire()
        unsent = self.state.unsent()
        try:
            found = await self.store.exchange(unsent, self.state.everything)
        except StoreAway as error:
            now = self.state.clock()
            if not self.away:
                self._since = now
                self.state.version += 1
            if not self._said and abs(now - self._said_at) > QUIET:
                self._said, self._said_at = True, now
                what = "%s is away (%s): the gateway continues with its own data."
                log.warning(what, self.store.name, error)
            self.away = str(error)
            return False
        if self.away:
            if self._said:
                after = self.state.clock() - self._since
                log.info("%s is back after %.0f s.", self.store.name, after)
            self.away, self._said = "", False
            self.state.version += 1
        self.state.sent(unsent)
        self.state.take(found)
        return True

    async def close(self) -> None:
        """Store the last entries."""
        await self.exchange()
        await self.store.close()
