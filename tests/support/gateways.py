"""Gateways that share a state: their own code without LiteLLM, on a clock of the test's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

from vui_gateway.keys.clients import Client, Keys
from vui_gateway.keys.owner import new_key
from vui_gateway.state.entries import State
from vui_gateway.state.redis import RedisStore, Script
from vui_gateway.state.sync import Sync
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.hedge import Hedge
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.budget import Budget

from tests.support.clock import run_virtual
from tests.support.redis import FakeRedis, Line

__all__ = [
    "START", "Attempted", "Gateway", "Gateways", "accepts", "add_key", "now", "revoke", "spend",
    "together",
]  # fmt: skip

START = 1_795_600_000.0  # 2026-11-25, in the morning


def now() -> float:
    """Wall clock of a virtual loop."""
    return START + asyncio.get_running_loop().time()


class Attempted:
    """As much of an attempt as a budget looks at: its price is what it is expected to cost."""

    def __init__(self, usd: float, client: str = "owner") -> None:
        self.deployment = Deployment("a", "openai/a", price=(0.0, usd / 500))
        self.body: dict = {}
        self.client, self.ended, self.sent, self.received = client, "", 0, 0
        self.counts: Any = None
        self.spoke = self.answered = False


class Gateway:
    """What one process has of it; `running` ends with it, as in a kill."""

    def __init__(self, name: str, redis: Script, limit: float | None = None) -> None:
        self.state = State(name, now)
        self.sync = Sync(self.state, RedisStore(redis, now))
        self.budget, self.cooldown = Budget(self.state, limit), Cooldown(self.state)
        self.hedge, self.keys = Hedge(self.state), Keys("sk-owner-0123456789", self.state)
        self.budget.limits = self.keys.budget
        self.revoked: list[str] = []
        self.keys.on_revoked = self.revoked.append

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        task = asyncio.create_task(self.sync.run())
        try:
            yield self
        finally:
            task.cancel()


class Gateways:
    """So many gateways and their Redis, which answers after 1 to 20 ms."""

    def __init__(self, count: int, limit: float | None = None) -> None:
        draws = random.Random(14)
        self.redis = FakeRedis(now, lambda: draws.uniform(0.0005, 0.01))
        self.lines = [Line(self.redis) for _ in range(count)]
        self.all = [Gateway(f"g{i}", line, limit) for i, line in enumerate(self.lines)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[list[Gateway]]:
        with ExitStack() as stack:
            for gateway in self.all:
                stack.enter_context(gateway.running())
            await asyncio.sleep(1)
            yield self.all

    def sums(self) -> set[float]:
        """What each of them says was spent today."""
        return {round(gateway.budget.today, 6) for gateway in self.all}


def together(count: int, limit: float | None = None) -> Callable[..., None]:
    """A test beside running gateways, in virtual time."""

    def of(test: Callable[[Gateways, list[Gateway]], Awaitable[None]]) -> None:
        async def run() -> None:
            lab = Gateways(count, limit)
            async with lab.running() as gateways:
                await test(lab, gateways)

        run_virtual(run())

    return of


def spend(gateway: Gateway, usd: float, client: str = "owner") -> None:
    gateway.budget.settle(client, [], [Bill(10, 1, usd)])


def add_key(gateway: Gateway, name: str = "kitchen", **limits: Any) -> str:
    key, digest = new_key()
    value = Client(name=name, digest=digest, **limits).value()
    gateway.state.put("clients", name, value, gateway.state.rank("clients", name) + 1)
    return key


def revoke(gateway: Gateway, name: str = "kitchen") -> None:
    value = {**gateway.state.get("clients", name), "revoked": now()}
    gateway.state.put("clients", name, value, gateway.state.rank("clients", name) + 1)


def accepts(gateway: Gateway, key: str) -> bool:
    client = gateway.keys.find(f"Bearer {key}")
    return bool(client and not client.revoked)
