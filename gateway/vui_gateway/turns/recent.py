"""The last calls, for the page: what became of each, and nothing of what was said."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vui_gateway.turns.attempt import Attempt
from vui_gateway.turns.bill import Bill
from vui_gateway.turns.call import Call

__all__ = ["CallRecord", "RecentCalls"]

MOST = 100

# A failed attempt in words of ours: a provider's own may quote what it was sent. By our code of
# the failure, else by why the attempt ended, else it is the provider's HTTP status.
BY_CODE = {
    "provider_key_refused": "{} refused its key.",
    "provider_quota_exceeded": "The quota or credit of {} is used up.",
    "provider_model_not_found": "The provider of {} doesn't have that model.",
    "provider_refused_request": "{} refused the request.",
    "context_window_exceeded": "The conversation is longer than {} takes.",
    "content_policy_violation": "The filter of {} refused the request.",
    "client_budget_exceeded": "Today's budget of its key is spent: {} wasn't asked.",
}
BY_END = {
    "no-words": "{} said nothing in time.",
    "stalled": "{} fell silent in mid-reply.",
    "dribbled": "{} spoke too slowly.",
    "ended-early": "{} broke off in mid-reply.",
    "empty": "{} gave an empty answer.",
    "flooded": "{} didn't stop talking.",
    "budget": "Today's budget is spent: {} wasn't asked.",
    "429": "The provider of {} wants fewer requests.",
    "hook": "A callback of litellm_config.yaml refused the request for {}.",
}
BY_ERROR = {
    "too-many-calls": "Too many calls at once: this one made way for a newer one.",
    "key-revoked": "The key of this call was taken back.",
}
# Attempts of a failed call that did nothing wrong.
BLAMELESS = ("ok", "hedged-lost", "hung-up")


@dataclass(frozen=True)
class CallRecord:
    """What became of one call.

    Attributes:
        time: of its end, in seconds since 1970.
        model_group: what was asked for.
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
            "reply" if call.streamed else "thoughts",
            tuple((attempt.deployment.model, attempt.ended) for attempt in call.attempts),
            call.answered_by,
            call.outcome,
            round((call.released - call.began) * 1000) if call.released else None,
            len(set(call.asked)) > 1,
            any(attempt.ended == "hedged-lost" for attempt in call.attempts),
            None if None in prices else sum(filter(None, prices)),
            _reason(call) if call.outcome == "failed" else "",
        )


class RecentCalls:
    """The last hundred, oldest first."""

    def __init__(self) -> None:
        self._records: deque[CallRecord] = deque(maxlen=MOST)

    def add(self, call: Call, bills: Sequence[Bill]) -> None:
        self._records.append(CallRecord.of(call, bills))

    def as_dicts(self) -> list[dict]:
        """For JSON."""
        return [asdict(record) for record in self._records]


def _reason(call: Call) -> str:
    if sentence := BY_ERROR.get(call.error):
        return sentence
    blamed = [attempt for attempt in call.attempts if attempt.ended not in BLAMELESS]
    return " ".join(dict.fromkeys(map(_sentence, blamed))) or f"No answer ({call.error})."


def _sentence(attempt: Attempt) -> str:
    name, ended = attempt.deployment.model, attempt.ended
    if sentence := BY_CODE.get(attempt.code) or BY_END.get(ended):
        return sentence.format(name)
    return f"{name} answered with an error ({ended})."
