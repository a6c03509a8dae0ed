"""What gateways know together: their own code, on a clock and a Redis of the test's."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from vui_gateway.errors import Code
from vui_gateway.keys.clients import Client
from vui_gateway.keys.owner import new_key
from vui_gateway.state.entries import State
from vui_gateway.state.sync import EVERY
from vui_gateway.turns.call import AttemptError, Deployment
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.budget import LEASE, SPEND

from tests.support.clock import run_virtual
from tests.support.gateways import Attempted, Gateway, now
from tests.support.redis import FakeRedis, Line

SICK = Deployment("sick", "openai/sick")


class Gateways:
    """So many gateways and their Redis, which answers after 1 to 20 ms."""

    def __init__(self, count: int, limit: float | None = None) -> None:
        draws = random.Random(14)
        self.redis = FakeRedis(now, lambda: draws.uniform(0.0005, 0.01))
        self.lines = [Line(self.redis) for _ in range(count)]
        self.all = [Gateway(f"g{i}", line, limit) for i, line in enumerate(self.lines)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[list[Gateway]]:
        with ExitStack() as stack:
            for gateway in self.all:
                stack.enter_context(gateway.running())
            await asyncio.sleep(1)
            yield self.all

    def sums(self) -> set[float]:
        """What each of them says was spent today."""
        return {round(gateway.budget.today, 6) for gateway in self.all}


def together(count: int, limit: float | None = None) -> Callable[..., None]:
    """A test beside running gateways, in virtual time."""

    def of(test: Callable[[Gateways, list[Gateway]], Awaitable[None]]) -> None:
        async def run() -> None:
            lab = Gateways(count, limit)
            async with lab.running() as gateways:
                await test(lab, gateways)

        run_virtual(run())

    return of


def spend(gateway: Gateway, usd: float, client: str = "owner") -> None:
    gateway.budget.settle(client, [], [Bill(10, 1, usd)])


def add_key(gateway: Gateway, name: str = "kitchen", **limits: Any) -> str:
    key, digest = new_key()
    value = Client(name=name, digest=digest, **limits).value()
    gateway.state.put("clients", name, value, gateway.state.rank("clients", name) + 1)
    return key


def revoke(gateway: Gateway, name: str = "kitchen") -> None:
    value = {**gateway.state.get("clients", name), "revoked": now()}
    gateway.state.put("clients", name, value, gateway.state.rank("clients", name) + 1)


def accepts(gateway: Gateway, key: str) -> bool:
    client = gateway.keys.find(f"Bearer {key}")
    return bool(client and not client.revoked)


def test_a_cooldown_that_one_finds_holds_for_all_within_a_second_and_ends_for_all() -> None:
    @together(3)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gateways[0].cooldown.failed(SICK, 503)
        await asyncio.sleep(0.5)
        assert all("sick" in gateway.cooldown for gateway in gateways)
        gateways[2].cooldown.answered(SICK)
        await asyncio.sleep(0.5)
        assert not any("sick" in gateway.cooldown for gateway in gateways)
        gateways[1].cooldown.failed(SICK, 500)
        await asyncio.sleep(31)
        assert not any("sick" in gateway.cooldown for gateway in gateways)


def test_a_refused_key_is_left_alone_by_all_and_by_one_that_comes_later() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        gateways[0].cooldown.failed(SICK, 401)
        await asyncio.sleep(600)
        late = Gateway("late", lab.redis)
        with late.running():
            await asyncio.sleep(0.5)
            assert dict(late.cooldown) == dict(gateways[1].cooldown) == {"sick": float("inf")}


def test_a_clock_that_was_set_back_leaves_nobody_alone_for_hours() -> None:
    clock = [1e9]
    state = State(clock=lambda: clock[0])
    gateway = Gateway("g", FakeRedis(now))
    gateway.cooldown._state = state
    gateway.cooldown.failed(SICK, 503)
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
        gateways[0].cooldown.failed(SICK, 503)
        await asyncio.sleep(1)
        lab.redis.down = True
        gateways[1].cooldown.failed(Deployment("b", "b"), 503)
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


def test_a_new_gateway_knows_how_quick_a_deployment_is() -> None:
    @together(2)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        for _ in range(30):
            gateways[0].hedge.observe("a", 1.0)
        await asyncio.sleep(1)
        assert gateways[1].hedge.delay("a") == 1.0
        assert gateways[1].hedge.delay("b") == 1.5


def test_what_somebody_else_wrote_into_redis_is_nobodys() -> None:
    junk = ["", "x", "1 0", "x 0 1", "nan 0 {}", "inf 0 [1]", "9 0 {", "9 0 " + "[" * 10_000]

    @together(1)
    async def _(lab: Gateways, gateways: list[Gateway]) -> None:
        subjects = ("spend 2026-11-25/g/k", "spend x", "clients k", "cooling a", "reserved g",
                    "first-words a", "unknown", "")  # fmt: skip
        entries: dict[str, str] = {f"{s}{i}": text for s in subjects for i, text in enumerate(junk)}
        values = ["null", "1e999", "-1", '{"usd": "x"}', f"[{10**400}, 0, 0, 0]", '"x"', "[[]]"]
        entries |= {f"{s}v{i}": f"9 0 {text}" for s in subjects for i, text in enumerate(values)}
        kept = iter(entries.items())

        async def answer(*_: Any) -> Any:
            return ["e", "1", f"{now()}", [text for pair in kept for text in pair]]

        lab.lines[0].redis = answer
        await asyncio.sleep(1)
        gateway = gateways[0]
        assert (gateway.budget.today, gateway.budget.reserved, gateway.keys.clients) == (0, 0, [])
        assert "av1" not in gateway.cooldown
        assert gateway.hedge.delay("a") == 1.5
        spend(gateway, 0.1)
        assert gateway.budget.today == pytest.approx(0.1)


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
            gateways[0].cooldown.failed(Deployment(f"d{i}", "m"), 503)
        await asyncio.sleep(0.03)
        assert lab.redis.asked - asked <= 2
