"""What traces and metrics cost a call."""

from __future__ import annotations

from pathlib import Path

from bench.arms import PROVIDER_KEY, provider
from bench.measures import TURNS, Keys, added_by

__all__ = ["ALL"]


def trace(folder: Path, turns: int = 2 * TURNS) -> Keys:
    """The first token with a collector, minus the same without, from the same stand-in."""
    with provider(folder) as port, provider(folder, name="otlp") as collector:
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}"}
        base = f"http://127.0.0.1:{port}/v1"
        more, chance = added_by(address, {"OPENAI_API_KEY": PROVIDER_KEY}, folder, base, turns)
    return {"trace_added_ms_p50": more, "trace_added_same_ms_p50": chance}


ALL = (trace,)
