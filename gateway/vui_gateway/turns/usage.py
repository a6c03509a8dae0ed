"""What calls cost: a log line for each, sums, metrics, and the budget of a day."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vui_gateway.settings import write_by_rename
from vui_gateway.turns.call import Call

__all__ = ["Usage"]

BUDGET_SPENT = (
    "Today's budget is spent: {spent:.2f} of {budget:.2f} USD. Raise VUI_LITELLM_BUDGET in .env, "
    "or wait until midnight UTC."
)
# Seconds; what a listener calls instant, good, usable, slow.
BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 10.0, 30.0)

log = logging.getLogger("vui_gateway")


class Usage:
    """Records calls; what was spent today is kept in a file, across restarts."""

    def __init__(self, path: Path, budget: float | None = None) -> None:
        self.budget = budget  # US dollars per day
        self.version = 0  # rises with each change
        self.session = {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
        self._path = path
        self._day, self._usd = _read(path)
        self._registry = of = CollectorRegistry()
        labels = ("model", "deployment", "kind")
        first = "Seconds until the first token of a reply"
        self._first = Histogram(
            "vui_first_token_seconds", first, labels, buckets=BUCKETS, registry=of
        )
        whole = "Seconds until the end of a call"
        self._total = Histogram("vui_call_seconds", whole, labels, buckets=BUCKETS, registry=of)
        came_to = (*labels, "outcome", "fallback")
        self._calls = Counter("vui_calls", "Calls", came_to, registry=of)
        self._tokens = Counter("vui_tokens", "Tokens", (*labels, "direction"), registry=of)
        self._spent = Counter("vui_usd", "Price in US dollars", labels, registry=of)
        today = Gauge("vui_usd_today", "Spent since midnight UTC, in US dollars", registry=of)
        today.set_function(lambda: self.today)

    @property
    def today(self) -> float:
        """US dollars since midnight UTC."""
        day = time.strftime("%Y-%m-%d", time.gmtime())
        if day != self._day:
            self._day, self._usd = day, 0.0
        return self._usd

    @property
    def refusal(self) -> str:
        """Why no call is answered any more today; empty as long as one is."""
        if self.budget is None or self.today < self.budget:
            return ""
        return BUDGET_SPENT.format(spent=self._usd, budget=self.budget)

    def metrics(self) -> bytes:
        """https://prometheus.io/docs/instrumenting/exposition_formats/"""
        return generate_latest(self._registry)

    def record(self, call: Call) -> None:
        """Count a call and log its line; a second time for the same call does nothing."""
        if call.recorded:
            return
        call.recorded = True
        end = call.ended or time.monotonic()
        name = call.last_attempt.model if call.last_attempt else "none"
        kind = "reply" if call.streamed else "thoughts"
        fallback = "yes" if len(call.attempts) > 1 else "no"
        labels = (call.model_group, name, kind)
        self._calls.labels(*labels, call.outcome, fallback).inc()
        self._total.labels(*labels).observe(end - call.began)
        if call.first_token:
            self._first.labels(*labels).observe(call.first_token - call.began)
        for direction, count in (("in", call.tokens_in), ("out", call.tokens_out)):
            self._tokens.labels(*labels, direction).inc(count)
            self.session[f"tokens_{direction}"] += count
        self.session["calls"] += 1
        self.session["failed"] += call.outcome == "failed"
        if call.usd:
            self._spent.labels(*labels).inc(call.usd)
            self.session["usd"] += call.usd
            self._usd = self.today + call.usd
            self._write()
        first = f"{(call.first_token - call.began) * 1000:.0f}" if call.first_token else "-"
        tokens = call.tokens_in or call.tokens_out
        usd = "unknown" if call.usd is None and tokens else f"{call.usd or 0:.6f}"
        log.info(
            f"{kind} model={call.model_group} deployment={name} fallback={fallback} "
            f"outcome={call.error if call.outcome == 'failed' else call.outcome} "
            f"first_token_ms={first} total_ms={(end - call.began) * 1000:.0f} "
            f"tokens_in={call.tokens_in} tokens_out={call.tokens_out} usd={usd}"
        )
        self.version += 1

    def _write(self) -> None:
        try:
            write_by_rename(self._path, json.dumps({"day": self._day, "usd": self._usd}))
        except OSError as error:
            log.warning("What was spent today can't be kept (%s).", error)


def _read(path: Path) -> tuple[str, float]:
    try:
        kept = json.loads(path.read_text())
        return str(kept["day"]), float(kept["usd"])
    except FileNotFoundError:
        return "", 0.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s can't be read (%s): the budget of today starts again.", path, error)
        return "", 0.0
