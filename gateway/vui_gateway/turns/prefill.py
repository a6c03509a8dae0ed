"""Prompts that a server of one's own reads before the turn that needs them: its cache is warm then.

vui prepares both of its system prompts when a session begins, and what it has understood so far
while the user speaks. For a paid deployment nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from vui_gateway.turns.attempt import Open
from vui_gateway.turns.call import Attempt, AttemptError, Event
from vui_gateway.turns.deployment import Deployment

__all__ = ["Prefill"]

MOST_WAITING = 8  # prompts for one server
SECONDS = 60.0  # a model may have to be loaded first


class Prefill:
    """One prompt at a time for each server, and none while a call is under way there.

    Args:
        open_: asks a deployment.
        choose: the deployment that a call for a model group would ask now.
    """

    def __init__(self, open_: Open, choose: Callable[[str], Awaitable[Deployment | None]]) -> None:
        self._open, self._choose = open_, choose
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting, self._calls = Counter[str](), Counter[str]()
        self._running: dict[str, asyncio.Task] = {}

    async def run(self, model_group: str, body: dict) -> bool:
        """Send a prompt to the server that would answer, where it costs nothing; silent on failure.

        Returns whether it costs nothing.
        """
        deployment = await self._choose(model_group)
        if not (deployment and deployment.local):
            return False
        server = deployment.server or deployment.id
        if not body.get("messages") or self._waiting[server] >= MOST_WAITING:
            return True
        self._waiting[server] += 1
        try:
            async with self._turns[server]:
                if not self._calls[server]:
                    await self._one(server, deployment, body)
        finally:
            self._waiting[server] -= 1
        return True

    async def call(self, deployment: str, body: dict, attempt: Attempt) -> AsyncGenerator[Event]:
        """A call's own request: its server's preparation ends, and none begins meanwhile."""
        server = attempt.deployment.server or attempt.deployment.id
        if running := self._running.get(server):
            running.cancel()
        self._calls[server] += 1
        try:
            async with aclosing(self._open(deployment, body, attempt)) as events:
                async for event in events:
                    yield event
        finally:
            self._calls[server] -= 1

    async def _one(self, server: str, deployment: Deployment, body: dict) -> None:
        own = {**body, "max_tokens": 1, "temperature": 0.0}
        task = asyncio.create_task(self._read(Attempt(deployment, own, counted=False)))
        self._running[server] = task
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.wait({task})
        except TimeoutError:
            return
        finally:
            task.cancel()
            del self._running[server]

    async def _read(self, attempt: Attempt) -> None:
        with suppress(AttemptError):
            async with aclosing(self._open(attempt.deployment.id, attempt.body, attempt)) as events:
                async for _ in events:
                    pass
