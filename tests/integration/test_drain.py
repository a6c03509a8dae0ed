"""A gateway that is told to end, one of several: real processes, and no call lost."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, is_ready, openai_model
from tests.support.poll import until

DRAIN = {"VUI_GATEWAY_DRAIN_SECONDS": "2"}
TEXT = "One thing. And another. And one more."
CHECKED = 0.25  # seconds between two looks at a gateway's readiness
VOICES = 8


@pytest.fixture
def provider() -> OpenAI:
    stand_in = OpenAI()
    stand_in.clear(text=TEXT, pace=0.02)
    return stand_in


@pytest.fixture
def config(provider: OpenAI) -> Iterator[dict]:
    with serving(provider.app) as url:
        yield {"model_list": [openai_model("m", f"{url}/v1")]}


@pytest.fixture
def draining(config: dict, tmp_path: Path) -> Iterator[Program]:
    with gateway(tmp_path / "draining", config, DRAIN) as one:
        yield one


async def call(client: httpx.AsyncClient, at: Program) -> httpx.Response:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    key = {"Authorization": f"Bearer {at.key}"}
    return await client.post(f"{at.url}/v1/chat/completions", json=body, headers=key)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as one:
        yield one


async def test_it_is_unready_at_once_and_takes_calls_until_it_has_drained(
    draining: Program, provider: OpenAI, client: httpx.AsyncClient
) -> None:
    assert "connection" not in (await call(client, draining)).headers
    provider.clear(text=TEXT * 10, pace=0.04)  # a reply that outlasts the drain
    last = asyncio.create_task(call(client, draining))
    await until(lambda: provider.seen, 5, "a reply is under way")
    provider.script = OpenAI().script
    draining.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    while (await client.get(f"{draining.url}/health/readiness")).status_code != 503:
        assert time.monotonic() - told < 1
    assert (await client.get(f"{draining.url}/health/liveliness")).status_code == 200
    await asyncio.sleep(0.2)  # uvicorn's tick
    for _ in range(5):
        answer = await call(client, draining)
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        assert "[DONE]" in answer.text
    assert time.monotonic() - told < 2
    await asyncio.sleep(told + 2.5 - time.monotonic())
    assert not last.done()
    with pytest.raises(httpx.ConnectError):
        await call(client, draining)
    assert "[DONE]" in (await last).text
    assert await asyncio.to_thread(draining.process.wait, 10) == 0


async def test_no_call_is_lost_by_clients_that_look_at_the_readiness(
    draining: Program, config: dict, tmp_path: Path
) -> None:
    with gateway(tmp_path / "staying", config) as staying:
        chosen, over = draining, False
        answers: list[tuple[Program, httpx.Response]] = []

        async def look() -> None:
            nonlocal chosen
            while not over:
                chosen = draining if await asyncio.to_thread(is_ready, draining.url) else staying
                await asyncio.sleep(CHECKED)

        async def talk() -> None:
            async with httpx.AsyncClient(timeout=20) as own:  # its connections are used again
                while not over:
                    at = chosen
                    answers.append((at, await call(own, at)))

        tasks = [asyncio.create_task(one) for one in [look(), *(talk() for _ in range(VOICES))]]
        await until(lambda: len(answers) > 2 * VOICES, 20, "they talk")
        before = len(answers)
        draining.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(draining.process.wait, 30) == 0
        await asyncio.sleep(0.5)
        over = True
        await asyncio.gather(*tasks)
    assert len(answers) > before + VOICES
    assert {at.url for at, _ in answers[-VOICES:]} == {staying.url}
    assert all(answer.status_code == 200 and "[DONE]" in answer.text for _, answer in answers)


def test_alone_it_ends_as_soon_as_its_replies_have(config: dict, tmp_path: Path) -> None:
    with gateway(tmp_path, config) as alone:
        assert http(f"{alone.url}/health/readiness")[0] == 200
        began = time.monotonic()
        assert alone.stop() == 0
        assert time.monotonic() - began < 2
