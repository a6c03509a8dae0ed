"""A server at home: a real llama.cpp server behind a real gateway, with vui's own backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from vui.serving.stream import prompts

from tests.conftest import require
from tests.matrix.conversations import STOPS, tools
from tests.support import llama
from tests.support.fillers import without_fillers
from tests.support.harness import Program, free_port, gateway
from tests.support.llama import LlamaServer, NotInstalled, llama_server
from tests.support.poll import until
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import LOADING, SERVER_AWAY, spoken_message

REPLY = "Oh, good question. The moon pulls at the sea."
SOUL = prompts.build_soul(with_claude=False)
CONTEXT = 16_384  # of each of the two slots


@dataclass
class Home:
    """A model at home, the gateway in front of it, and vui's backend."""

    gguf: Path
    folder: Path
    server: LlamaServer
    endless: LlamaServer
    program: Program

    def backend(self, model: str = "vui") -> LiteLLMBackend:
        return LiteLLMBackend(model, self.program.url, api_key=self.program.key)


def _entry(name: str, server: str, **params: Any) -> dict:
    own = {"model": "openai/tiny", "api_base": f"{server}/v1", **params}
    return {"model_name": name, "litellm_params": own}


@pytest.fixture(scope="module")
def gguf() -> Path:
    try:
        return llama.model(SOUL)
    except NotInstalled as error:
        require(False, f"a llama.cpp server ({error})")
        raise


@pytest.fixture(scope="module")
def later() -> int:
    """The port of a server that isn't there yet."""
    return free_port()


@pytest.fixture(scope="module")
def home(gguf: Path, later: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    grammar = llama.says(f" {REPLY}")
    endless = llama.says(" And so on and on.", times="{200}")
    size = ("-c", f"{2 * CONTEXT}", "-np", "2")
    with (
        llama_server(folder, gguf, *size, "--jinja", grammar=grammar) as server,
        llama_server(folder / "endless", gguf, "-c", "8192", "-np", "1", grammar=endless) as long,
        llama_server(folder / "small", gguf, "-c", "4096", "-np", "1", grammar=grammar) as small,
    ):
        config = {
            "model_list": [
                _entry("vui", server.url),
                _entry("endless", long.url),
                _entry("small", small.url),
                _entry("later", f"http://127.0.0.1:{later}"),
            ]
        }
        with gateway(folder / "gateway", config, own_servers=True) as program:
            yield Home(gguf, folder, server, long, program)


@pytest.fixture
async def vui(home: Home) -> AsyncIterator[LiteLLMBackend]:
    backend = home.backend()
    yield backend
    await backend.aclose()


def talk(*turns: str) -> list[dict]:
    """A conversation with vui's own prompt; the user begins."""
    roles = ("user", "assistant")
    said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]
    return [{"role": "system", "content": SOUL}, *said]


async def reply(backend: LiteLLMBackend, *turns: str, **options: Any) -> str:
    async with aclosing(backend.stream(talk(*turns), **options)) as tokens:
        return without_fillers("".join([token async for token in tokens]).strip())


async def error_of(backend: LiteLLMBackend, *turns: str) -> httpx.HTTPError:
    backend.speak_errors = False
    with pytest.raises(httpx.HTTPError) as raised:
        await reply(backend, *turns)
    return raised.value


async def test_a_reply_is_whole(vui: LiteLLMBackend) -> None:
    assert await reply(vui, "Why are there tides?") == REPLY


async def test_ten_stops_hold(vui: LiteLLMBackend) -> None:
    assert await reply(vui, "Why?", stop=[*STOPS[:9], " The moon"]) == "Oh, good question."


async def test_the_second_turn_reads_its_prompt_from_the_servers_cache(
    vui: LiteLLMBackend, home: Home
) -> None:
    await reply(vui, "Why are there tides?")
    await reply(vui, "Why are there tides?", REPLY, "And then?")
    line = [line for line in home.program.log.splitlines() if "reply model=vui" in line][-1]
    counts = dict(part.split("=") for part in line.split() if "=" in part)
    assert int(counts["tokens_in"]) > 4000
    assert int(counts["tokens_cached"]) > 0.95 * int(counts["tokens_in"])


async def test_what_vui_prepares_is_read_once_and_the_first_turn_finds_it(
    vui: LiteLLMBackend, home: Home
) -> None:
    own = "An own beginning. " + SOUL
    calls = home.program.log.count(" model=vui ")
    before = home.server.requests
    await vui.prefill([{"role": "system", "content": own}])
    assert home.server.requests == before + 1
    assert home.program.log.count(" model=vui ") == calls  # no turn
    stats: dict = {}
    messages = [{"role": "system", "content": own}, {"role": "user", "content": "Why?"}]
    async with aclosing(vui.stream(messages, stats=stats)) as tokens:
        said = "".join([token async for token in tokens]).strip()
    assert without_fillers(said) == REPLY
    assert home.server.requests == before + 2
    line = [line for line in home.program.log.splitlines() if "reply model=vui" in line][-1]
    assert int(line.split("tokens_cached=")[1].split()[0]) > 4000


async def test_thoughts_take_tools_and_call_none(vui: LiteLLMBackend) -> None:
    answer = await vui.complete(talk("Why?"), tools=tools())
    assert answer["content"].strip() == REPLY
    assert not answer["tool_calls"]


async def test_a_turn_is_two_requests_and_no_hedge_beside_them(
    vui: LiteLLMBackend, home: Home
) -> None:
    before = home.server.requests
    await reply(vui, "Why?")
    await vui.complete(talk("Why?"), tools=tools())
    assert home.server.requests == before + 2


async def test_a_barge_in_frees_the_servers_slot(home: Home) -> None:
    backend, long = home.backend("endless"), home.endless
    try:
        async with aclosing(backend.stream(talk("Go on."), max_tokens=3000)) as tokens:
            await anext(tokens)
            assert long.busy == 1
            backend.barge_in()
            began = time.monotonic()
            assert not [token async for token in tokens]
        await until(lambda: long.busy == 0, 5, "a slot that is free")
        assert time.monotonic() - began < 2
    finally:
        await backend.aclose()


async def test_vuis_preparation_makes_way_for_the_turn(home: Home) -> None:
    backend, long = home.backend("endless"), home.endless
    try:
        before = long.requests
        # Two prompts of which neither begins as the other, and a turn at once.
        many = [{"role": "system", "content": f"{n} {SOUL}"} for n in range(3)]
        preparing = [asyncio.create_task(backend.prefill([one])) for one in many]
        await asyncio.sleep(0.05)
        assert (await reply(backend, "Go on.", max_tokens=8)).startswith("And so")
        await asyncio.gather(*preparing)
        assert long.requests - before <= 2  # one that had begun, and the turn
    finally:
        await backend.aclose()


async def test_a_context_too_small_is_called_that_with_the_tokens_that_vui_needs(
    home: Home,
) -> None:
    backend = home.backend("small")
    try:
        error = await error_of(backend, "Why are there tides?")
    finally:
        await backend.aclose()
    assert error.code == "context_too_small"  # type: ignore[attr-defined]
    assert "4096" in str(error)
    assert "8192" in str(error)
    assert "8192 tokens" in spoken_message(error)


async def test_a_conversation_that_has_grown_too_long_is_called_that(vui: LiteLLMBackend) -> None:
    error = await error_of(vui, "Why? " * 12_000)
    assert error.code == "context_window_exceeded"  # type: ignore[attr-defined]


async def test_a_server_that_isnt_there_fails_at_once_with_its_address(home: Home) -> None:
    backend = home.backend("later")
    began = time.monotonic()
    try:
        error = await error_of(backend, "Why?")
    finally:
        await backend.aclose()
    assert time.monotonic() - began < 3
    assert error.code == "server_unreachable"  # type: ignore[attr-defined]
    assert "Nothing answers at http://127.0.0.1:" in str(error)
    assert spoken_message(error) == SERVER_AWAY


async def test_a_server_that_loads_is_waited_for_and_one_that_was_killed_comes_back(
    home: Home, later: int
) -> None:
    backend = home.backend("later")
    try:
        for _ in range(2):  # started, killed, and started again
            with llama_server(
                home.folder, home.gguf, "-c", "8192", "-np", "1",
                grammar=llama.says(f" {REPLY}"), port=later,
            ) as server:  # fmt: skip
                assert await reply(backend, "Why?") == REPLY
                server.process.kill()
                server.process.wait()
            error = await error_of(backend, "Why?")
            assert spoken_message(error) in (SERVER_AWAY, LOADING)
    finally:
        await backend.aclose()
