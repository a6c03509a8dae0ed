"""What the state that several gateways share costs a call."""

from __future__ import annotations

from pathlib import Path

from bench.arms import PROVIDER_KEY, provider
from bench.measures import TURNS, Keys, added_by
from tests.support.redis import redis_server

__all__ = ["ALL"]


def redis(folder: Path, turns: int = 2 * TURNS) -> Keys:
    """The first token with a Redis, minus the same without, from the same stand-in.

    All have a budget: then each change is sent at once.
    """
    with provider(folder) as port, redis_server(folder / "redis") as server:
        own = {"VUI_LITELLM_BUDGET": "1000", "OPENAI_API_KEY": PROVIDER_KEY}
        shared = {"VUI_GATEWAY_REDIS_URL": server.url}
        base = f"http://127.0.0.1:{port}/v1"
        more, chance = added_by(shared, own, folder, base, turns)
    return {"redis_added_ms_p50": more, "redis_added_same_ms_p50": chance}


ALL = (redis,)
