"""As long as one deployment of a group is well, the listener hears an answer, whole, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.faults import FLOODS
from tests.support.faults import BROKEN, DRIBBLE, NO_WORDS, ODD, PLACES
from tests.support.fillers import marked
from tests.support.report import record, rss_mb
from tests.support.sick_and_well import CONTINUED, FIRST, SECOND, Heard, SickAndWell, allowed, ward
from vui_litellm.errors import SENTENCES

# Seconds until the first words, and without a word in mid-reply, of this gateway. Below the delay
# of a hedge.
LIMIT = 1.2
MARGIN = 1.5  # on a machine that does other things beside; the figures are in docs/reliability.md
TOTAL = 9.0
SECTION = "no-dead-air"  # of docs/reliability.md


@pytest.fixture(scope="module")
def _up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickAndWell]:
    settings = {"stream_timeout": LIMIT, "cooldown_time": 60}
    with ward(tmp_path_factory.mktemp("ward"), settings) as up:
        yield up


@pytest.fixture
def up(_up: SickAndWell) -> SickAndWell:
    """Both are well."""
    _up.fall_ill()
    return _up


def whole(heard: Heard, answers: set[str]) -> None:
    """One of these answers was heard, and nothing else; the last chunk is told to be the last."""
    assert heard.text in answers, (heard.chunks, heard.raised)
    assert heard.raised is None
    assert heard.finals == [False] * (len(heard.chunks) - 1) + [True]


async def first_is_left_alone(up: SickAndWell, group: str) -> None:
    """The next turn is the second's: the first is cooling down, and the second isn't."""
    up.fall_ill()
    whole(await up.turn(group), {" ".join(SECOND)})
    assert up.counts() == (0, 1)


async def first_is_asked_again(up: SickAndWell, group: str) -> None:
    up.fall_ill()
    whole(await up.turn(group), {" ".join(FIRST)})
    assert up.counts() == (1, 0)


def told(heard: Heard) -> str:
    """A row's figures."""
    whose = {" ".join(FIRST): "the first's answer", " ".join(SECOND): "the second's answer"}
    what = whose.get(heard.text, "both, joined" if len(heard.chunks) > 2 else "its answer")
    after = f"after {heard.at[0]:.2f} s{marked(heard.fillers)}"
    return f"{what}, {after}, never {heard.dead_air:.2f} s of silence"


# On a virtual clock a reply breaks off after any word (tests/unit/test_engine.py). Here each fault
# of a connection comes before the end of the first sentence, and after it.
WAYS = [
    name for name in BROKEN
    if name.startswith("silence ") or name.endswith(("third word", "second sentence", "last word"))
]  # fmt: skip


@pytest.mark.parametrize("name", [*NO_WORDS, *WAYS])
async def test_the_second_answers_or_goes_on(up: SickAndWell, name: str) -> None:
    sick = {**NO_WORDS, **BROKEN}[name]
    up.fall_ill(sick)
    heard = await up.turn(group := up.group())
    whole(heard, allowed())
    if sick.get("words", 0) < PLACES["after the first sentence"]:
        assert heard.text == " ".join(SECOND), "half a sentence was let out"
    assert heard.silence <= LIMIT + MARGIN
    # An empty answer may be chance, and is asked for once more.
    assert up.counts() == ((2, 1) if name in ("`stop` at once", "no choices") else (1, 1))
    if name == "`content_filter` at once":  # of this request
        await first_is_asked_again(up, group)
    else:
        await first_is_left_alone(up, group)
    record(SECTION, name, told(heard))


async def test_a_word_now_and_then_is_no_answer(up: SickAndWell) -> None:
    up.fall_ill(DRIBBLE)
    heard = await up.turn(group := up.group())
    whole(heard, {" ".join(SECOND)})
    assert heard.silence <= 2 * LIMIT + MARGIN
    await first_is_left_alone(up, group)
    record(SECTION, "a word now and then", told(heard))


async def test_a_slow_deployment_is_heard_when_no_other_is_left(up: SickAndWell) -> None:
    up.fall_ill({**DRIBBLE, "text": FIRST[1] + " " + FIRST[2]})
    heard = await up.turn(up.group("one"))
    whole(heard, {FIRST[1] + " " + FIRST[2]})
    record(SECTION, "a word now and then, no other deployment", told(heard))


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_reply_is_the_first_ones_own(up: SickAndWell, name: str) -> None:
    up.fall_ill(ODD[name])
    heard = await up.turn(group := up.group())
    whole(heard, {" ".join(FIRST)})
    assert heard.silence <= LIMIT + MARGIN
    assert up.counts() == (1, 0)
    await first_is_asked_again(up, group)
    record(SECTION, name, told(heard))


async def test_a_reply_without_a_full_stop_ends(up: SickAndWell) -> None:
    before = rss_mb(up.program.process.pid)
    up.fall_ill({"fault": "no-full-stop", "words": 0})
    heard = await up.turn(up.group())
    grown = rss_mb(up.program.process.pid) - before
    assert heard.chunks[-1] in SENTENCES
    assert heard.silence <= LIMIT + MARGIN
    assert heard.took < TOTAL
    assert len(heard.text) < 4 * 2048 * 10  # max_tokens, and ten characters for a token
    assert grown < 100
    said = f"{len(heard.text.split())} words, then the sentence, after {heard.took:.2f} s"
    record(SECTION, "10⁶ words without a full stop", said)


@pytest.mark.parametrize("fault", FLOODS)
async def test_a_flood_holds_up_nobody_else(up: SickAndWell, fault: str) -> None:
    up.fall_ill({"fault": fault, "words": 0})
    flooded = asyncio.create_task(up.turn(up.group()))
    await asyncio.sleep(0.05)
    up.fall_ill()
    heard = await up.turn(up.group())
    await flooded
    whole(heard, {" ".join(FIRST)})
    assert heard.took < LIMIT + MARGIN
    record(SECTION, f"another's turn during a flood: {fault}", told(heard))


@pytest.mark.parametrize("overlap", [False, True])
async def test_the_second_goes_on_where_the_first_broke_off(up: SickAndWell, overlap: bool) -> None:
    repeated = [FIRST[0]] if overlap else []
    continued = " ".join([*repeated, *CONTINUED])
    up.fall_ill(BROKEN["silence in the second sentence"], continued=continued)
    heard = await up.turn(up.group())
    whole(heard, {" ".join([FIRST[0], *CONTINUED])})
    messages = up.second.seen[0].body["messages"]
    assert [m["content"] for m in messages[:2]] == ["You are Vui.", "Hello"]
    assert FIRST[0] in str(messages[2:]), "it isn't told what was said"
    assert "Nobody" not in str(messages), "it is told what wasn't said"
    assert len(messages) > 3 or len(messages[2]["content"]) > len(FIRST[0]), (
        "it isn't told to go on"
    )
    name = "the continuation begins with the last sentence" if overlap else "a continuation"
    record(SECTION, name, told(heard))


async def test_when_the_continuation_fails_too_it_is_said(up: SickAndWell) -> None:
    up.fall_ill(BROKEN["reset in the second sentence"], fault=500)
    heard = await up.turn(up.group())
    assert heard.raised
    assert heard.chunks[0] == FIRST[0]
    assert heard.chunks[-1] in SENTENCES
    assert len(heard.chunks) == 2, heard.chunks
    record(SECTION, "the continuation fails too", f"the sentence, after {heard.took:.2f} s")


BOTH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "keep-alives, 500": (NO_WORDS["200 and keep-alives for ever"], {"fault": 500}),
    "500, keep-alives": ({"fault": 500}, NO_WORDS["200 and keep-alives for ever"]),
    "reset after the third word, silence after the first word": (
        BROKEN["reset after the third word"], BROKEN["silence after the first word"],
    ),
    "`<think>` never closed, `content_filter`": (
        NO_WORDS["`<think>` never closed"], NO_WORDS["`content_filter` at once"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOTH)
async def test_with_both_sick_one_sentence_comes_in_time(up: SickAndWell, name: str) -> None:
    first, second = BOTH[name]
    up.fall_ill(first, **{**second, "continued": ""})
    heard = await up.turn(group := up.group())
    assert heard.raised
    assert len(heard.chunks) == 1, heard.chunks
    assert heard.chunks[0] in SENTENCES
    assert heard.at[0] <= 2 * LIMIT + MARGIN
    assert up.counts() == (1, 1), "a retry storm"
    up.fall_ill()
    whole(await up.turn(group), {" ".join(FIRST), " ".join(SECOND)})
    record(
        SECTION, f"both: {name}", f"the sentence, after {heard.at[0]:.2f} s{marked(heard.fillers)}"
    )


# A lone deployment that thinks is waited for: tests/unit/test_patience.py.
WORDLESS = [name for name in NO_WORDS if "never closed" not in name and "reasoning" not in name]


@pytest.mark.parametrize("name", [*WORDLESS, *(n for n in BROKEN if "third word" in n)])
async def test_with_a_single_deployment_the_sentence_comes_in_time(
    up: SickAndWell, name: str
) -> None:
    up.fall_ill({**NO_WORDS, **BROKEN}[name])
    heard = await up.turn(group := up.group("one"))
    assert heard.raised
    assert len(heard.chunks) == 1, heard.chunks
    assert heard.chunks[0] in SENTENCES
    assert heard.at[0] <= LIMIT + MARGIN
    up.fall_ill()
    whole(await up.turn(group), {" ".join(FIRST)})
    record(
        SECTION, f"alone: {name}", f"the sentence, after {heard.at[0]:.2f} s{marked(heard.fillers)}"
    )
