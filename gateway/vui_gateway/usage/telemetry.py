"""Traces and metrics by OTLP, as long as `.env` names a collector; OpenTelemetry is imported then.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vui_gateway.logs import words
from vui_gateway.turns.call import Call
from vui_gateway.usage.bill import Bill
from vui_gateway.variables import TELEMETRY, collector

if TYPE_CHECKING:
    from vui_gateway.usage.traces import Traces

__all__ = ["Telemetry"]

CLOSE_SECONDS = 2.0  # to send the rest, at the end of the process


class Telemetry:
    """The recorder of traces in force, if there is one.

    Attributes:
        failed: a sentence where the variables can't be used.

    Args:
        label: of a model's name, the value of a metric's attribute.
    """

    def __init__(self, label: Callable[[str], str]) -> None:
        self.failed: list[str] = []
        self._label = label
        self._traces: Traces | None = None
        self._made_of: dict[str, str] = {}

    def record(self, call: Call, bills: Sequence[Bill]) -> None:
        """Hand a call that is over to the exporters' threads."""
        if self._traces:
            self._traces.record(call, bills)

    async def apply(self, env: Mapping[str, str]) -> None:
        """Follow the OTEL_ variables; the SDK reads them in the process's environment."""
        wanted = {name: value for name, value in env.items() if name.startswith(TELEMETRY)}
        if wanted == self._made_of:
            return
        self.close(0)
        self._made_of, self.failed = wanted, []
        signals = {signal for signal in ("TRACES", "METRICS") if collector(wanted, signal)}
        if not signals:
            return
        if wanted.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").startswith("grpc"):
            self.failed = [
                "OTEL_EXPORTER_OTLP_PROTOCOL in .env is grpc, which isn't in the image. Remove it, "
                "and write the collector's address for HTTP, usually with port 4318."
            ]
            return
        try:
            self._traces = await asyncio.to_thread(_make, signals, wanted, self._label)
        except Exception as error:  # whatever the SDK raises for a value
            self.failed = [
                f"No traces are sent: OpenTelemetry refuses the OTEL_ variables of .env "
                f"({words(error)}). Correct them."
            ]

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send the rest, for so long at the most; a collector that is away holds up nothing."""
        if traces := self._traces:
            self._traces, self._made_of = None, {}
            closing = threading.Thread(target=traces.close, name="telemetry", daemon=True)
            closing.start()
            closing.join(seconds)


def _make(signals: set[str], env: Mapping[str, str], label: Callable[[str], str]) -> Traces:
    from vui_gateway.usage import traces

    return traces.by_otlp(signals, env, label)
