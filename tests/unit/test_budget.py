"""The budget of a day."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.errors import Code
from vui_gateway.state.entries import State
from vui_gateway.turns.call import AttemptError
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.budget import LEASE, Budget
from vui_gateway.usage.recorder import Recorder

from tests.support.billing import KEEPS, PRICE, TODAY, USD, Kept, attempt, call, unpriced
from tests.support.gateways import Attempted, Gateway, Gateways, add_key, spend, together


def test_what_a_prompt_cache_saved_yesterday_is_forgotten(
    usage: Kept,
) -> None:
    usage.record(call(attempt(deployment=KEEPS, cache_counts=(1000, 0))))
    usage.day += timedelta(1)
    assert usage.budget.today == 0
    assert set(usage.budget.cache.values()) == {0}


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


def test_days_only_move_forward(usage: Kept, caplog: pytest.LogCaptureFixture) -> None:
    usage.record(call())

    def spent_on(days: int) -> float:
        usage.day = TODAY + timedelta(days)
        return usage.budget.today

    assert [spent_on(day) for day in (-1, -1, 0)] == [USD] * 3
    assert not caplog.messages
    assert spent_on(-40) == USD
    assert "The clock was set back from" in caplog.messages[0]
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


def test_without_a_budget_nothing_is_refused(usage: Recorder) -> None:
    dear = Deployment("x", "x", price=(1e6, 1e6))
    usage.record(call(attempt(counts=(1200, 12, 1212e6), deployment=dear)))
    assert usage.budget.today == 1212e6
    assert not usage.budget.refusal


@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_budget_is_exceeded_by_no_more_than_the_calls_under_way(count: int) -> None:
    price, limit = 0.002, 1.0

    @together(count, limit)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        draws = random.Random(count)
        under_way = most = 0

        async def vui(gateway: Gateway) -> None:
            nonlocal under_way, most
            while True:
                one: Any = Attempted(price)
                try:
                    gateway.budget.reserve(one)
                except AttemptError:
                    return
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(draws.uniform(0.05, 0.5))
                gateway.budget.settle("owner", [one], [Bill(10, 1, price)])
                under_way -= 1

        await asyncio.gather(*(vui(gateway) for gateway in gateways for _ in range(4)))
        await asyncio.sleep(1)
        (spent,) = lab.sums()
        assert limit - most * price <= spent <= limit + most * price


def test_a_client_has_a_budget_of_its_own_on_all_gateways_together() -> None:
    @together(2, 10.0)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        add_key(gateways[0], budget=0.5)
        await asyncio.sleep(1)
        spend(gateways[0], 0.3, "kitchen")
        under_way: Any = Attempted(0.21, "kitchen")
        gateways[0].budget.reserve(under_way)
        await asyncio.sleep(1)
        assert gateways[1].budget.nearly_spent("kitchen")
        assert not gateways[1].budget.nearly_spent("owner")
        one: Any = Attempted(0.1, "kitchen")
        with pytest.raises(
            AttemptError, match=r"kitchen is spent: 0\.30 of 0\.50.*0\.21"
        ) as caught:
            gateways[1].budget.reserve(one)
        assert caught.value.code == Code.CLIENT_BUDGET_EXCEEDED
        gateways[1].budget.reserve(Attempted(0.1))  # type: ignore[arg-type]


def test_what_a_gateway_reserved_lapses_when_it_is_gone() -> None:
    @together(1)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gone = Gateway("gone", lab.redis)
        under_way: Any = Attempted(0.4)
        with gone.running():
            gone.budget.reserve(under_way)
            await asyncio.sleep(20)
            assert gateways[0].budget.reserved == pytest.approx(0.4)
        await asyncio.sleep(LEASE + 1)
        assert gateways[0].budget.reserved == 0
