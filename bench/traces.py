"""What traces and metrics cost a call."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from bench.arms import Arm, our_client, provider, seed
from bench.measures import TURNS, Keys, alternate
from tests.support.harness import gateway

__all__ = ["ALL"]


def trace(folder: Path, turns: int = 2 * TURNS) -> Keys:
    """The first token with a collector, minus the same without, from the same stand-in.

    `same` is the difference between two gateways without one: what of it is chance.
    """
    with provider(folder) as port, provider(folder, name="otlp") as collector:
        config = seed({"": f"http://127.0.0.1:{port}/v1"})
        own = {"OPENAI_API_KEY": "sk-stand-in"}
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}"}
        with (
            gateway(folder / "off", config, own, fresh=True) as off,
            gateway(folder / "same", config, own, fresh=True) as same,
            gateway(folder / "on", config, own | address, fresh=True) as on,
        ):
            ups = {"off": off, "on": on, "same": same}
            clients = {name: our_client(Arm("", up.url, 0)) for name, up in ups.items()}
            found = asyncio.run(alternate(clients, turns))
    pairs = {
        name: statistics.median(a - b for a, b in zip(found[name], found["off"], strict=True))
        for name in ("on", "same")
    }
    return {"trace_added_ms_p50": pairs["on"], "trace_added_same_ms_p50": pairs["same"]}


ALL = (trace,)
