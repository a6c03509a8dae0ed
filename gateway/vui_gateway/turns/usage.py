"""What calls cost: a log line for each, sums, metrics, and the budget of a day."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vui_gateway.turns.bill import settle
from vui_gateway.turns.budget import Budget
from vui_gateway.turns.call import Call
from vui_gateway.turns.labels import quoted
from vui_gateway.turns.recent import RecentCalls
from vui_gateway.turns.state.entries import State

__all__ = ["Usage"]

# Seconds; what a listener calls instant, good, usable, slow.
BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 10.0, 30.0)

log = logging.getLogger("vui_gateway")


class Usage:
    """Records calls; state: of what was spent today, which outlives a restart."""

    def __init__(self, state: State | None = None) -> None:
        self.budget = Budget(state or State())
        self.recent = RecentCalls()
        # Of a model's name, the label that counts it; `Labels` bounds how many there are.
        self.labels: Callable[[str], str] = str
        self.version = 0  # rises with each change
        self.session = {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
        self.registry = of = CollectorRegistry()
        labels = ("model", "deployment", "kind")
        first = "Seconds until the first token of a reply"
        self._first = Histogram(
            "vui_first_token_seconds", first, labels, buckets=BUCKETS, registry=of
        )
        whole = "Seconds until the end of a call"
        self._total = Histogram("vui_call_seconds", whole, labels, buckets=BUCKETS, registry=of)
        came_to = (*labels, "outcome", "fallback")
        self._calls = Counter("vui_calls", "Calls", came_to, registry=of)
        ended = (*labels, "ended")
        self._attempts = Counter("vui_attempts", "Attempts, by why each ended", ended, registry=of)
        self._tokens = Counter("vui_tokens", "Tokens", (*labels, "direction"), registry=of)
        self._spent = Counter("vui_usd", "Price in US dollars", labels, registry=of)
        estimated = "Part of the price that is our estimate: nobody told one that can be"
        self._estimated = Counter("vui_usd_estimated", estimated, labels, registry=of)
        unpriced = "Attempts whose price nobody knows: no budget holds them"
        self._unpriced = Counter("vui_unpriced_attempts", unpriced, labels, registry=of)
        # As many as there are keys; with the labels above they would be too many to keep.
        by_client = "Calls, by whose key they came with"
        self._of_client = Counter("vui_client_calls", by_client, ("client", "outcome"), registry=of)
        spent_by = "Price in US dollars, by whose key it was"
        self._spent_by = Counter("vui_client_usd", spent_by, ("client",), registry=of)
        today = Gauge("vui_usd_today", "Spent since midnight UTC, in US dollars", registry=of)
        today.set_function(lambda: self.budget.today)

    def metrics(self) -> bytes:
        """https://prometheus.io/docs/instrumenting/exposition_formats/"""
        return generate_latest(self.registry)

    def record(self, call: Call) -> None:
        """Count a call and log its line; a second time for the same call does nothing."""
        if call.recorded:
            return
        call.recorded = True
        kind = "reply" if call.streamed else "thoughts"
        name = call.answered_by
        asked_of = {attempt.deployment.id for attempt in call.attempts}
        fallback = "yes" if len(asked_of) > 1 else "no"
        label = self.labels
        labels = (label(call.model_group), label(name), kind)
        self._calls.labels(*labels, call.outcome, fallback).inc()
        self._total.labels(*labels).observe(call.ended - call.began)
        if call.first_token:
            self._first.labels(*labels).observe(call.first_token - call.began)
        bills = [settle(attempt, call.ended) for attempt in call.attempts]
        for attempt, bill in zip(call.attempts, bills, strict=True):
            asked = (label(call.model_group), label(attempt.deployment.model), kind)
            self._attempts.labels(*asked, attempt.ended).inc()
            self._tokens.labels(*asked, "in").inc(bill.tokens_in)
            self._tokens.labels(*asked, "out").inc(bill.tokens_out)
            self._tokens.labels(*asked, "cached").inc(bill.cached)
            self._tokens.labels(*asked, "written").inc(bill.written)
            self._spent.labels(*asked).inc(bill.usd or 0)
            self._estimated.labels(*asked).inc((bill.usd or 0) * bill.estimated)
            self._unpriced.labels(*asked).inc(bill.usd is None)
        tokens_in, tokens_out = sum(b.tokens_in for b in bills), sum(b.tokens_out for b in bills)
        usd = sum(bill.usd or 0 for bill in bills)
        self._of_client.labels(call.client, call.outcome).inc()
        self._spent_by.labels(call.client).inc(usd)
        self.budget.settle(call.client, call.attempts, bills)
        self.recent.add(call, bills)
        self.session["calls"] += 1
        self.session["failed"] += call.outcome == "failed"
        self.session["tokens_in"] += tokens_in
        self.session["tokens_out"] += tokens_out
        self.session["usd"] += usd
        about = "~" if any(bill.estimated for bill in bills) else ""
        unknown = any(bill.usd is None for bill in bills)
        price = "unknown" if unknown else f"{about}{usd:.6f}"
        log.info(
            f"{kind} model={quoted(call.model_group)} deployment={quoted(name)} "
            f"fallback={fallback} client={call.client} "
            f"outcome={call.error if call.outcome == 'failed' else call.outcome} "
            f"attempts={','.join(attempt.ended for attempt in call.attempts) or '-'} "
            f"first_token_ms={_ms(call.first_token, call)} "
            f"first_sentence_ms={_ms(call.released, call)} total_ms={_ms(call.ended, call)} "
            f"tokens_in={tokens_in} tokens_cached={sum(bill.cached for bill in bills)} "
            f"tokens_out={tokens_out} usd={price}"
        )
        if call.reasons:
            log.warning(call.reasons)
        self.version += 1


def _ms(at: float, call: Call) -> str:
    return f"{(at - call.began) * 1000:.0f}" if at else "-"
