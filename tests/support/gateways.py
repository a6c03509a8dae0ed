"""Gateways that share a state: their own code without LiteLLM, on a clock of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vui_gateway.keys.clients import Keys
from vui_gateway.state.entries import State
from vui_gateway.state.redis import RedisStore, Script
from vui_gateway.state.sync import Sync
from vui_gateway.turns.call import Deployment
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.hedge import Hedge
from vui_gateway.usage.budget import Budget

__all__ = ["START", "Attempted", "Gateway", "now"]

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
