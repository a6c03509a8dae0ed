"""vui's own server and turn-taking on our backend, without its speech workers."""

import re
from collections.abc import Iterator

import pytest

from tests.providers.openai import OpenAI
from tests.support.harness import Program, Vui, http, speechless_vui, vui_env
from tests.support.page import open_page


@pytest.fixture(scope="module")
def vui(shared_gateway: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vui]:
    env = vui_env(shared_gateway.url, "gpt-4.1-mini", shared_gateway.key)
    with speechless_vui(tmp_path_factory.mktemp("vui"), env) as running:
        yield running


async def test_a_spoken_turn_is_answered_by_the_gateways_model(vui: Vui, openai: OpenAI) -> None:
    async with open_page(vui) as page:
        assert not openai.seen  # neither the start nor the greeting nor a prefill costs anything
        assert await page.say("How are you doing today?") == [
            "Yeah, doing alright.",
            "What about you?",
        ]
        assert vui.said()[-2:] == ["Yeah, doing alright.", "What about you?"]
        done = await page.wait_for("turn_done", lambda event: event["conv_ctx"])
        assert done["conv_ctx"] == 1212
        assert done["conv_ctx_max"] == 8192


async def test_switching_the_model_answers_the_next_turn(vui: Vui, openai: OpenAI) -> None:
    models = http(f"{vui.url}/llm/models")[1]
    assert models["backend"] == "litellm"
    assert models["can_switch"]
    assert {"gpt-4.1-mini", "other"} <= set(models["models"])
    async with open_page(vui) as page:
        assert http(f"{vui.url}/llm/model", {"model": "other"}) == (
            200,
            {"ok": True, "model": "other"},
        )
        await page.say("Who are you now?")
        asked = [
            seen.body for seen in openai.seen if "Who are you now?" in str(seen.body["messages"])
        ]
        assert {body["model"] for body in asked} == {"other"}
        status, refused = http(f"{vui.url}/llm/model", {"model": "gone"})
        assert status == 400
        assert "'gone' is not served" in refused["error"]
        assert http(f"{vui.url}/llm/models")[1]["current"] == "other"
        http(f"{vui.url}/llm/model", {"model": "gpt-4.1-mini"})


def test_vui_names_the_backend_at_its_start(vui: Vui) -> None:
    assert "LLM backend: litellm model=gpt-4.1-mini" in vui.program.log
    assert "[main] LLM probe: up" in vui.program.log


def test_the_page_finds_every_script_it_asks_for(vui: Vui) -> None:
    page = http(vui.url)[1]
    scripts = re.findall(r'<script src="([^"]+)"', page)
    assert scripts
    for script in scripts:
        status, text = http(f"{vui.url}{script}")
        assert status == 200
    methods = set(re.findall(r"voiceViz\.(\w+)\(", page))
    assert methods
    assert all(f"{method}(" in text for method in methods)
