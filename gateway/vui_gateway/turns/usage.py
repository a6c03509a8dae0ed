"""What calls cost: a log line for each, sums, metrics, and the budget of a day."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vui_gateway.files import write_by_rename
from vui_gateway.turns.call import Call

__all__ = ["Usage"]

BUDGET_SPENT = (
    "Today's budget is spent: {spent:.2f} of {budget:.2f} USD. Raise VUI_LITELLM_BUDGET in .env, "
    "or wait until midnight UTC."
)
# Seconds; what a listener calls instant, good, usable, slow.
BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 10.0, 30.0)

# Of these nobody tells a price, and there is none: the provider refused, or sent nothing.
UNBILLED = frozenset({"no-words", "empty", *map(str, range(400, 600))})

log = logging.getLogger("vui_gateway")


class Usage:
    """Records calls; what was spent today is kept in a file, across restarts."""

    def __init__(self, path: Path, budget: float | None = None) -> None:
        self.budget = budget  # US dollars per day
        self.version = 0  # rises with each change
        self.session = {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
        self._path = path
        self._day, self._usd = _read(path)
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

    @property
    def nearly_spent(self) -> bool:
        """Less than a tenth of today's budget is left."""
        return self.budget is not None and self.today >= 0.9 * self.budget

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
        labels = (call.model_group, name, kind)
        self._calls.labels(*labels, call.outcome, fallback).inc()
        self._total.labels(*labels).observe(call.ended - call.began)
        if call.first_token:
            self._first.labels(*labels).observe(call.first_token - call.began)
        known = True
        tokens_in = tokens_out = 0
        usd = 0.0
        for attempt in call.attempts:
            asked = (call.model_group, attempt.deployment.model, kind)
            self._attempts.labels(*asked, attempt.ended).inc()
            self._tokens.labels(*asked, "in").inc(attempt.tokens_in)
            self._tokens.labels(*asked, "out").inc(attempt.tokens_out)
            self._spent.labels(*asked).inc(attempt.usd or 0)
            tokens_in += attempt.tokens_in
            tokens_out += attempt.tokens_out
            usd += attempt.usd or 0
            known = known and (attempt.usd is not None or attempt.ended in UNBILLED)
        self.session["calls"] += 1
        self.session["failed"] += call.outcome == "failed"
        self.session["tokens_in"] += tokens_in
        self.session["tokens_out"] += tokens_out
        self.session["usd"] += usd
        if usd:
            self._usd = self.today + usd
            self._write()
        price = f"{usd:.6f}" if known else "unknown"
        log.info(
            f"{kind} model={call.model_group} deployment={name} fallback={fallback} "
            f"outcome={call.error if call.outcome == 'failed' else call.outcome} "
            f"attempts={','.join(attempt.ended for attempt in call.attempts) or '-'} "
            f"first_token_ms={_ms(call.first_token, call)} "
            f"first_sentence_ms={_ms(call.released, call)} total_ms={_ms(call.ended, call)} "
            f"tokens_in={tokens_in} tokens_out={tokens_out} usd={price}"
        )
        self.version += 1

    def _write(self) -> None:
        try:
            write_by_rename(self._path, json.dumps({"day": self._day, "usd": self._usd}))
        except OSError as error:
            log.warning("What was spent today can't be kept (%s).", error)


def _ms(at: float, call: Call) -> str:
    return f"{(at - call.began) * 1000:.0f}" if at else "-"


def _read(path: Path) -> tuple[str, float]:
    try:
        kept = json.loads(path.read_text())
        return str(kept["day"]), float(kept["usd"])
    except FileNotFoundError:
        return "", 0.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s can't be read (%s): the budget of today starts again.", path, error)
        return "", 0.0
