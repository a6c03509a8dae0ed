"""Records each call: its bills, its log line, its metrics, and its entry on the page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, generate_latest

from vui_gateway.state.entries import State
from vui_gateway.turns.call import Call
from vui_gateway.usage.bill import Bill, settle
from vui_gateway.usage.budget import Budget
from vui_gateway.usage.head_starts import HeadStarts
from vui_gateway.usage.labels import quoted
from vui_gateway.usage.metrics import Metrics
from vui_gateway.usage.recent import RecentCalls
from vui_gateway.usage.telemetry import Telemetry

__all__ = ["Recorder"]

log = logging.getLogger("vui_gateway")


class Recorder:
    """Settles a call's bills, and gives them to each of `recorders`.

    Args:
        state: of what was spent today, which outlives a restart.
    """

    def __init__(self, state: State | None = None) -> None:
        self.version = 0  # rises with each call
        self.registry = CollectorRegistry()
        state = state or State()
        self.budget = Budget(state)
        self.head_starts = HeadStarts(state, self.budget, self.registry)
        self.recent = RecentCalls()
        self.metrics = Metrics(self.registry, lambda: self.budget.today)
        self.telemetry = Telemetry(lambda name: self.metrics.label(name))
        self.session = {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
        self.recorders: list[Callable[[Call, Sequence[Bill]], None]] = [
            self.metrics.record,
            self._settle,
            self.head_starts.record,
            self.recent.add,
            self._sum_up,
            _log,
            self.telemetry.record,
        ]

    def exposition(self) -> bytes:
        """https://prometheus.io/docs/instrumenting/exposition_formats/"""
        return generate_latest(self.registry)

    def record(self, call: Call) -> None:
        """Record a call that is over; a second time for the same call does nothing."""
        if call.recorded:
            return
        call.recorded = True
        bills = [settle(attempt, call.ended) for attempt in call.attempts]
        for recorder in self.recorders:
            try:
                recorder(call, bills)
            except Exception:  # one that fails costs the others nothing
                log.exception("This is a bug in vui-litellm, please report it:")
        self.version += 1

    def _settle(self, call: Call, bills: Sequence[Bill]) -> None:
        self.budget.settle(call.client, call.attempts, bills)

    def _sum_up(self, call: Call, bills: Sequence[Bill]) -> None:
        self.session["calls"] += 1
        self.session["failed"] += call.outcome == "failed"
        self.session["tokens_in"] += sum(bill.tokens_in for bill in bills)
        self.session["tokens_out"] += sum(bill.tokens_out for bill in bills)
        self.session["usd"] += sum(bill.usd or 0 for bill in bills)


def _log(call: Call, bills: Sequence[Bill]) -> None:
    about = "~" if any(bill.estimated for bill in bills) else ""
    unknown = any(bill.usd is None for bill in bills)
    price = "unknown" if unknown else f"{about}{sum(bill.usd or 0 for bill in bills):.6f}"
    log.info(
        f"{call.kind} model={quoted(call.model_group)} deployment={quoted(call.answered_by)} "
        f"fallback={'yes' if call.fallback else 'no'} client={call.client} "
        f"outcome={call.error if call.outcome == 'failed' else call.outcome} "
        f"attempts={','.join(attempt.ended for attempt in call.attempts) or '-'} "
        f"first_token_ms={_ms(call.first_token, call)} "
        f"first_sentence_ms={_ms(call.released, call)} total_ms={_ms(call.ended, call)} "
        f"tokens_in={sum(bill.tokens_in for bill in bills)} "
        f"tokens_cached={sum(bill.cached for bill in bills)} "
        f"tokens_out={sum(bill.tokens_out for bill in bills)} usd={price}{_head_start(call)}"
    )
    if call.reasons:
        log.warning(call.reasons)


def _head_start(call: Call) -> str:
    if not call.head_start:
        return ""
    return f" head_start={'used' if call.head_start.claimed else 'unclaimed'}"


def _ms(at: float, call: Call) -> str:
    return f"{(at - call.began) * 1000:.0f}" if at else "-"
