"""The engine before scripted providers, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from vui_gateway.turns.call import Attempt, AttemptError, Call, Event
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.hedge import Hedge

from tests.support.clock import run_virtual

__all__ = ["END", "FOR_EVER", "RAIN", "WELL", "Heard", "Scripted", "Step", "broken", "said"]

Step = tuple[float, Any]  # seconds of waiting, then an event, a text or an exception
WELL = "It is sunny. It stays so all day."
FOR_EVER = 10_000
END = Event(finish_reason="stop")
USAGE = Event(usage={"total_tokens": 9})


def said(text: str = WELL, first: float = 0.1, pace: float = 0.02) -> list[Step]:
    """A whole reply, a word at a time."""
    words = text.split()
    spaced = [w if i == len(words) - 1 else f"{w} " for i, w in enumerate(words)]
    return [(first if not i else pace, w) for i, w in enumerate(spaced)] + [(0, END), (0, USAGE)]


RAIN = "The rain falls here. Take a coat with you."


def broken(after: int, *then: Step) -> list[Step]:
    """The first words of a reply, at once, and then something else."""
    return [*said(RAIN, pace=0)[:after], *then]


@dataclass
class Scripted:
    """An engine before scripted providers, and what was seen of them."""

    scripts: dict[str, list[Step]]
    thinks: bool = False
    own_limit: float | None = None
    servers: dict[str, str] = field(default_factory=dict)  # of deployments that are one's own
    before: dict[str, list[Exception]] = field(default_factory=dict)  # the script: errors, in turn
    trouble: str = ""  # why one's own servers can't be reached
    bodies: list[tuple[str, dict]] = field(default_factory=list)
    closed: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cooldown, self.hedge = Cooldown(), Hedge()
        self.hedge.enabled = False
        candidates: Any = SimpleNamespace(next=self.choose, left=self.left)
        self.engine = Engine(self.open, candidates, self.cooldown, self.hedge, trouble=self.look)

    async def choose(self, group: str, asked: list[str], _: object) -> Deployment | None:
        left = [name for name in self.scripts if name not in asked]
        well = [name for name in left if name not in self.cooldown] or left
        if not well:
            return None
        where = self.servers.get(well[0], "")
        own = self.own_limit, self.thinks
        return Deployment(well[0], well[0], *own, server=where, local=bool(where))

    async def look(self, _: str) -> str:
        return self.trouble

    def left(self, group: str, asked: list[str]) -> bool:
        return any(name not in asked and name not in self.cooldown for name in self.scripts)

    async def open(self, name: str, body: dict, _: Attempt) -> AsyncGenerator[Event]:
        self.bodies.append((name, body))
        if errors := self.before.get(name):
            raise errors.pop(0)
        try:
            for wait, what in self.scripts[name]:
                await asyncio.sleep(wait)
                if isinstance(what, Exception):
                    raise what
                yield Event(what) if isinstance(what, str) else what
        except (asyncio.CancelledError, GeneratorExit):
            self.closed[name] = asyncio.get_running_loop().time()
            raise

    async def _hear(self, call: Call, pieces: list[tuple[float, str]], **fields: Any) -> None:
        messages = [{"role": "user", "content": "Hi"}]
        body = {"messages": messages, "max_tokens": 100, **fields}
        async with aclosing(self.engine.stream(call, body)) as events:
            async for event in events:
                if event.text:
                    now = asyncio.get_running_loop().time()
                    pieces.append((round(now - call.began, 2), event.text))

    def hear(self, seconds: float | None = None, **fields: Any) -> Heard:
        """One reply; cut off after so many seconds."""

        async def run() -> Heard:
            call = Call("vui")
            call.deadline = call.began + self.engine.limits.total
            pieces: list[tuple[float, str]] = []
            error = None
            try:
                async with asyncio.timeout(seconds):
                    await self._hear(call, pieces, **fields)
            except AttemptError as failed:
                error = failed
            except TimeoutError:
                pass
            took = asyncio.get_running_loop().time() - call.began
            return Heard(call, pieces, error, took)

        return run_virtual(run())


@dataclass
class Heard:
    """What reached the listener, when, and how it ended."""

    call: Call
    pieces: list[tuple[float, str]]
    error: AttemptError | None
    seconds: float

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.pieces)

    @property
    def ended(self) -> list[str]:
        return [attempt.ended for attempt in self.call.attempts]
