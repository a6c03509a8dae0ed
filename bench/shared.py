"""What the state that several gateways share costs a call."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from bench.arms import Arm, our_client, provider, seed
from bench.measures import TURNS, Keys, alternate
from tests.support.harness import gateway
from tests.support.redis import redis_server

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
            gateway(folder / "alone", config, own, fresh=True) as alone,
            gateway(folder / "same", config, own, fresh=True) as same,
            gateway(folder / "shared", config, shared, fresh=True) as together,
        ):
            ups = {"alone": alone, "shared": together, "same": same}
            clients = {name: our_client(Arm("", up.url, 0)) for name, up in ups.items()}
            found = asyncio.run(alternate(clients, turns))
    pairs = {
        name: statistics.median(a - b for a, b in zip(found[name], found["alone"], strict=True))
        for name in ("shared", "same")
    }
    return {"redis_added_ms_p50": pairs["shared"], "redis_added_same_ms_p50": pairs["same"]}


ALL = (redis,)
