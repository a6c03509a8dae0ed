"""Prometheus' metrics of calls; docs/operations.md has the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vui_gateway.turns.call import Call
from vui_gateway.usage.bill import Bill

__all__ = ["Metrics"]

# Seconds: from instant to slow, for a listener.
BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 10.0, 30.0)
LABELS = ("model", "deployment", "kind")


class Metrics:
    """Counts calls.

    Attributes:
        label: of a model's name, the label that counts it; `Labels` bounds how many there are.

    Args:
        today: US dollars since midnight UTC.
    """

    def __init__(self, registry: CollectorRegistry, today: Callable[[], float]) -> None:
        self.label: Callable[[str], str] = str

        def counter(name: str, text: str, *more: str) -> Counter:
            return Counter(name, text, (*LABELS, *more), registry=registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(name, text, LABELS, buckets=BUCKETS, registry=registry)

        self._first = histogram("vui_first_token_seconds", "Seconds until a reply's first token")
        self._total = histogram("vui_call_seconds", "Seconds until the end of a call")
        self._calls = counter("vui_calls", "Calls", "outcome", "fallback")
        self._attempts = counter("vui_attempts", "Attempts, by how each ended", "ended")
        self._tokens = counter("vui_tokens", "Tokens", "direction")
        self._spent = counter("vui_usd", "Price in US dollars")
        estimated = "The part of the price that is our estimate"
        self._estimated = counter("vui_usd_estimated", estimated)
        unpriced = "Attempts whose price is unknown: no budget counts them"
        self._unpriced = counter("vui_unpriced_attempts", unpriced)
        # As many as there are keys; with the labels above they would be too many to keep.
        calls, usd = "Calls, by the client of their key", "Price in US dollars, by client"
        self._client_calls = Counter(
            "vui_client_calls", calls, ("client", "outcome"), registry=registry
        )
        self._client_spent = Counter("vui_client_usd", usd, ("client",), registry=registry)
        since = "Spent since midnight UTC, in US dollars"
        Gauge("vui_usd_today", since, registry=registry).set_function(today)

    def record(self, call: Call, bills: Sequence[Bill]) -> None:
        """Count a call that is over."""
        group = self.label(call.model_group)
        labels = (group, self.label(call.answered_by), call.kind)
        fallback = "yes" if call.fallback else "no"
        self._calls.labels(*labels, call.outcome, fallback).inc()
        self._total.labels(*labels).observe(call.ended - call.began)
        if call.first_token:
            self._first.labels(*labels).observe(call.first_token - call.began)
        for attempt, bill in zip(call.attempts, bills, strict=True):
            asked = (group, self.label(attempt.deployment.model), call.kind)
            self._attempts.labels(*asked, attempt.ended).inc()
            self._tokens.labels(*asked, "in").inc(bill.tokens_in)
            self._tokens.labels(*asked, "out").inc(bill.tokens_out)
            self._tokens.labels(*asked, "cached").inc(bill.cached)
            self._tokens.labels(*asked, "written").inc(bill.written)
            self._spent.labels(*asked).inc(bill.usd or 0)
            self._estimated.labels(*asked).inc((bill.usd or 0) * bill.estimated)
            self._unpriced.labels(*asked).inc(bill.usd is None)
        self._client_calls.labels(call.client, call.outcome).inc()
        self._client_spent.labels(call.client).inc(sum(bill.usd or 0 for bill in bills))
