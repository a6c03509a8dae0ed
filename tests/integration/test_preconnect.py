"""The line to the provider is open before the turn, and nothing is billed for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.matrix.arms import stand_ins
from tests.matrix.conversations import TEXT_CHAT as HELLO
from tests.matrix.families import AT_HOME, FAMILIES, Family
from tests.providers.base import StandIn, serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, openai_model
from tests.support.poll import until
from vui_litellm import LiteLLMBackend

Lines = tuple[Program, dict[str, StandIn]]
THE_FIRST = FAMILIES[0]
KEYS = {"authorization", "x-api-key", "x-goog-api-key", "api-key"}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """A gateway that has opened no line yet, in front of one stand-in for each family."""
    with stand_ins() as (running, models):
        # Else the first of them is vui, to which the start opens a line.
        mocked = openai_model("vui", "http://127.0.0.1:9", mock_response="Hi.")
        config = {"model_list": [mocked, *models], "litellm_settings": {"drop_params": True}}
        with gateway(tmp_path_factory.mktemp("lines"), config) as started:
            yield started, running


@asynccontextmanager
async def talking(lines: Lines, family: Family) -> AsyncIterator[tuple[LiteLLMBackend, StandIn]]:
    stand_in = lines[1][family.name]
    stand_in.clear()
    backend = LiteLLMBackend(family.name, lines[0].url, api_key=lines[0].key)
    try:
        yield backend, stand_in
    finally:
        await backend.aclose()


async def whole(backend: LiteLLMBackend) -> None:
    """One turn."""
    async with aclosing(backend.stream(HELLO)) as tokens:
        assert [token async for token in tokens]


async def knocked(stand_in: StandIn, times: int = 1) -> None:
    await until(lambda: len(stand_in.knocks) >= times, 10, f"{times} requests that open a line")
    await asyncio.sleep(0.05)  # its answer is on the way


# A server at home is sent the prompt itself: test_own_servers.py.
ELSEWHERE = [f for f in FAMILIES if f.provider not in ("Azure", "Bedrock", *AT_HOME)]


@pytest.mark.parametrize("family", ELSEWHERE, ids=lambda f: f.name)
async def test_a_turn_takes_the_connection_that_prefill_opened(
    lines: Lines, family: Family
) -> None:
    async with talking(lines, family) as (backend, stand_in):
        for _ in range(5):
            await backend.prefill(HELLO)
        await knocked(stand_in)
        assert not stand_in.seen  # nothing that could be billed
        await whole(backend)
        assert [len(stand_in.knocks), len(stand_in.seen)] == [1, 1]
        knock, turn = stand_in.knocks[0], stand_in.seen[0]
        assert knock.connection == turn.connection
        assert not KEYS & set(knock.headers)
        assert not knock.body


# A family that learns by a refused request sends one request more.
@pytest.mark.parametrize("family", [f for f in FAMILIES if not f.learned], ids=lambda f: f.name)
async def test_the_next_turn_takes_the_connection_of_the_last(lines: Lines, family: Family) -> None:
    async with talking(lines, family) as (backend, stand_in):
        await whole(backend)
        await whole(backend)
        first, second = stand_in.seen
        assert first.connection == second.connection


async def test_a_barge_in_throws_a_connection_away_and_the_next_is_open_before_the_turn(
    lines: Lines,
) -> None:
    async with talking(lines, THE_FIRST) as (backend, stand_in):
        await asyncio.sleep(3)  # the line has been opened a moment ago
        stand_in.clear(pace=0.05)
        async with aclosing(backend.stream(HELLO)) as tokens:
            async for _ in tokens:
                backend.barge_in()
        await knocked(stand_in)
        stand_in.script = type(stand_in.script)()
        await whole(backend)
        broken, after = stand_in.seen
        assert broken.connection != after.connection
        assert stand_in.knocks[0].connection == after.connection


async def test_no_provider_is_asked_more_than_once_in_three_seconds(lines: Lines) -> None:
    async with talking(lines, THE_FIRST) as (backend, stand_in):
        stand_in.clear(pace=0.05)
        began = time.monotonic()
        while time.monotonic() - began < 4:
            async with aclosing(backend.stream(HELLO)) as tokens:
                async for _ in tokens:
                    backend.barge_in()
            await backend.prefill(HELLO)
        assert 1 <= len(stand_in.knocks) <= 2
        gaps = [b.at - a.at for a, b in zip(stand_in.knocks, stand_in.knocks[1:], strict=False)]
        assert all(gap >= 2.9 for gap in gaps)


async def test_a_provider_that_is_away_is_nobodys_concern_until_the_turn(
    lines: Lines, tmp_path
) -> None:
    with gateway(tmp_path, {"model_list": [openai_model("away", "http://127.0.0.1:9/v1")]}) as up:
        backend = LiteLLMBackend("away", up.url, api_key=up.key)
        began = time.monotonic()
        await backend.prefill(HELLO)
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.5)
        assert "rror" not in up.log.split("Ready at")[1]
        await backend.aclose()


async def test_one_setting_turns_it_off(tmp_path) -> None:
    off, name = {"VUI_LITELLM_PRECONNECT": "0"}, THE_FIRST.name
    with (
        serving((stand_in := OpenAI()).app) as url,
        gateway(tmp_path, {"model_list": [openai_model(name, f"{url}/v1")]}, off) as up,
    ):
        async with talking((up, {name: stand_in}), THE_FIRST) as (backend, _):
            await backend.prefill(HELLO)
            await whole(backend)
            await asyncio.sleep(0.3)
            assert not stand_in.knocks
