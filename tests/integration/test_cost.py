"""What turns cost is in the log, in the metrics and in the status, and a budget holds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import KEY, Program, gateway, http, openai_model
from tests.support.logs import lines_of_calls
from tests.support.poll import until
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import BUDGET

HELLO = [{"role": "user", "content": "a secret word: xylophone"}]
MODEL = "gpt-4.1-mini"
USD = 1200 * 0.40e-6 + 12 * 1.60e-6  # the stand-in's usage, at the price of gpt-4.1-mini


@pytest.fixture
def provider() -> Iterator[tuple[OpenAI, str]]:
    stand_in = OpenAI()
    with serving(stand_in.app) as url:
        yield stand_in, f"{url}/v1"


def group(base: str, *more: dict) -> dict:
    return {"model_list": [openai_model(MODEL, base), *more]}


async def heard(up: Program, stop_after: int | None = None) -> str:
    backend = LiteLLMBackend(MODEL, up.url, api_key=up.key)
    text: list[str] = []
    with suppress(httpx.HTTPError):
        async with aclosing(backend.stream(HELLO)) as tokens:
            async for token in tokens:
                text.append(token)
                if len(text) == stop_after:
                    backend.barge_in()
    await backend.aclose()
    return "".join(text)


async def test_each_call_leaves_one_line_without_a_word_of_it(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    with gateway(tmp_path, group(base)) as up:
        await heard(up)
        stand_in.clear(pace=0.05)
        await heard(up, stop_after=2)
        stand_in.clear(delay=30)
        waiting = asyncio.create_task(heard(up))
        await until(lambda: stand_in.seen, 10, "the call")
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        stand_in.clear(fault=500)
        await heard(up)
        stand_in.clear()
        backend = LiteLLMBackend(MODEL, up.url, api_key=up.key)
        tool = {"type": "function", "function": {"name": "no_action", "parameters": {}}}
        whole, cut, *ends = await asyncio.to_thread(lines_of_calls, up, 4)
        early, failed = sorted(ends, key=lambda line: line["outcome"], reverse=True)
        assert whole["model"] == MODEL
        assert whole["deployment"] == f"openai/{MODEL}"
        assert (whole["fallback"], whole["outcome"]) == ("no", "ok")
        assert (whole["tokens_in"], whole["tokens_out"]) == ("1200", "12")
        assert float(whole["usd"]) == pytest.approx(USD, abs=1e-6)
        assert 0 < int(whole["first_token_ms"]) <= int(whole["total_ms"]) < 2000
        assert cut["outcome"] == "hung-up"
        assert float(cut["usd"]) > 0  # what was said was billed
        assert early["outcome"] == "hung-up"
        assert re.match(r"~0\.0000\d+$", early["usd"])  # its request was billed
        assert (failed["outcome"], failed["first_token_ms"]) == ("500", "-")
        await backend.complete(HELLO, tools=[tool])
        await backend.aclose()
        (thoughts,) = (await asyncio.to_thread(lines_of_calls, up, 5))[4:]
        assert thoughts["kind"] == "thoughts"
        assert thoughts["tokens_out"] == "12"
        assert "xylophone" not in up.log
        assert "doing alright" not in up.log


async def test_a_fallback_is_named_and_its_price_is_that_of_the_one_who_answered(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    _, base = provider
    away = openai_model(MODEL, "http://127.0.0.1:9/v1", order=1)
    well = openai_model(MODEL, base, order=2)
    well["litellm_params"]["model"] = "openai/gpt-4.1"
    with gateway(tmp_path, {"model_list": [away, well]}) as up:
        assert await heard(up)
        (line,) = await asyncio.to_thread(lines_of_calls, up)
        assert (line["deployment"], line["fallback"]) == ("openai/gpt-4.1", "yes")
        assert float(line["usd"]) == pytest.approx(1200 * 2e-6 + 12 * 8e-6, abs=1e-6)


async def test_metrics_and_status_agree_with_the_log(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    _, base = provider
    with gateway(tmp_path, group(base)) as up:
        for _ in range(3):
            await heard(up)
        await asyncio.to_thread(lines_of_calls, up, 3)
        assert http(f"{up.url}/metrics")[0] == 401
        _, text = http(f"{up.url}/metrics", key=up.key)
        values = {
            (sample.name, sample.labels.get("direction") or sample.labels.get("le")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert values["vui_calls_total", None] == 3
        assert values["vui_tokens_total", "in"] == 3600
        assert values["vui_usd_total", None] == pytest.approx(3 * USD)
        assert values["vui_first_token_seconds_count", None] == 3
        assert values["vui_call_seconds_bucket", "+Inf"] == 3
        said = "3 calls, 0 failed, 3600 tokens in, 36 out"
        await until(lambda: said in up.status().stdout, 10, f"{said!r} in the status")
        assert f"Today (UTC): {3 * USD:.4f} USD" in up.status().stdout


async def test_a_budget_ends_in_one_sentence_and_is_kept_across_restarts(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    budget = {"VUI_LITELLM_BUDGET": f"{1.5 * USD:.6f}"}
    with gateway(tmp_path, group(base), budget) as up:
        for turns in (1, 2):
            assert "alright" in await heard(up)
            await asyncio.to_thread(lines_of_calls, up, turns)
        assert BUDGET in await heard(up)
    assert json.loads((tmp_path / "spend.json").read_text())["usd"] == pytest.approx(2 * USD)
    assert len(stand_in.seen) == 2
    with gateway(tmp_path, group(base), budget) as up:
        assert BUDGET in await heard(up)
        assert f"{2 * USD:.4f} of {1.5 * USD:.2f} USD" in up.status().stdout
    assert len(stand_in.seen) == 2


async def test_what_costs_nothing_answers_when_the_budget_is_spent(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    stand_in, base = provider
    free = openai_model("home", base, input_cost_per_token=0, output_cost_per_token=0)
    config = group(base, free, {**free, "model_name": MODEL})
    with gateway(tmp_path, config, {"VUI_LITELLM_BUDGET": "0"}) as up:
        assert "alright" in await heard(up)
        body = {"model": "home", "messages": HELLO}
        assert http(f"{up.url}/v1/chat/completions", body, key=up.key)[0] == 200
        assert {seen.body["model"] for seen in stand_in.seen} == {"home"}
        (first, _) = await asyncio.to_thread(lines_of_calls, up, 2)
        assert first["attempts"].split(",")[-1] == "ok"


async def test_raising_the_budget_takes_effect_at_once_and_a_bad_one_changes_nothing(
    tmp_path: Path, provider: tuple[OpenAI, str]
) -> None:
    _, base = provider
    tmp_path.joinpath(".env").write_text("VUI_LITELLM_BUDGET=0\n")
    with gateway(tmp_path, group(base)) as up:
        assert BUDGET in await heard(up)
        tmp_path.joinpath(".env").write_text("VUI_LITELLM_BUDGET=a lot\n")
        said = "VUI_LITELLM_BUDGET is 'a lot'. Write US dollars per day"
        await until(lambda: said in up.log, 10, f"{said!r} in the log")
        assert BUDGET in await heard(up)
        tmp_path.joinpath(".env").write_text("VUI_LITELLM_BUDGET=1\n")

        async def answered() -> bool:
            return "alright" in await heard(up)

        await until(answered, 5, "the new budget is in force")


async def test_the_demo_costs_nothing(tmp_path: Path) -> None:
    demo = {"model_name": MODEL, "litellm_params": {"model": "openai/gpt-4", "mock_response": "hi"}}
    with gateway(tmp_path, {"model_list": [demo]}, key=KEY) as up:
        assert await heard(up) == "hi"
        (line,) = await asyncio.to_thread(lines_of_calls, up)
        assert float(line["usd"]) == 0
