"""Many gateways and what they share, without a gateway: `python -m bench.protocol [GATEWAYS]`.

The gateways' own classes, on a clock that jumps, before a Redis of the tests' own that answers
after 2 to 40 ms.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from vui_gateway.providers.blame import Blame, Blamed
from vui_gateway.turns.call import AttemptError
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.bill import Bill

from tests.support.clock import run_virtual
from tests.support.gateways import Attempted, Gateway, now
from tests.support.redis import FakeRedis

__all__ = ["simulate"]

CALLS_PER_S = 2.5  # of each gateway: ten vuis, two calls for a turn every eight seconds
CALL_SECONDS, USD, LIMIT = 1.0, 0.001, 1.0
SICK = Deployment("sick", "openai/sick")
SETTLED = 3.0  # seconds in which the last one has heard of everything
OUTAGE = 30.0

Keys = dict[str, float]
Trial = Callable[[list[Gateway], FakeRedis, random.Random], Awaitable[Keys]]


async def provider_dies(gateways: list[Gateway], redis: FakeRedis, draws: random.Random) -> Keys:
    """Each call asks the sick deployment until its gateway has heard of it."""
    loop, failed, last = asyncio.get_running_loop(), [0] * len(gateways), 0.0
    died = loop.time()

    async def calls(number: int, gateway: Gateway) -> None:
        nonlocal last
        while loop.time() < died + SETTLED:
            await asyncio.sleep(draws.expovariate(CALLS_PER_S))
            if SICK.id not in gateway.cooldown:
                gateway.cooldown.failed(SICK, Blame(Blamed.DEPLOYMENT))
                failed[number] += 1
                last = loop.time() - died

    await asyncio.gather(*(calls(n, gateway) for n, gateway in enumerate(gateways)))
    return {
        "failed_attempts": sum(failed),
        "failed_attempts_of_one": max(failed),
        "last_failed_after_s": last,
    }


async def budget_is_spent(gateways: list[Gateway], redis: FakeRedis, draws: random.Random) -> Keys:
    """Calls of 0.001 USD until a budget of 1 USD is spent: what more it cost, of what ran then."""
    loop, running, spent, most = asyncio.get_running_loop(), 0, 0.0, 0

    async def call(gateway: Gateway) -> None:
        nonlocal running, spent, most
        attempt = Attempted(USD)
        try:
            gateway.budget.reserve(attempt)  # type: ignore[arg-type]
        except AttemptError:
            return
        running += 1
        most = max(most, running)
        await asyncio.sleep(CALL_SECONDS)
        running -= 1
        spent += USD
        gateway.budget.settle("owner", [attempt], [Bill(1000, 100, USD)])  # type: ignore[list-item]

    async def calls(gateway: Gateway) -> None:
        tasks, end = [], loop.time() + 4 * LIMIT / USD / CALLS_PER_S / len(gateways) + SETTLED
        while loop.time() < end:
            await asyncio.sleep(draws.expovariate(CALLS_PER_S))
            tasks.append(asyncio.create_task(call(gateway)))
        await asyncio.gather(*tasks)

    for gateway in gateways:
        gateway.budget.limit = LIMIT
    await asyncio.gather(*map(calls, gateways))
    return {"overspent_usd": max(0.0, spent - LIMIT), "under_way_usd": most * USD}


async def redis_is_away(gateways: list[Gateway], redis: FakeRedis, draws: random.Random) -> Keys:
    """Away for half a minute and back without what it had; each gateway has counted meanwhile."""
    redis.down = True
    for number in range(int(OUTAGE)):
        await asyncio.sleep(1)
        for gateway in gateways[number % 2 :: 2]:
            gateway.budget.settle("owner", [], [Bill(1000, 100, USD)])
    redis.empty()
    redis.down = False
    loop = asyncio.get_running_loop()
    back, right = loop.time(), USD * len(gateways) * OUTAGE / 2
    while any(abs(gateway.budget.today - right) > USD / 2 for gateway in gateways):
        await asyncio.sleep(0.05)
    return {"sums_right_after_s": loop.time() - back}


async def idle(gateways: list[Gateway], redis: FakeRedis, _: random.Random) -> Keys:
    """What the exchanges come to when nobody has anything new."""
    before = redis.asked
    await asyncio.sleep(10)
    return {"exchanges_per_s": (redis.asked - before) / 10}


TRIALS: tuple[Trial, ...] = (provider_dies, budget_is_spent, redis_is_away, idle)


def simulate(count: int, trial: Trial, seed: int = 14) -> Keys:
    """One trial of so many gateways."""
    draws = random.Random(seed)

    async def run() -> Keys:
        redis = FakeRedis(now, lambda: draws.uniform(0.001, 0.020))
        gateways = [Gateway(f"gateway-{n}", redis) for n in range(count)]
        with ExitStack() as running:
            for gateway in gateways:
                running.enter_context(gateway.running())
            await asyncio.sleep(1)
            return await trial(gateways, redis, draws)

    return run_virtual(run())


if __name__ == "__main__":
    logging.disable()  # each gateway says that Redis is away
    for trial in TRIALS:
        for key, value in simulate(int(sys.argv[1]) if sys.argv[1:] else 100, trial).items():
            print(f"{key:24} {value:.3f}", flush=True)
