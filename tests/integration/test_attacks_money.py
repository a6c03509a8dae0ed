"""Attacks on the purse: budgets, clocks, and usage that a provider makes up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.providers.base import serving
from tests.providers.openai import USAGE, OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.logs import lines_of_calls
from tests.support.poll import until, wait_until
from tests.support.report import attack

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello there, how are you today?"}]
MINI = "gpt-4.1-mini"


@pytest.fixture
def provider() -> Iterator[tuple[OpenAI, str]]:
    stand_in = OpenAI()
    with serving(stand_in.app) as url:
        yield stand_in, f"{url}/v1"


PROMPT = [{"role": "user", "content": "word " * 960}]  # as many tokens as the stand-in bills
HUGE = 10**400
# What a provider may say of a call: its usage, and fields beside it.
TOLD: dict[str, tuple[Any, dict]] = {
    "no usage": (..., {}),
    "null": (None, {}),
    "negative": ({**USAGE, "prompt_tokens": -5_000_000, "completion_tokens": -7}, {}),
    "an absurd input": ({**USAGE, "prompt_tokens": HUGE}, {}),
    "an absurd output": ({**USAGE, "completion_tokens": HUGE}, {}),
    "a float": ({**USAGE, "prompt_tokens": 1e300}, {}),
    "not a number": ({**USAGE, "prompt_tokens": float("nan")}, {}),
    "text": ({**USAGE, "prompt_tokens": "many"}, {}),
    "cached below zero": ({**USAGE, "prompt_tokens_details": {"cached_tokens": -(10**9)}}, {}),
    "absurd thoughts": ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 10**9}}, {}),
    "a million dollars": ({**USAGE, "cost": 1e6}, {}),
    "a dearer model": (USAGE, {"model": "o1-pro"}),
}


def told(usage: Any, extra: dict, *, stream: bool) -> tuple[bytes, dict[str, str]]:
    """An answer of OpenAI's with this usage, which JSON libraries wouldn't write."""
    usage = {} if usage is ... else {"usage": usage}
    kind = {"content-type": "text/event-stream" if stream else "application/json"}
    base = {"id": "chatcmpl-1", "created": 1, "model": MINI, **extra}
    if not stream:
        message = {"role": "assistant", "content": "I am fine. You?"}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        answer = {**base, "object": "chat.completion", "choices": [choice], **usage}
        return json.dumps(answer).encode(), kind
    base["object"] = "chat.completion.chunk"
    said: list[dict] = [{"delta": {"role": "assistant", "content": "I am fine. You?"}}]
    said.append({"delta": {}, "finish_reason": "stop"})
    frames = [{**base, "choices": [{"index": 0, "finish_reason": None, **one}]} for one in said]
    frames += [{**base, "choices": [], **usage}] * bool(usage)
    events = [*map(json.dumps, frames), "[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events).encode(), kind


async def test_calls_side_by_side_exceed_the_budget_by_no_more_than_one(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    stand_in.clear(delay=1)
    price = {"input_cost_per_token": 0.19 / 1200, "output_cost_per_token": 0.01 / 12}
    body = {"model": MINI, "messages": PROMPT, "max_tokens": 12}
    with gateway(
        tmp_path,
        {"model_list": [openai_model(MINI, base, **price)]},
        {"VUI_LITELLM_BUDGET": "0.10", "VUI_LITELLM_HEDGE": "0"},
    ) as up:
        headers = {"Authorization": f"Bearer {up.key}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=30, headers=headers, limits=limits) as client:
            answers = await asyncio.gather(
                *(client.post(up.url + CHAT, json=body) for _ in range(32))
            )
        statuses = sorted(answer.status_code for answer in answers)
        refusal = next(answer.json() for answer in answers if answer.status_code == 402)
        spent = tmp_path / "spend.json"
        await until(spent.exists, 10, "the sum")
        usd = json.loads(spent.read_text())["usd"]
        assert statuses == [200] + [402] * 31
        assert refusal["error"]["code"] == "budget_exceeded"
        assert "0.10 USD, and 0." in refusal["error"]["message"]
        assert len(stand_in.seen) == 1
        assert usd == pytest.approx(0.20)
        # Nothing is cooling down for a budget's sake.
        assert "is cooling down" not in up.status().stdout
    attack("32 calls at once with a budget of 0.10", "6.40 USD", f"{usd:.2f} USD: one call's")


@pytest.fixture(scope="module")
def far_below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, OpenAI]]:
    """A gateway with a budget for a hundred calls of a whole prompt, where any model is served."""
    with serving((stand_in := OpenAI()).app) as url:
        config = {"model_list": [openai_model(name, f"{url}/v1") for name in (MINI, "*")]}
        budget = {"VUI_LITELLM_BUDGET": "0.05"}
        with gateway(tmp_path_factory.mktemp("far"), config, budget) as up:
            yield up, stand_in


async def test_a_user_far_below_the_budget_is_never_refused(
    far_below: tuple[Program, OpenAI],
) -> None:
    up, _ = far_below
    body = {"model": MINI, "messages": PROMPT, "max_tokens": 2048}
    headers = {"Authorization": f"Bearer {up.key}"}
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        for _ in range(4):
            pair = [client.post(up.url + CHAT, json=body) for _ in range(4)]
            assert {one.status_code for one in await asyncio.gather(*pair)} == {200}


def test_whatever_usage_a_provider_tells_each_call_is_booked_for_what_it_can_be(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    most = 0.01  # for a handful of words, of which the stand-in's usage makes 0.0005
    dearest = 0.0
    with gateway(tmp_path, {"model_list": [openai_model(MINI, base)]}) as up:
        ways = [(name, stream) for name in TOLD for stream in (True, False)]
        for count, (name, stream) in enumerate(ways, 1):
            stand_in.raw = told(*TOLD[name], stream=stream)
            body = {"model": MINI, "messages": HELLO, "stream": stream}
            if stream:
                body["stream_options"] = {"include_usage": True}
            status, answer = http(up.url + CHAT, body, key=up.key)
            line = lines_of_calls(up, count)[-1]
            usd = float(line["usd"].removeprefix("~"))
            assert 0 < usd < most, (name, stream, line)
            dearest = max(dearest, usd)
            assert 0 < int(line["tokens_in"]) <= 3000, (name, stream)
            if status == 200 and not stream:
                usage = answer["usage"]
                assert 0 < usage["prompt_tokens"] <= 3000, (name, usage)
                assert 0 < usage["completion_tokens"] <= 6000, (name, usage)
            elif stream:
                assert "fine" in answer
                for tokens in re.findall(r'_tokens": ([^,}]+)', answer):
                    assert 0 <= int(tokens) <= 6000, (name, tokens)
        _, text = http(f"{up.url}/metrics", key=up.key)
        counted = sum(map(float, re.findall(r"vui_calls_total\{.*\} (\S+)", text)))
        assert counted == 2 * len(TOLD)
    before = (
        "-5,000,000 or 10^400 tokens: not booked, not logged; none: 0 USD; others to 1,000,000 USD"
    )
    now = f"each booked and logged, {dearest:.4f} USD at the most, marked `~`"
    attack("a provider's usage that can't be", before, now)


async def test_a_call_that_is_hung_up_before_its_first_word_is_booked_for_its_request(
    far_below: tuple[Program, OpenAI],
) -> None:
    up, stand_in = far_below
    stand_in.clear(delay=30)
    before = up.log.count(" outcome=hung-up ")
    body = {"model": MINI, "messages": PROMPT, "stream": True}
    headers = {"Authorization": f"Bearer {up.key}"}
    async with httpx.AsyncClient(headers=headers) as client:
        call = asyncio.create_task(client.post(up.url + CHAT, json=body))
        await until(lambda: stand_in.seen, 10, "the call")
        call.cancel()
        await asyncio.wait({call})
    await until(lambda: up.log.count(" outcome=hung-up ") > before, 10, "the call's line")
    *_, line = (one for one in lines_of_calls(up) if one["outcome"] == "hung-up")
    assert line["usd"].startswith("~")
    assert float(line["usd"][1:]) == pytest.approx(1200 * 0.4e-6, rel=0.1)
    stand_in.clear()
    attack("hung up before the first word", "0 USD", f"{line['usd']} USD: its request")


def test_a_clock_that_is_set_back_renews_no_budget(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    body = {"model": MINI, "messages": HELLO}
    day = (datetime.now(UTC) + timedelta(400)).date()
    spent = {"day": str(day), "usd": 0.6, "clients": {"owner": [1, 0.6, 0, 0, 0]}}
    tmp_path.joinpath("spend.json").write_text(json.dumps(spent))
    config, budget = {"model_list": [openai_model(MINI, base)]}, {"VUI_LITELLM_BUDGET": "0.50"}
    with gateway(tmp_path, config, budget) as up:
        assert http(up.url + CHAT, body, key=up.key)[0] == 402
        assert "0.6000 of 0.50 USD" in up.status().stdout
        assert "The clock was set back from" in up.log
        assert "The first turn may be slow" not in up.log  # the warm-up costs nothing
    assert not stand_in.seen
    attack("a clock set back by a day", "the budget is renewed", "it stays spent")


def test_a_client_cannot_call_for_nothing_by_a_name_of_the_warm_up(
    far_below: tuple[Program, OpenAI],
) -> None:
    up, _ = far_below
    name = "warm-up/openai/gpt-4.1-mini"
    status, _ = http(up.url + CHAT, {"model": name, "messages": HELLO}, key=up.key)
    assert status == 404 or wait_until(lambda: f" model={name} " in up.log, 10, "the call's line")
    attack("`warm-up/…` as a model, where `*` is served", "not booked", "booked")
