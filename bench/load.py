"""Our gateway under load: turns per second, processor for a call, memory with many at once."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.arms import Arm, first_token, our_client, ours, provider, seed, stock_client
from tests.support.harness import http

__all__ = ["ALL", "throughput"]

Keys = dict[str, float]

SETTLED = 1.0  # seconds after the last reply, in which a gateway books it
# A reply of 70 s; LiteLLM ends one that says the same word a hundred times.
WORDS, PACE = [f"word {n}. " if n % 15 == 0 else f"word {n}, " for n in range(1, 71)], 1.0
SAID = 45  # pieces of each reply when the memory is read: LiteLLM keeps all that it has passed on
CROWDED = 90.0  # seconds until then
APART = 0.05  # seconds between two starts: all at once some would be late, and asked again
WARM_UP = 20


async def saturate(
    make: Callable[[Arm], Any], arm: Arm, clients: int = 8, turns: int = 25
) -> tuple[float, float]:
    """Turns per second of so many clients at once, and milliseconds of processor for a call.

    Processor time includes the work after the last reply; turns per second don't.
    """
    backends = [make(arm) for _ in range(clients)]

    async def talk(backend: Any) -> None:
        for _ in range(turns):
            await first_token(backend)

    for backend in backends:
        await first_token(backend)
    await asyncio.sleep(SETTLED)
    spent, began = arm.cpu_s, time.perf_counter()
    await asyncio.gather(*map(talk, backends))
    seconds = time.perf_counter() - began
    await asyncio.sleep(SETTLED)
    spent = arm.cpu_s - spent
    for backend in backends:
        await backend.aclose()
    calls = clients * turns
    return calls / seconds, spent / calls * 1000


def throughput(a: Arm, b: Arm, rounds: int = 5) -> Keys:
    """Of ours and of stock in turn: turns per second, and processor for a call."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, make, arm in (("ours", our_client, a), ("stock", stock_client, b)):
            found[name].append(asyncio.run(saturate(make, arm)))
    (mine, cpu), (theirs, cpu_stock) = (
        map(statistics.median, zip(*found[name], strict=True)) for name in ("ours", "stock")
    )
    return {
        "turns_per_s": mine, "turns_per_s_stock": theirs, "turns_per_s_vs_stock": mine / theirs,
        "cpu_ms_per_call": cpu, "cpu_ms_per_call_stock": cpu_stock, "cpu_vs_stock": cpu / cpu_stock,
        "rss_after_load_mb": a.rss_mb,
    }  # fmt: skip


def crowd(folder: Path, calls: int = 256) -> Keys:
    """The memory of our gateway with so many replies at once under way, and of one of them.

    They are counted at the provider, before and after the memory is read: one request for each,
    so there are no hedges.
    """
    with provider(folder) as port:
        stand_in = f"http://127.0.0.1:{port}"
        config = seed(dict.fromkeys(("", "crowd"), f"{stand_in}/v1"))
        env = {"VUI_LITELLM_CALLS": str(calls), "VUI_LITELLM_HEDGE": "0"}
        with ours(folder / "ours", config, env=env) as arm:
            return asyncio.run(_crowd(stand_in, arm, calls))


async def _crowd(stand_in: str, arm: Arm, calls: int) -> Keys:
    async def under_way(said: int) -> int:
        seen = (await asyncio.to_thread(http, f"{stand_in}/_seen"))[1]
        return len(seen) == calls and sum(r["sent"] >= said and not r["ended_at"] for r in seen)

    clients = [our_client(arm, "crowd") for _ in range(calls)]
    for client in clients[:WARM_UP]:
        await first_token(client)
    await asyncio.sleep(SETTLED)
    idle = arm.rss_mb
    http(f"{stand_in}/_script", {"pieces": WORDS, "pace": PACE})
    replies = []
    for client in clients:
        replies.append(asyncio.create_task(first_token(client)))
        await asyncio.sleep(APART)
    until = time.monotonic() + CROWDED
    while (most := await under_way(SAID)) < calls and time.monotonic() < until:
        if any(reply.done() for reply in replies):
            break
        await asyncio.sleep(2)
    crowded = arm.rss_mb
    if min(most, await under_way(SAID)) < calls:
        for reply in replies:
            reply.cancel()
        await asyncio.gather(*replies, return_exceptions=True)
        sys.exit(f"there never were {calls} calls under way at once: no figure")
    await asyncio.gather(*replies)
    await asyncio.sleep(SETTLED)
    ended = arm.rss_mb
    for client in clients:
        await client.aclose()
    return {
        f"rss_{calls}_calls_mb": crowded, f"rss_{calls}_calls_ended_mb": ended,
        "rss_per_call_kb": (crowded - idle) * 1000 / calls,
    }  # fmt: skip


ALL = (crowd,)
