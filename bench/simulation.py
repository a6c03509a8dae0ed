"""The rule of the hedges without a gateway: `python -m bench.simulation [CALLS]`.

The engine's own classes, on a clock that jumps, before two deployments with a provider's tail.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from types import SimpleNamespace
from typing import Any

from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt, AttemptError, Call, Event
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.hedge import Hedge

from tests.providers.paced import TOKENS_PER_S, first_words
from tests.support.clock import run_virtual

__all__ = ["AT_ONCE", "simulate"]

AT_ONCE = 20
PROMPT, SENTENCE, SENTENCES = 3400, 15, 3  # tokens
WORDS = [*["word"] * (SENTENCE - 1), "end."]


class Lab:
    """Two deployments, the second for when the first doesn't speak."""

    def __init__(self, *, hedge: bool, seed: int) -> None:
        self.draws, self.tokens = random.Random(seed), 0
        self.cooldown = Cooldown(State(clock=lambda: asyncio.get_running_loop().time()))
        candidates: Any = SimpleNamespace(next=self.choose, left=lambda *_: True)
        self.engine = Engine(self.open, candidates, self.cooldown, Hedge())
        self.engine.configure(4.0, 20.0, hedge=hedge)

    async def choose(self, _: str, asked: list[str]) -> Deployment | None:
        left = [name for name in "ab" if name not in asked]
        well = [name for name in left if name not in self.cooldown] or left
        return Deployment(well[0], well[0]) if well else None

    async def open(self, *_: str | dict | Attempt) -> AsyncGenerator[Event]:
        self.tokens += PROMPT
        await asyncio.sleep(first_words(self.draws))
        for word in WORDS * SENTENCES:
            self.tokens += 1
            yield Event(f" {word}")
            await asyncio.sleep(1 / TOKENS_PER_S)
        yield Event(finish_reason="stop", usage={"total_tokens": 1})

    async def first_sentence(self) -> float:
        """Seconds until it is released, or until both deployments were late."""
        loop = asyncio.get_running_loop()
        call = Call("vui", deadline=loop.time() + self.engine.limits.total)
        body = {"messages": [], "max_tokens": 2048}
        with suppress(AttemptError):
            async with aclosing(self.engine.stream(call, body)) as events:
                async for _ in events:
                    pass
        return (call.released or loop.time()) - call.began

    async def run(self, calls: int) -> list[float]:
        """The first sentences of that many calls, so many at once as vui's would be."""
        numbers, found = itertools.count(), []

        async def talk() -> None:
            while next(numbers) < calls:
                found.append(await self.first_sentence())

        await asyncio.gather(*(talk() for _ in range(AT_ONCE)))
        return found


def simulate(calls: int, seed: int = 10) -> dict[str, float]:
    """Of the hedged calls over those that aren't: p99.5, median; and the tokens' extra cost."""
    plain, hedged = (Lab(hedge=hedge, seed=seed) for hedge in (False, True))
    before, after = (run_virtual(lab.run(calls)) for lab in (plain, hedged))
    single = calls * (PROMPT + SENTENCE * SENTENCES)
    worst, worst_before = (statistics.quantiles(found, n=200)[-1] for found in (after, before))
    return {
        "p995_s": worst, "p995_plain_s": worst_before, "p995_ratio": worst / worst_before,
        "p50_ratio": statistics.median(after) / statistics.median(before),
        "extra_cost": hedged.tokens / single - 1, "extra_cost_plain": plain.tokens / single - 1,
    }  # fmt: skip


if __name__ == "__main__":
    for key, value in simulate(int(sys.argv[1]) if sys.argv[1:] else 4000).items():
        print(f"{key:20} {value:.3f}")
