"""The price of an attempt."""

import logging
from typing import Any

import pytest
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.bill import Bill, settle, usage_for_client
from vui_gateway.usage.recorder import Recorder

from tests.support.billing import PRICE, USD, attempt, call, unpriced


def test_the_loser_of_a_hedge_is_billed_too(usage: Recorder) -> None:
    usage.record(call(attempt(ended="hedged-lost"), attempt()))
    assert usage.budget.today == 2 * USD
    assert 'vui_attempts_total{deployment="openai/gpt-4.1-mini",ended="hedged-lost"' in (
        usage.exposition().decode()
    )


@pytest.mark.parametrize("ended", ["hung-up", "hedged-lost", "no-words", "empty", "ReadError"])
def test_who_is_left_before_a_word_bills_the_request(
    usage: Recorder, caplog: pytest.LogCaptureFixture, ended: str
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(attempt(ended=ended, spoke=False, received=0, counts=None)))
    assert caplog.messages[0].endswith("tokens_in=1200 tokens_cached=0 tokens_out=0 usd=~0.120000")
    assert usage.budget.today == pytest.approx(0.12)
    labels = 'deployment="openai/gpt-4.1-mini",kind="reply",model="vui"'
    assert f"vui_usd_estimated_total{{{labels}}} 0.12" in usage.exposition().decode()


def test_thoughts_before_an_error_are_billed(usage: Recorder) -> None:
    usage.record(call(attempt(ended="500", spoke=False, received=40, counts=None)))
    assert usage.budget.today == pytest.approx(0.12 + 10 * PRICE[1])


@pytest.mark.parametrize("ended", ["400", "401", "429", "500", "503", "budget"])
def test_who_refuses_bills_nothing(usage: Recorder, ended: str) -> None:
    usage.record(call(attempt(ended=ended)))
    assert usage.budget.today == 0
    usage.record(call(attempt(ended="500", answered=True)))
    assert usage.budget.today == pytest.approx(0.12)


def test_a_price_that_nobody_knows_is_called_unknown(
    usage: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(unpriced(counts=(1200, 12, None))))
    assert caplog.messages[0].endswith("tokens_in=1200 tokens_cached=0 tokens_out=12 usd=unknown")
    assert 'vui_unpriced_attempts_total{deployment="x",kind="reply",model="vui"} 1.0' in (
        usage.exposition().decode()
    )


NAN, INF, HUGE = float("nan"), float("inf"), 10**400


IMPOSSIBLE: dict[str, Any] = {
    "negative": (-5_000_000, -7, -2.0),
    "absurd": (HUGE, HUGE, None),
    "infinite": (INF, INF, INF),
    "not a number": (NAN, NAN, NAN),
    "text": ("many", "few", "a lot"),
    "missing": None,
    "nothing": (0, 0, 0.0),
    "a million dollars": (1200, 12, 1e6),
    "a rebate": (1200, 12, -1e6),
    "a price that is an absurd integer": (1200, 12, HUGE),
    "nothing at all for it": (1200, 12, 0.0),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
@pytest.mark.parametrize("price", [PRICE, None])
def test_whatever_usage_a_provider_tells_the_call_is_booked_and_logged(
    usage: Recorder, caplog: pytest.LogCaptureFixture, name: str, price: Any
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    priced = Deployment("x", "x", price=price)
    usage.record(call(attempt(counts=IMPOSSIBLE[name], deployment=priced)))
    assert len(caplog.messages) == 1
    assert ("usd=~" if price else "usd=") in caplog.messages[0]
    most_in, most_out = 4800 + 2000, 4 * 48 + 2000 + 3000
    assert (0.13 if price else 0) <= usage.budget.today <= most_in * PRICE[0] + most_out * PRICE[1]
    assert "-" not in usage.exposition().decode().split("vui_usd_total{")[1].split("\n")[0][-8:]


def test_a_bill_that_can_be_is_litellms() -> None:
    cached = attempt(counts=(1200, 12, 0.03))
    assert settle(cached, 1.0) == Bill(1200, 12, 0.03)
    thought = attempt(counts=(1200, 3000, 3.12))
    assert settle(thought, 1.0) == Bill(1200, 3000, 3.12)
    mocked = attempt(counts=(10, 20, 0.0), mocked=True)
    assert settle(mocked, 1.0) == Bill(10, 20, 0.0)


@pytest.mark.parametrize("told", [None, [1], {}, {"prompt_tokens": -1}, {"prompt_tokens": HUGE}])
def test_vui_is_told_counts_that_can_be(told: Any) -> None:
    if isinstance(told, dict):
        told["completion_tokens_details"] = {"reasoning_tokens": -1, "text_tokens": 3, "x": NAN}
    shown = usage_for_client(told, attempt(), 1.0)
    assert 1200 <= shown["prompt_tokens"] <= 6800
    assert shown["completion_tokens"] == 12
    assert shown["total_tokens"] == shown["prompt_tokens"] + 12
    if told:
        assert shown.get("completion_tokens_details", {"text_tokens": 3}) == {"text_tokens": 3}
