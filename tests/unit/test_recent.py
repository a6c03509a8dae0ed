"""The records of the last calls, without a gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.errors import Code
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.recent import MOST_RECENT, CallRecord, RecentCalls

GPT, HAIKU = "openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5"
SAID = "my secret is a pink elephant"


def attempt(model: str = GPT, ended: str = "ok", code: str = "") -> Any:
    heard = {"body": {"messages": [{"content": SAID}]}, "said": SAID, "answer": {"text": SAID}}
    return SimpleNamespace(deployment=Deployment(model, model), ended=ended, code=code, **heard)


def record(*attempts: Any, bills: Sequence[Bill] = (Bill(1, 1, 0.25),), **fields: Any) -> Any:
    began = time.monotonic() - 1
    told = {"model_group": "vui", "began": began, "released": began + 0.4004, **fields}
    return CallRecord.of(Call(attempts=list(attempts), **told), bills)


def test_a_good_call_is_plain() -> None:
    one = record(attempt())
    assert time.time() - one.time < 1
    assert (one.model_group, one.kind, one.outcome, one.error) == ("vui", "reply", "ok", "")
    assert (one.attempts, one.answered_by, one.first_sentence_ms) == (((GPT, "ok"),), GPT, 400)
    assert (one.fallback, one.hedged, one.usd) == (False, False, 0.25)


def test_thoughts_have_no_first_sentence() -> None:
    one = record(attempt(), streamed=False, released=0.0)
    assert (one.kind, one.first_sentence_ms) == ("thoughts", None)


def test_a_fallback_is_told_from_a_hedge() -> None:
    took_over = record(attempt(ended="503", code="no_answer"), attempt(HAIKU))
    assert (took_over.fallback, took_over.hedged, took_over.answered_by) == (True, False, HAIKU)
    beside = record(attempt(ended="hedged-lost"), attempt(HAIKU))
    assert (beside.fallback, beside.hedged, beside.answered_by) == (False, True, HAIKU)


def test_a_price_that_nobody_knows_isnt_summed_up() -> None:
    bills = [Bill(1, 1, 0.5), Bill(1, 1, None)]
    assert record(attempt(), attempt(HAIKU), bills=bills).usd is None


@pytest.mark.parametrize(
    ("attempts", "error", "sentence"),
    [
        ([attempt(ended="no-words", code="no_answer")], "no-words", f"{GPT} said nothing in time."),
        ([attempt(ended="503", code="no_answer")], "503", f"{GPT} answered with an error (503)."),
        (
            [attempt(ended="401", code="provider_key_refused"), attempt(HAIKU, "stalled")],
            "stalled",
            f"{GPT} refused its key. {HAIKU} fell silent in mid-reply.",
        ),
        (
            [attempt(ended="503"), attempt(ended="503"), attempt(HAIKU, "hung-up")],
            "503",
            f"{GPT} answered with an error (503).",
        ),
        ([attempt(ended="budget", code=Code.BUDGET_EXCEEDED)], "budget", "Today's budget is spent"),
        (
            [attempt(ended="budget", code=Code.CLIENT_BUDGET_EXCEEDED)],
            "budget",
            f"Today's budget of its key is spent: {GPT}",
        ),
        ([attempt(ended="hung-up")], Code.TOO_MANY_CALLS, "Too many calls at once"),
        ([attempt(ended="hung-up")], Code.KEY_REVOKED, "The key of this call was taken back."),
        ([attempt(ended="hung-up")], "strange", "No answer (strange)."),
    ],
)
def test_a_failure_is_said_in_a_sentence_for_each_that_was_asked(
    attempts: list, error: str, sentence: str
) -> None:
    assert record(*attempts, error=error).error.startswith(sentence)


@pytest.mark.parametrize("code", [code for code in Code if "{}" in code.page])
def test_nothing_of_what_was_said_is_on_record(code: str) -> None:
    calls = RecentCalls()
    failed = attempt(ended="400", code=code)
    calls.add(Call("vui", attempts=[failed, attempt()], error="400", began=1.0), [])
    assert GPT in json.dumps(calls.as_dicts())
    assert "elephant" not in json.dumps(calls.as_dicts())


def test_only_the_last_hundred_are_kept() -> None:
    calls = RecentCalls()
    for number in range(MOST_RECENT + 5):
        calls.add(Call(str(number), attempts=[attempt()], began=1.0), [])
    assert [one["model_group"] for one in calls.as_dicts()] == [
        str(n) for n in range(5, MOST_RECENT + 5)
    ]


def test_a_head_start_is_a_reply_from_its_claim_on_also_where_it_ended_before() -> None:
    calls, head_start = RecentCalls(), HeadStart("abc")
    calls.add(Call("vui", attempts=[attempt()], began=1.0, head_start=head_start), [])
    assert [one["kind"] for one in calls.as_dicts()] == ["head start"]
    head_start.claimed = True
    assert [one["kind"] for one in calls.as_dicts()] == ["reply"]
