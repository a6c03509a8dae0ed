"""GPT-5.4 and later by way of `/v1/responses`: the same limits, price and barge-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from tests.matrix.conversations import EVALUATE, HEARD, HELLO, tools
from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.providers.responses import GPT56Thoughts, Responses
from tests.support.harness import gateway, openai_model
from tests.support.logs import lines_of_calls
from tests.support.poll import until
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SENTENCES

MODEL = "responses/gpt-5.6-luna"
USD = 1200 * 0.20e-6 + 12 * 1.20e-6  # the stand-in's usage, at the price of gpt-5.6-luna
LIMIT = 1.0


@pytest.fixture
def provider() -> Iterator[tuple[Responses, str]]:
    stand_in = Responses()
    with serving(stand_in.app) as url:
        yield stand_in, f"{url}/v1"


async def reply(backend: LiteLLMBackend, stop_after: int | None = None) -> str:
    text: list[str] = []
    async with aclosing(backend.stream(HELLO)) as tokens:
        async for token in tokens:
            text.append(token)
            if len(text) == stop_after:
                backend.barge_in()
    return "".join(text)


async def test_a_reply_and_its_barge_in_are_billed_and_the_providers_call_ends(
    tmp_path: Path, provider: tuple[Responses, str]
) -> None:
    stand_in, base = provider
    with gateway(tmp_path, {"model_list": [openai_model(MODEL, base)]}) as up:
        backend = LiteLLMBackend(MODEL, up.url, api_key=up.key)
        assert await reply(backend) == " ".join(HEARD)
        stand_in.clear(text="More and more of it. " * 60, pace=0.02)
        await reply(backend, stop_after=2)
        await until(lambda: stand_in.seen[0].closed_at, 3, "the provider's call ends")
        await backend.aclose()
        whole, cut = await asyncio.to_thread(lines_of_calls, up, 2)
    assert stand_in.seen[0].body["store"] is False
    assert (whole["outcome"], whole["tokens_in"], whole["tokens_out"]) == ("ok", "1200", "12")
    assert float(whole["usd"]) == pytest.approx(USD, abs=1e-6)
    assert cut["outcome"] == "hung-up"
    assert 0 < float(cut["usd"].removeprefix("~")) < 100 * USD


async def test_thoughts_with_an_effort_cost_what_they_cost_anywhere(tmp_path: Path) -> None:
    stand_in = GPT56Thoughts()
    with serving(stand_in.app) as url:
        models = [openai_model("gpt-5.6-luna", f"{url}/v1")]
        with gateway(tmp_path, {"model_list": models}) as up:
            backend = LiteLLMBackend("gpt-5.6-luna", up.url, api_key=up.key, reasoning_effort="low")
            stand_in.clear(tool="add_memory", arguments='{"text": "Name is Ada"}')
            answer = await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
            await backend.aclose()
            (line,) = await asyncio.to_thread(lines_of_calls, up)
    assert [seen.path for seen in stand_in.seen] == ["/v1/responses"]
    assert stand_in.seen[0].body["store"] is False
    assert answer["tool_calls"][0]["function"]["arguments"] == {"text": "Name is Ada"}
    assert line["kind"] == "thoughts"
    assert float(line["usd"]) == pytest.approx(USD, abs=1e-6)


@pytest.mark.parametrize("fault", ["stall", "reset", "end", "error-frame"])
async def test_the_next_deployment_goes_on_where_this_one_breaks_off(
    tmp_path: Path, provider: tuple[Responses, str], fault: str
) -> None:
    stand_in, base = provider
    second = OpenAI()
    second.clear(continued="And the rest of it.")
    with serving(second.app) as url:
        first, next_one = openai_model(MODEL, base, order=1), openai_model(MODEL, url, order=2)
        next_one["litellm_params"] |= {"model": "openai/gpt-4.1", "api_base": f"{url}/v1"}
        config = {
            "model_list": [first, next_one], "router_settings": {"stream_timeout": LIMIT}
        }  # fmt: skip
        with gateway(tmp_path, config) as up:
            stand_in.clear(text="Well, so it is. And then there", fault=fault, words=5)
            backend = LiteLLMBackend(MODEL, up.url, api_key=up.key)
            said = await reply(backend)
            await backend.aclose()
    assert said.endswith("And the rest of it.")
    assert len(second.seen) == 1


async def test_alone_a_stall_ends_in_a_sentence(
    tmp_path: Path, provider: tuple[Responses, str]
) -> None:
    stand_in, base = provider
    config = {
        "model_list": [openai_model(MODEL, base)], "router_settings": {"stream_timeout": LIMIT}
    }  # fmt: skip
    with gateway(tmp_path, config) as up:
        stand_in.clear(text="Well, so it is. And then there", fault="stall", words=5)
        backend = LiteLLMBackend(MODEL, up.url, api_key=up.key)
        text: list[str] = []
        with pytest.raises(httpx.HTTPError):
            async for token in backend.stream(HELLO):
                text.append(token)
        await until(lambda: stand_in.seen[0].closed_at, 3, "the provider's call ends")
        await backend.aclose()
    assert any(sentence in "".join(text) for sentence in SENTENCES)
