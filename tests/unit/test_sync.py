"""What gateways know together: their own code, on a clock and a Redis of the test's."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from vui_gateway.providers.blame import HOUR, Blame, Blamed
from vui_gateway.state.entries import State
from vui_gateway.state.sync import EVERY, StoreAway, Sync
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.budget import SPEND

from tests.support.clock import WallClock
from tests.support.gateways import (
    START,
    Gateway,
    Gateways,
    accepts,
    add_key,
    now,
    revoke,
    spend,
    together,
)
from tests.support.redis import FakeRedis

SICK = Deployment("sick", "openai/sick")


def test_a_cooldown_that_one_finds_holds_for_all_within_a_second_and_ends_for_all() -> None:
    @together(3)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gateways[0].cooldown.failed(SICK, Blame(Blamed.DEPLOYMENT))
        await asyncio.sleep(0.5)
        assert all("sick" in gateway.cooldown for gateway in gateways)
        gateways[2].cooldown.answered(SICK)
        await asyncio.sleep(0.5)
        assert not any("sick" in gateway.cooldown for gateway in gateways)
        gateways[1].cooldown.failed(SICK, Blame(Blamed.DEPLOYMENT))
        await asyncio.sleep(31)
        assert not any("sick" in gateway.cooldown for gateway in gateways)


def test_a_refused_key_is_left_alone_by_all_and_by_one_that_comes_later() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gateways[0].cooldown.failed(SICK, Blame(Blamed.KEY, HOUR))
        await asyncio.sleep(600)
        late = Gateway("late", lab.redis)
        with late.running():
            await asyncio.sleep(0.5)
            for gateway in (late, gateways[1]):
                assert gateway.cooldown.refused == ["sick"]
                assert dict(gateway.cooldown)["sick"] == pytest.approx(HOUR - 600, abs=2)


def test_a_clock_that_was_set_back_leaves_nobody_alone_for_hours() -> None:
    clock = [1e9]
    state = State(clock=lambda: clock[0])
    gateway = Gateway("g", FakeRedis(now))
    gateway.cooldown._state = state
    gateway.cooldown.failed(SICK, Blame(Blamed.DEPLOYMENT))
    clock[0] -= 3600
    assert "sick" not in gateway.cooldown


def test_sums_of_all_are_known_to_all_within_a_second() -> None:
    @together(3)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        for i, gateway in enumerate(gateways):
            spend(gateway, 0.1 * (i + 1), "kitchen")
            spend(gateway, 1.0)
        await asyncio.sleep(1)
        assert lab.sums() == {3.6}
        assert gateways[0].budget.today_of("kitchen") == pytest.approx(0.6)


def test_what_was_told_twice_counts_once() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        lab.redis.answers_lost = True
        for _ in range(5):
            spend(gateways[0], 0.1)
            await asyncio.sleep(1)
        lab.redis.answers_lost = False
        await asyncio.sleep(1)
        assert lab.sums() == {0.5}


def test_a_redis_that_is_away_is_said_once_and_each_goes_on_with_what_it_knows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "vui_gateway")

    @together(2, 1.0)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        key = add_key(gateways[0])
        spend(gateways[0], 0.6)
        gateways[0].cooldown.failed(SICK, Blame(Blamed.DEPLOYMENT))
        await asyncio.sleep(1)
        lab.redis.down = True
        gateways[1].cooldown.failed(Deployment("b", "b"), Blame(Blamed.DEPLOYMENT))
        spend(gateways[1], 0.3)
        await asyncio.sleep(10)
        assert caplog.text.count("Redis is away (Connection refused): the gateway continues") == 2
        assert accepts(gateways[1], key)
        assert {"sick", "b"} == set(dict(gateways[1].cooldown))
        assert [round(g.budget.today, 6) for g in gateways] == [0.6, 0.9]
        assert gateways[1].sync.away == "Connection refused"
        lab.redis.down = False
        await asyncio.sleep(1)
        assert lab.sums() == {0.9}
        assert caplog.text.count("Redis is back after 10 s.") == 2
        assert not gateways[1].sync.away


def test_a_redis_that_starts_empty_has_all_again_also_of_a_gateway_that_is_gone() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gone = Gateway("gone", lab.redis)
        with gone.running():
            spend(gone, 0.7)
            await asyncio.sleep(1)
        keys = [add_key(gateways[0], name) for name in ("kitchen", "attic")]
        await asyncio.sleep(1)
        revoke(gateways[1], "attic")
        await asyncio.sleep(1)
        lab.redis.down = True
        lab.redis.empty()
        for gateway in gateways:
            spend(gateway, 0.1)
        await asyncio.sleep(3)
        lab.redis.down = False
        await asyncio.sleep(1)
        assert lab.sums() == {0.9}
        new = Gateway("new", lab.redis)
        with new.running():
            await asyncio.sleep(0.5)
            assert new.budget.today == pytest.approx(0.9)
            assert [accepts(new, key) for key in keys] == [True, False]


def test_a_redis_that_was_emptied_between_two_exchanges_has_all_again() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        spend(gateways[0], 0.5)
        await asyncio.sleep(1)
        lab.redis.empty()
        await asyncio.sleep(1)
        assert len([name for name in lab.redis.entries if name.startswith(SPEND)]) == 1


def test_a_redis_that_starts_with_what_it_had_a_while_ago_has_all_again() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        key = add_key(gateways[0])
        await asyncio.sleep(1)
        old = lab.redis.number, copy.copy(lab.redis.entries)
        revoke(gateways[1])
        spend(gateways[1], 0.5)
        await asyncio.sleep(1)
        lab.redis.empty()
        lab.redis.number, lab.redis.entries = old
        await asyncio.sleep(1)
        new = Gateway("new", lab.redis)
        with new.running():
            await asyncio.sleep(0.5)
            assert new.budget.today == pytest.approx(0.5)
            assert not accepts(new, key)


def test_a_key_is_taken_back_everywhere_within_a_second_and_who_uses_it_is_told() -> None:
    @together(3)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        key = add_key(gateways[0])
        await asyncio.sleep(1)
        assert all(accepts(gateway, key) for gateway in gateways)
        revoke(gateways[2])
        await asyncio.sleep(0.5)
        assert not any(accepts(gateway, key) for gateway in gateways)
        assert [gateway.revoked for gateway in gateways] == [["kitchen"]] * 3
        again = add_key(gateways[1])
        await asyncio.sleep(0.5)
        assert [accepts(gateways[0], one) for one in (key, again)] == [False, True]


def test_a_gateway_that_missed_it_brings_no_revoked_key_back() -> None:
    @together(3)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        key = add_key(gateways[0])
        await asyncio.sleep(1)
        lab.lines[2].down = True
        revoke(gateways[0])
        await asyncio.sleep(1)
        # The first to reach the empty one is the one that doesn't know.
        lab.lines[0].down = lab.lines[1].down = True
        lab.redis.empty()
        lab.lines[2].down = False
        await asyncio.sleep(1)
        assert accepts(gateways[2], key)
        assert '"revoked"' not in lab.redis.entries["clients kitchen"][4]
        lab.lines[0].down = False
        await asyncio.sleep(1)
        assert not accepts(gateways[2], key)
        assert '"revoked"' in lab.redis.entries["clients kitchen"][4]


def test_a_new_gateway_knows_how_quick_a_deployment_is() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        for _ in range(30):
            gateways[0].hedge.observe("a", 1.0)
        await asyncio.sleep(1)
        assert gateways[1].hedge.delay("a") == 1.0
        assert gateways[1].hedge.delay("b") == 1.5


def test_nothing_is_told_while_nothing_happens_but_that_one_is_there() -> None:
    @together(1)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        asked, number = lab.redis.asked, lab.redis.number
        await asyncio.sleep(10)
        assert lab.redis.number == number
        assert lab.redis.asked - asked <= 10 / EVERY


def test_a_burst_of_urgent_news_is_one_exchange() -> None:
    @together(1)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        asked = lab.redis.asked
        for i in range(50):
            gateways[0].cooldown.failed(Deployment(f"d{i}", "m"), Blame(Blamed.DEPLOYMENT))
        await asyncio.sleep(0.03)
        assert lab.redis.asked - asked <= 2


class Flapping:
    """A store that is there every second time."""

    name, asked = "Redis", 0

    async def exchange(self, *_: Any) -> dict:
        self.asked += 1
        if self.asked % 2:
            raise StoreAway("busy")
        return {}


def test_a_store_that_comes_and_goes_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    clock, store = WallClock(START), Flapping()
    sync = Sync(State(clock=clock), store)  # type: ignore[arg-type]

    async def minute() -> None:
        for _ in range(60):
            await sync.exchange()
            clock.now += 0.9

    with caplog.at_level("INFO", "vui_gateway"):
        asyncio.run(minute())
        assert [r.message.split()[2] for r in caplog.records] == ["away", "back"]
        asyncio.run(minute())
    assert len(caplog.records) == 4


def test_a_store_that_stays_away_is_said_although_it_was_just_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, store = WallClock(START), Flapping()
    sync = Sync(State(clock=clock), store)  # type: ignore[arg-type]

    async def stays_away() -> None:
        await sync.exchange()
        await sync.exchange()
        caplog.clear()
        for _ in range(100):
            store.asked = 0
            await sync.exchange()
            clock.now += 1

    asyncio.run(stays_away())
    assert len(caplog.records) == 1
