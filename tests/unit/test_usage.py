"""What calls cost, without a gateway."""

import asyncio
import logging
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.settings import SettingError
from vui_gateway.state.entries import State
from vui_gateway.state.files import Files
from vui_gateway.state.sync import Sync
from vui_gateway.turns.call import AttemptError, Call, Deployment
from vui_gateway.usage import budget as budget_module
from vui_gateway.usage.bill import Bill, settle, usage_for_client
from vui_gateway.usage.budget import Budget
from vui_gateway.usage.recorder import Recorder

TODAY = date(2026, 11, 25)
GPT = "openai/gpt-4.1-mini"
PRICE = (1e-4, 1e-3)
USD = 1200 * PRICE[0] + 12 * PRICE[1]


@pytest.fixture(autouse=True)
def one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """It doesn't end while a test runs."""
    monkeypatch.setattr(budget_module, "_day_of", lambda _: TODAY)


class Stub:
    """As much of an attempt as is billed: a request of 4,800 bytes, and 48 characters said."""

    def __init__(self, name: str = GPT, ended: str = "ok", **fields: Any) -> None:
        spoke = ended in ("ok", "hedged-lost")
        self.client = "owner"
        self.deployment = Deployment(name[0], name, price=PRICE)
        self.body: dict = {}
        self.ended, self.spoke, self.mocked, self.answered = ended, spoke, False, False
        self.sent, self.received, self.began = 4800, 48 if spoke else 0, 0.0
        self.counts: Any = (1200, 12, USD) if spoke else None
        self.cache_counts, self.reason = (0, 0), ""
        vars(self).update(fields)


def attempt(name: str = GPT, ended: str = "ok", **fields: Any) -> Any:
    return Stub(name, ended, **fields)


def unpriced(**fields: Any) -> Any:
    return attempt(deployment=Deployment("x", "x"), **fields)


def call(*attempts: Any, **fields: Any) -> Call:
    began = time.monotonic() - 1
    told = {"first_token": began + 0.3, "released": began + 0.4, "ended": began + 0.9}
    tried = [*attempts] or [attempt()]
    for one in tried:
        one.began = began
    asked = {"model_group": "vui", "began": began, "attempts": tried}
    return Call(**{**asked, **told, **fields})


class Kept(Recorder):
    """Of a gateway on the files of a folder."""

    def __init__(self, folder: Path, limit: float | None = None) -> None:
        state = State()
        self.sync = Sync(state, Files(folder))
        self.keep()
        super().__init__(state)
        self.budget.limit = limit

    def keep(self) -> None:
        """Write what isn't written."""
        asyncio.run(self.sync.exchange())


@pytest.fixture
def usage(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_call_leaves_one_line_with_its_figures(
    usage: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    one = call(attempt(ended="500"), attempt("anthropic/claude-haiku-4-5"))
    usage.record(one)
    usage.record(one)
    assert caplog.messages == [
        "reply model=vui deployment=anthropic/claude-haiku-4-5 fallback=yes client=owner "
        "outcome=ok attempts=500,ok first_token_ms=300 first_sentence_ms=400 total_ms=900 "
        "tokens_in=1200 tokens_cached=0 tokens_out=12 usd=0.132000"
    ]


# A token in for 100 micro-dollars, from the cache for 10, written to it for 125.
KEEPS = Deployment("c", GPT, price=PRICE, cache_price=(10e-6, 125e-6))


@pytest.mark.parametrize(
    ("told", "counted", "saved"),
    [
        ((1000, 100), (1000, 100), 1000 * 90e-6 - 100 * 25e-6),
        ((0, 1000), (0, 1000), -1000 * 25e-6),
        ((10**9, -5), (1200, 0), 1200 * 90e-6),
        (("many", None), (0, 0), 0),
        ((1000, 10**400), (1000, 200), 1000 * 90e-6 - 200 * 25e-6),
    ],
)
def test_what_a_prompt_cache_saved_is_on_record(
    usage: Kept,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    told: tuple,
    counted: tuple[int, int],
    saved: float,
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(attempt(deployment=KEEPS, cache_counts=told)))
    assert f"tokens_in=1200 tokens_cached={counted[0]} tokens_out=12" in caplog.messages[0]
    metrics = usage.exposition().decode()
    for direction, tokens in zip(("cached", "written"), counted, strict=True):
        assert f'direction="{direction}",kind="reply",model="vui"}} {tokens}.0' in metrics
    usage.keep()
    kept = Kept(tmp_path).budget.cache
    assert kept == {"tokens_in": 1200, "tokens_cached": counted[0], "saved": pytest.approx(saved)}


def test_what_a_prompt_cache_saved_yesterday_is_forgotten(
    usage: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.record(call(attempt(deployment=KEEPS, cache_counts=(1000, 0))))
    monkeypatch.setattr(budget_module, "_day_of", lambda _: TODAY + timedelta(1))
    assert usage.budget.today == 0
    assert set(usage.budget.cache.values()) == {0}


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


# ---- the budget


def test_what_was_spent_today_outlives_a_restart(usage: Kept, tmp_path: Path) -> None:
    usage.record(call())
    usage.record(call())
    usage.keep()
    again = Kept(tmp_path)
    assert again.budget.today == 2 * USD
    assert again.session["usd"] == 0
    again.budget.limit = 0.25
    assert "0.26 of 0.25 USD." in again.budget.refusal
    assert "VUI_LITELLM_BUDGET" in again.budget.refusal


def test_calls_side_by_side_are_reserved_before_any_is_billed() -> None:
    budget = Budget(State(), 2.0)
    asked = [attempt(received=0) for _ in range(32)]
    running, refused = asked[:3], asked[3:]  # 2,200 tokens in and 500 out are 0.72
    for one in running:
        budget.reserve(one)
    for one in refused:
        with pytest.raises(AttemptError, match="2.1600 USD are reserved for calls") as caught:
            budget.reserve(one)
        assert (caught.value.status, caught.value.code) == (402, "budget_exceeded")
    budget.settle("", running, [Bill(1200, 12, USD)] * 3)
    assert (budget.reserved, budget.today) == (0, 3 * USD)
    budget.reserve(attempt())


def test_what_is_reserved_grows_with_what_is_said() -> None:
    budget = Budget(State(), 2.0)
    one = attempt(received=0)
    budget.reserve(one)
    before = budget.reserved
    one.received = 40_000
    assert budget.reserved == pytest.approx(before + (10_000 - 500) * PRICE[1])


def test_a_reservation_is_lost_with_its_attempt() -> None:
    budget = Budget(State(), 2.0)
    budget.reserve(attempt())
    assert budget.reserved == 0


def test_what_costs_nothing_is_asked_when_the_budget_is_spent() -> None:
    budget = Budget(State(), 0.0)
    budget.reserve(attempt(deployment=Deployment("o", "ollama_chat/x", price=(0.0, 0.0))))
    with pytest.raises(AttemptError):
        budget.reserve(unpriced())


def test_what_a_provider_refused_is_reserved_no_longer() -> None:
    budget = Budget(State(), 2.0)
    refused = [attempt(ended="", spoke=False, counts=None, received=0) for _ in range(3)]
    for one in refused:
        budget.reserve(one)
        one.ended = "503"
    assert budget.reserved == 0
    one.answered = True  # and billed, although nobody can read it
    assert budget.reserved > 0


def test_days_only_move_forward(
    usage: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage.record(call())

    def spent_on(days: int) -> float:
        monkeypatch.setattr(budget_module, "_day_of", lambda _: TODAY + timedelta(days))
        return usage.budget.today

    assert [spent_on(day) for day in (-1, -1, 0)] == [USD] * 3
    assert not caplog.messages
    assert spent_on(-40) == USD
    assert "The clock was at" in caplog.messages[0]
    assert spent_on(-39) == 0  # and a day later it is a new one


def test_a_new_day_starts_at_nothing(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text('{"day": "2020-01-01", "usd": 9}')
    usage = Kept(tmp_path, 1.0)
    assert (usage.budget.today, usage.budget.refusal) == (0, "")
    usage.record(call())
    usage.keep()
    assert Kept(tmp_path).budget.today == USD


def test_a_day_in_the_far_future_keeps_its_sum_and_not_the_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spend.json").write_text(
        '{"day": "9999-12-31", "usd": 9, "clients": {"owner": [1, 9, 0, 0, 0]}}'
    )
    usage = Kept(tmp_path)
    budget = usage.budget
    assert (budget.today, budget.today) == (9, 9)
    assert len(caplog.messages) == 1
    budget.settle("owner", [], [Bill(0, 0, 1.0)])
    usage.keep()
    assert (budget.today, Kept(tmp_path).budget.today) == (10, 10)
    assert str(TODAY) in (tmp_path / "spend.json").read_text()


def spent(usd: str) -> str:
    """A file with this sum."""
    return f'{{"day": "{TODAY}", "usd": 1, "clients": {{"owner": [1, {usd}, 0, 0, 0]}}}}'


BROKEN = {
    "empty": "",
    "half-written": '{"day": "2026-11-2',
    "a list": "[]",
    "no sum": '{"day": 1}',
    "no clients": f'{{"day": "{TODAY}", "usd": 5}}',
    "text": spent('"y"'),
    "a NUL": "\0",
    "not a number": spent("NaN"),
    "infinite": spent("1e999"),
    "negative": spent("-5"),
    "an absurd integer": spent(f"1{'0' * 400}"),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_never_stops_the_gateway(tmp_path: Path, name: str) -> None:
    (tmp_path / "spend.json").write_text(BROKEN[name])
    usage = Kept(tmp_path, 1.0)
    assert (usage.budget.today, usage.budget.refusal) == (0, "")
    usage.record(call())
    usage.keep()
    assert Kept(tmp_path).budget.today == USD


def test_a_disk_that_is_full_never_stops_a_call(caplog: pytest.LogCaptureFixture) -> None:
    usage = Kept(Path("/proc/nowhere"))
    for _ in range(2):
        usage.record(call())
        usage.keep()
    assert caplog.text.count("can't be kept") == 1
    assert usage.budget.today == 2 * USD


def test_a_second_gateway_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    one, other = Files(tmp_path), Files(tmp_path)
    one.lock()
    with pytest.raises(SettingError, match="Another gateway runs with the key of"):
        other.lock()
    asyncio.run(one.close())
    other.lock()
    asyncio.run(other.close())


def test_without_a_budget_nothing_is_refused(usage: Recorder) -> None:
    dear = Deployment("x", "x", price=(1e6, 1e6))
    usage.record(call(attempt(counts=(1200, 12, 1212e6), deployment=dear)))
    assert usage.budget.today == 1212e6
    assert not usage.budget.refusal


def test_metrics_hold_no_more_than_the_line(usage: Recorder) -> None:
    usage.record(call())
    text = usage.exposition().decode()
    labels = 'deployment="openai/gpt-4.1-mini",kind="reply",model="vui"'
    assert (
        f"vui_first_token_seconds_bucket{{{labels.replace(',model', ',le="0.5",model')}}} 1.0"
        in text
    )
    assert f"vui_usd_total{{{labels}}} {USD}" in text
    assert 'vui_tokens_total{deployment="openai/gpt-4.1-mini",direction="in"' in text
    assert f"vui_usd_today {USD}" in text


def test_why_attempts_failed_is_said_once_in_a_second_line(
    usage: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    sick = [attempt(ended="500", reason=reason) for reason in ("500: so", "500: so", "500: no")]
    usage.record(call(*sick, attempt("anthropic/claude-haiku-4-5")))
    assert caplog.messages[1:] == [f"{GPT}: 500: so; {GPT}: 500: no"]
