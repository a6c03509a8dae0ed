"""What the state that several gateways share costs a call."""

from __future__ import annotations

import asyncio
import functools
import statistics
from pathlib import Path

from bench.arms import Arm, our_client, provider, seed
from bench.measures import TURNS, Keys, alternate, saturate
from tests.support.harness import gateway
from tests.support.redis import redis_server
from tests.support.report import rss_mb

__all__ = ["ALL"]


def redis(folder: Path, turns: int = 2 * TURNS) -> Keys:
    """The first token with a Redis, minus the same without, from the same stand-in.

    Both have a budget: then each change is told at once. `same` is the difference between two
    gateways without a Redis: what of it is chance.
    """
    with provider(folder) as port, redis_server(folder / "redis") as server:
        config = seed({"": f"http://127.0.0.1:{port}/v1"})
        own = {"VUI_LITELLM_BUDGET": "1000", "OPENAI_API_KEY": "sk-stand-in"}
        shared = {**own, "VUI_GATEWAY_REDIS_URL": server.url}
        with (
            gateway(folder / "alone", config, own) as alone,
            gateway(folder / "same", config, own) as same,
            gateway(folder / "shared", config, shared) as together,
        ):
            ups = {"alone": alone, "shared": together, "same": same}
            clients = {name: our_client(Arm("", up.url, 0)) for name, up in ups.items()}
            found = asyncio.run(alternate(clients, turns))
    pairs = {
        name: statistics.median(a - b for a, b in zip(found[name], found["alone"], strict=True))
        for name in ("shared", "same")
    }
    return {"redis_added_ms_p50": pairs["shared"], "redis_added_same_ms_p50": pairs["same"]}


def two(folder: Path, rounds: int = 7) -> Keys:
    """Turns per second of two gateways that share a Redis over those of one of them, saturated.

    Eight clients for each gateway. Clients, stand-in and Redis are on the same two cores.
    """
    with provider(folder) as port, redis_server(folder / "redis") as server:
        config = seed({"": f"http://127.0.0.1:{port}/v1"})
        env = {"OPENAI_API_KEY": "sk-stand-in", "VUI_GATEWAY_REDIS_URL": server.url}
        with gateway(folder / "a", config, env) as a, gateway(folder / "b", config, env) as b:
            makes = [functools.partial(our_client, Arm("", up.url, 0)) for up in (a, b)]
            found = [
                [asyncio.run(saturate(some)) for some in (makes[:1], makes)] for _ in range(rounds)
            ]
            memory = [rss_mb(up.process.pid) for up in (a, b)]
    one, both = (statistics.median(speeds) for speeds in zip(*found, strict=True))
    return {
        "scale_one_turns_per_s": one, "scale_two_turns_per_s": both, "scale_two_vs_one": both / one,
        "scale_rss_mb": memory[0], "scale_rss_mb_second": memory[1],
    }  # fmt: skip


ALL = (redis, two)
