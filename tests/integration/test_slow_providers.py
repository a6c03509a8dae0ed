"""Slow, not sick: hedges, hang-ups, thoughts, and what a deployment isn't to blame for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.test_no_dead_air import (
    LIMIT,
    MARGIN,
    SECTION,
    first_is_asked_again,
    first_is_left_alone,
    told,
    whole,
)
from tests.matrix.conversations import TEXT_CHAT
from tests.support.faults import HTML, MOVED, completion
from tests.support.fillers import marked
from tests.support.poll import until
from tests.support.report import record
from tests.support.sick_and_well import CONTINUED, FIRST, SECOND, SickAndWell, ward
from vui_litellm.errors import SENTENCES

HEDGE = 1.5  # seconds until a second deployment is asked, as long as the first is unknown
THOUGHTS = 8.0  # seconds for one attempt of a call that isn't streamed
SLOW, SLOWER = 2.3, 3.2  # seconds until the first word, less than the limit of 4 s


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickAndWell]:
    settings = {"stream_timeout": LIMIT, "cooldown_time": 60}
    with ward(tmp_path_factory.mktemp("quick"), settings, thinks=True) as up:
        yield up


@pytest.fixture(scope="module")
def hedged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickAndWell]:
    with ward(tmp_path_factory.mktemp("hedged"), {"cooldown_time": 60}) as up:
        yield up


@pytest.fixture(scope="module")
def unhedged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickAndWell]:
    env = {"VUI_LITELLM_HEDGE": "0"}
    with ward(tmp_path_factory.mktemp("unhedged"), {"cooldown_time": 60}, env) as up:
        yield up


async def test_a_slow_first_is_overtaken_and_not_taken_for_sick(hedged: SickAndWell) -> None:
    hedged.fall_ill({"delay": SLOWER})
    heard = await hedged.turn(group := hedged.group())
    whole(heard, {" ".join(SECOND)})
    assert HEDGE <= heard.at[0] <= HEDGE + MARGIN
    assert hedged.counts() == (1, 1)
    await until(lambda: hedged.first.seen[0].closed_at, 1, "the loser's call is ended")
    record(SECTION, "the first is slow, hedge on", told(heard))
    await first_is_asked_again(hedged, group)


async def test_both_slow_the_sooner_one_is_heard_to_its_end(hedged: SickAndWell) -> None:
    hedged.fall_ill({"delay": SLOW}, delay=SLOWER)
    heard = await hedged.turn(group := hedged.group())
    whole(heard, {" ".join(FIRST)})
    assert heard.at[0] <= SLOW + MARGIN
    assert hedged.counts() == (1, 1)
    record(SECTION, "both are slow, hedge on", told(heard))
    await first_is_asked_again(hedged, group)


async def test_without_hedges_the_first_is_waited_for(unhedged: SickAndWell) -> None:
    unhedged.fall_ill({"delay": SLOW}, delay=SLOW)
    heard = await unhedged.turn(group := unhedged.group())
    whole(heard, {" ".join(FIRST)})
    assert heard.at[0] <= SLOW + MARGIN
    assert unhedged.counts() == (1, 0)
    await first_is_asked_again(unhedged, group)
    record(SECTION, "both are slow, hedge off", told(heard))


async def test_both_hang_and_the_sentence_comes_within_nine_seconds(hedged: SickAndWell) -> None:
    hedged.fall_ill({"delay": 60}, delay=60)
    heard = await hedged.turn(hedged.group())
    assert heard.raised
    assert len(heard.chunks) == 1
    assert heard.chunks[0] in SENTENCES
    assert heard.at[0] <= 9 + MARGIN
    # A hedge, as long as there is one left, makes it 5.5 s instead of 8.
    due = [at for at in (2.5, 6.5) if at < heard.at[0]]
    assert [round(at * 2) / 2 for _, at in heard.fillers] == due
    said = f"the sentence, after {heard.at[0]:.2f} s{marked(heard.fillers)}"
    record(SECTION, "both hang, limits as installed", said)


async def test_between_a_stall_and_a_late_continuation_a_sentence_is_heard_that_no_model_gets_back(
    hedged: SickAndWell,
) -> None:
    stall = {"fault": "stall", "text": " ".join(["Oh.", *FIRST]), "words": 3}
    for delay in (0.0, SLOW):  # the first reply of a process that breaks off takes a second longer
        hedged.fall_ill(stall, delay=delay)
        heard = await hedged.turn(group := hedged.group())
    whole(heard, {" ".join(["Oh.", *CONTINUED])})
    ((filler, at),) = heard.fillers
    assert heard.at[0] < at < heard.at[1]
    assert heard.dead_air <= 3 + MARGIN / 3
    assert filler not in str(hedged.second.seen[0].body)
    record(SECTION, "a stall after one word, the second is slow, limits as installed", told(heard))
    hedged.fall_ill()
    kept = [
        {"role": "assistant", "content": " ".join(["Oh.", filler, *CONTINUED])},
        {"role": "user", "content": "Go on."},
    ]
    await hedged.turn(group, [*TEXT_CHAT, *kept])
    assert hedged.second.seen[0].body["messages"][-2]["content"] == " ".join(["Oh.", *CONTINUED])


# ---- who is to blame


@pytest.mark.parametrize("late", [True, False])
async def test_a_hang_up_counts_after_the_limit_only(quick: SickAndWell, late: bool) -> None:
    quick.fall_ill({"delay": 60}, delay=60)
    group = quick.group()
    turn = asyncio.create_task(quick.turn(group))
    await asyncio.sleep(LIMIT + 0.3 if late else 0.3)
    quick.barge_in()
    heard = await turn
    assert heard.chunks == []
    assert heard.took < LIMIT + 0.3 + MARGIN
    await asyncio.sleep(0.1)
    await (first_is_left_alone if late else first_is_asked_again)(quick, group)


async def test_a_refused_request_cools_nobody(quick: SickAndWell) -> None:
    quick.fall_ill({"fault": 400}, fault=400)
    heard = await quick.turn(group := quick.group())
    assert len(heard.chunks) == 1
    assert heard.chunks[0] in SENTENCES
    await first_is_asked_again(quick, group)


async def test_a_takeover_leaves_the_healthy_one_alone(quick: SickAndWell) -> None:
    """A role delta and then an error: the next one's whole reply, and no false apology."""
    quick.fall_ill({"fault": "error-frame", "words": 0})
    whole(await quick.turn(group := quick.group()), {" ".join(SECOND)})
    await first_is_left_alone(quick, group)


async def test_thinking_that_was_asked_for_is_waited_for(
    quick: SickAndWell, monkeypatch: pytest.MonkeyPatch
) -> None:
    thoughts = "Well, " * 30
    quick.fall_ill({"reasoning": thoughts, "pace": 0.05})
    monkeypatch.setattr(quick.first, "thinks", lambda _: True)
    heard = await quick.turn("thinks")
    assert heard.text == " ".join(FIRST), (heard.chunks, heard.raised)
    assert heard.at[0] > LIMIT + MARGIN
    assert quick.counts() == (1, 0)
    record(SECTION, "reasoning for 1.5 s, asked for", told(heard))


# ---- thoughts, which aren't streamed

THOUGHTLESS: dict[str, tuple[dict[str, Any], float]] = {
    "500": ({"fault": 500}, MARGIN),
    "an empty message": ({"fault": 200, "fault_body": completion("")}, MARGIN),
    "HTML": ({"fault": 200, **HTML}, MARGIN),
    "302": (MOVED, MARGIN),
    "no answer at all": ({"delay": 60}, THOUGHTS + MARGIN),
}

# That says nothing of how it replies.
SLOW_AT_TOOLS = ("an empty message", "no answer at all")


@pytest.mark.parametrize("name", THOUGHTLESS)
async def test_thoughts_go_to_the_second(quick: SickAndWell, name: str) -> None:
    sick, within = THOUGHTLESS[name]
    quick.fall_ill(sick)
    answer, took = await quick.thoughts(group := quick.group())
    assert answer
    assert answer["tool_calls"][0]["function"]["arguments"] in ({"by": 2}, '{"by": 2}')
    assert took <= within
    assert quick.counts() == (1, 1)
    record(SECTION, f"thoughts: {name}", f"the second's tool call, after {took:.2f} s")
    if name not in SLOW_AT_TOOLS:
        await first_is_left_alone(quick, group)
