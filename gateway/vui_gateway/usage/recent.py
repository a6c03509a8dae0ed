"""The last calls, for the page: the outcome of each, and no word of what was said."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vui_gateway.errors import Code, Ending, page_sentence
from vui_gateway.turns.call import Call
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.usage.bill import Bill

__all__ = ["CallRecord", "RecentCalls"]

MOST_RECENT = 100

# Attempts of a failed call that did nothing wrong.
BLAMELESS = (Ending.OK, Ending.HEDGED_LOST, Ending.HUNG_UP)


@dataclass(frozen=True)
class CallRecord:
    """The outcome of one call.

    Attributes:
        time: of its end, in seconds since 1970.
        model_group: the group that was asked for.
        kind: `reply`, or `thoughts`, which nobody hears.
        attempts: LiteLLM's names of the models that were asked, in order, and why each ended.
        answered_by: the one that answered, or that was asked last.
        outcome: `ok`, `failed`, or `hung-up`.
        first_sentence_ms: milliseconds until vui had the first sentence; None without one.
        fallback: another deployment took over after a failure.
        hedged: two were asked side by side.
        usd: US dollars, all attempts; None where one's price isn't known.
        error: why it failed, in a sentence for each that was asked.
    """

    time: float
    model_group: str
    kind: str
    attempts: tuple[tuple[str, str], ...]
    answered_by: str
    outcome: str
    first_sentence_ms: int | None
    fallback: bool
    hedged: bool
    usd: float | None
    error: str

    @classmethod
    def of(cls, call: Call, bills: Sequence[Bill]) -> CallRecord:
        """The record of a call that is over."""
        prices = [bill.usd for bill in bills]
        return cls(
            time.time(),
            call.model_group,
            call.kind,
            tuple((attempt.deployment.model, attempt.ended) for attempt in call.attempts),
            call.answered_by,
            call.outcome,
            round((call.released - call.began) * 1000) if call.released else None,
            call.fallback,
            any(attempt.ended == Ending.HEDGED_LOST for attempt in call.attempts),
            None if None in prices else sum(filter(None, prices)),
            _reason(call) if call.outcome == "failed" else "",
        )


class RecentCalls:
    """The last hundred, oldest first."""

    def __init__(self) -> None:
        self._calls = deque[tuple[CallRecord, HeadStart | None]](maxlen=MOST_RECENT)

    def add(self, call: Call, bills: Sequence[Bill]) -> None:
        self._calls.append((CallRecord.of(call, bills), call.head_start))

    def as_dicts(self) -> list[dict]:
        """For JSON; the kind of a reply that isn't claimed yet is `head start`."""
        unclaimed = {"kind": "head start"}
        return [
            asdict(record) | (unclaimed if ahead and not ahead.claimed else {})
            for record, ahead in self._calls
        ]


def _reason(call: Call) -> str:
    if isinstance(call.error, Code):  # the gateway has ended it
        return call.error.page
    blamed = [one for one in call.attempts if one.ended not in BLAMELESS]
    said = [page_sentence(one.deployment.model, one.code, one.ended) for one in blamed]
    return " ".join(dict.fromkeys(said)) or f"No answer ({call.error})."
