"""What of Redis is believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from vui_gateway.state.entries import Entry
from vui_gateway.state.redis import RedisStore
from vui_gateway.state.sync import StoreAway

from tests.support.clock import WallClock
from tests.support.gateways import START, Gateway, Gateways, now, spend, together


def exchanged(answer: Any) -> dict:
    async def script(*_: Any) -> Any:
        return answer

    script.close = None  # type: ignore[attr-defined]
    store = RedisStore(script, WallClock(START))  # type: ignore[arg-type]
    return dict(asyncio.run(store.exchange({}, dict)))


@pytest.mark.parametrize(
    "answer", [None, 7, "OK", [], ["e", "1", "now", []], ["e", "1", "5", ["odd"]],
               ["e", "1", "5", [1, 2]], ["e", "1", "5", None]]
)  # fmt: skip
def test_an_answer_that_is_none_is_a_redis_that_is_away(answer: Any) -> None:
    with pytest.raises(StoreAway):
        exchanged(answer)


@pytest.mark.parametrize("rank", ["1e308", "-1", "4294967296"])
def test_a_rank_that_nothing_could_follow_is_nobodys(rank: str) -> None:
    good = {("cooling", "b"): Entry(5.0, None)}
    entries = ["cooling a", f"{rank} 0 null", "cooling b", "5 0 null"]
    assert exchanged(["e", "1", "5", entries]) == good


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
