"""What turns cost: a log line for each, sums, metrics, and the budget of a day."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vui_gateway.settings import write_whole
from vui_gateway.turn import Turn

__all__ = ["BUDGET_SPENT", "Ledger"]

BUDGET_SPENT = (
    "Today's budget is spent: {spent:.2f} of {budget:.2f} USD. Raise VUI_LITELLM_BUDGET in .env, "
    "or wait until midnight UTC."
)
# Seconds; what a listener calls instant, good, usable, slow.
BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 10.0, 30.0)

log = logging.getLogger("vui_gateway")


class Ledger:
    """Books turns; what was spent today is kept in a file, across restarts."""

    def __init__(self, path: Path) -> None:
        self.budget: float | None = None
        self.names: dict[str, str] = {}  # deployment id → LiteLLM's name of its model
        self.changed: Callable[[], None] = lambda: None
        self.session = {"turns": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
        self._path = path
        self._day, self._usd = _read(path)
        self._registry = CollectorRegistry()
        labels = ("model", "deployment", "kind")
        of = self._registry
        first = "Seconds until the first token of a reply"
        self._first = Histogram(
            "vui_first_token_seconds", first, labels, buckets=BUCKETS, registry=of
        )
        whole = "Seconds until the end of a reply"
        self._total = Histogram("vui_turn_seconds", whole, labels, buckets=BUCKETS, registry=of)
        came_to = (*labels, "outcome", "fallback")
        self._turns = Counter("vui_turns", "Requests", came_to, registry=of)
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
        """Why no turn is answered any more today; empty as long as one is."""
        if self.budget is None or self.today < self.budget:
            return ""
        return BUDGET_SPENT.format(spent=self._usd, budget=self.budget)

    def metrics(self) -> bytes:
        """https://prometheus.io/docs/instrumenting/exposition_formats/"""
        return generate_latest(self._registry)

    def book(self, turn: Turn) -> None:
        """Count a turn and log its line; a second call for the same turn does nothing."""
        if turn.booked:
            return
        turn.booked = True
        end = turn.ended or time.monotonic()
        name = self.names.get(turn.last or "", "none")
        kind = "reply" if turn.streamed else "thoughts"
        fallback = "yes" if len(turn.tried) > 1 else "no"
        labels = (turn.group, name, kind)
        self._turns.labels(*labels, turn.outcome, fallback).inc()
        self._total.labels(*labels).observe(end - turn.began)
        if turn.first:
            self._first.labels(*labels).observe(turn.first - turn.began)
        for direction, count in zip(("in", "out"), turn.tokens, strict=True):
            self._tokens.labels(*labels, direction).inc(count)
            self.session[f"tokens_{direction}"] += count
        self.session["turns"] += 1
        self.session["failed"] += turn.outcome == "failed"
        if turn.usd:
            self._spent.labels(*labels).inc(turn.usd)
            self.session["usd"] += turn.usd
            self._usd = self.today + turn.usd
            self._write()
        first = f"{(turn.first - turn.began) * 1000:.0f}" if turn.first else "-"
        outcome = turn.failed if turn.outcome == "failed" else turn.outcome.replace(" ", "-")
        usd = "unknown" if turn.usd is None and any(turn.tokens) else f"{turn.usd or 0:.6f}"
        log.info(
            f"{kind} model={turn.group} deployment={name} fallback={fallback} outcome={outcome} "
            f"first_token_ms={first} total_ms={(end - turn.began) * 1000:.0f} "
            f"tokens_in={turn.tokens[0]} tokens_out={turn.tokens[1]} usd={usd}"
        )
        self.changed()

    def _write(self) -> None:
        try:
            write_whole(self._path, json.dumps({"day": self._day, "usd": self._usd}))
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
