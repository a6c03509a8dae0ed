"""Prompt caches: what the gateway asks of a provider that bills by them, and what it tells."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.matrix.families import AWS
from tests.providers.anthropic import Anthropic
from tests.providers.base import StandIn, serving
from tests.providers.bedrock import Bedrock
from tests.providers.cache import PromptCache
from tests.providers.openai import OpenAI
from tests.providers.openai_like import XAI, Mistral
from tests.support.harness import Program, gateway, http
from tests.support.poll import wait_until

SONNET = "anthropic/claude-sonnet-4-5"
RULES = "Keep it short and speak as people do. " * 300
MEMORIES = "You remember: Ada likes tea."
TOOL = {"type": "function", "function": {"name": "no_action", "description": "Nothing. " * 900}}
OWN = {"cache_control_injection_points": [{"location": "message", "role": "system"}]}
MARK = {"type": "ephemeral"}


class CachedGateway:
    """A gateway before stand-ins with a cache."""

    def __init__(self, program: Program, stand_ins: dict[str, StandIn]) -> None:
        self.program, self.stand_ins = program, stand_ins

    def ask(
        self, model: str, *system: str, clock: str = "It is 10:15.", tools: list | None = None
    ) -> dict:
        """The body that reached the provider."""
        parts = [{"type": "text", "text": text} for text in (*system, clock)]
        body: dict[str, Any] = {
            "model": model, "stream": not tools, "max_tokens": 50,
            "messages": [
                {"role": "system", "content": parts if system else clock},
                {"role": "user", "content": f"Hello at {time.monotonic()}"},
            ],
        }  # fmt: skip
        body |= {"tools": tools} if tools else {"stream_options": {"include_usage": True}}
        url = f"{self.program.url}/v1/chat/completions"
        status, answer = http(url, body, key=self.program.key)
        assert status == 200, answer
        return self.seen(model)[-1].body

    def seen(self, model: str) -> list:
        return self.stand_ins[model].seen

    def bills(self, model: str) -> list:
        cache = self.stand_ins[model].cache
        assert cache
        return [bill for bills in cache.bills.values() for bill in bills]

    def logged(self, tokens: int) -> str:
        """The log's line of the call with so many tokens in."""

        def line() -> str:
            found = re.search(rf".*model=claude.*tokens_in={tokens} .*", self.program.log)
            return found[0] if found else ""

        return wait_until(line, 10, "the call is in the log")


def started(folder: Path, stack: ExitStack, env: dict[str, str] | None = None) -> CachedGateway:
    made: dict[str, tuple[StandIn, str, str, dict]] = {
        "claude": (Anthropic(), SONNET, "", {}),
        "own": (Anthropic(), SONNET, "", OWN),
        "bedrock": (Bedrock(), "bedrock/us.anthropic.claude-sonnet-4-6", "", AWS),
        "gpt": (OpenAI(), "openai/gpt-4.1-mini", "/v1", {}),
        "mistral": (Mistral(), "mistral/mistral-small-latest", "/v1", {}),
        "grok": (XAI(), "xai/grok-4.7", "/v1", {}),
    }
    entries = []
    for name, (stand_in, model, path, more) in made.items():
        base = stack.enter_context(serving(stand_in.app)) + path
        where = "aws_bedrock_runtime_endpoint" if name == "bedrock" else "api_base"
        params = {"model": model, "api_key": "sk-planted-0123", where: base, **more}
        if name == "bedrock":
            del params["api_key"]
        entries.append({"model_name": name, "litellm_params": params})
    config = {"model_list": entries, "litellm_settings": {"drop_params": True}}
    running = stack.enter_context(
        gateway(folder, config, {"VUI_LITELLM_HEDGE": "0", **(env or {})})
    )
    return CachedGateway(running, {name: stand_in for name, (stand_in, *_) in made.items()})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedGateway]:
    with ExitStack() as stack:
        yield started(tmp_path_factory.mktemp("caching"), stack)


@pytest.fixture(autouse=True)
def afresh(lab: CachedGateway) -> None:
    for stand_in in lab.stand_ins.values():
        stand_in.clear()
        stand_in.cache = PromptCache(time.time)


@pytest.mark.parametrize("model", ["claude", "bedrock"])
@pytest.mark.parametrize("tools", [None, [TOOL]], ids=["reply", "thoughts"])
def test_claude_is_paid_for_a_prompt_once(
    lab: CachedGateway, model: str, tools: list | None
) -> None:
    for minute in (15, 16, 17):
        lab.ask(model, RULES, MEMORIES, clock=f"It is 10:{minute}.", tools=tools)
    first, *later = lab.bills(model)
    assert first.written > 2000
    assert not first.read
    for bill in later:
        assert bill.read == first.written
        assert not bill.written
        assert bill.fresh < 100


def test_a_persona_of_ones_own_goes_out_byte_for_byte(lab: CachedGateway) -> None:
    persona = "  You are Bo.\n\nToday is Monday, current time is 10:15.  \n" * 100
    (block,) = lab.ask("claude", clock=persona)["system"]
    assert block["text"] == persona
    assert lab.ask("gpt", clock=persona)["messages"][0]["content"] == persona


def test_caching_that_the_configuration_sets_is_kept_and_the_clock_stays_behind_it(
    lab: CachedGateway,
) -> None:
    stable, clock = lab.ask("own", RULES, MEMORIES)["system"]
    assert stable == {
        "type": "text", "text": f"{RULES}\n\n{MEMORIES}", "cache_control": MARK,
    }  # fmt: skip
    assert clock["text"] == "It is 10:15."
    lab.ask("own", RULES, MEMORIES, clock="It is 10:16.")
    assert lab.bills("own")[1].read > 2000


@pytest.mark.parametrize("model", ["gpt", "mistral"])
def test_a_key_brings_the_calls_of_one_kind_together(lab: CachedGateway, model: str) -> None:
    keys = [lab.ask(model, RULES, tools=tools)["prompt_cache_key"] for tools in (None, [TOOL])]
    assert re.fullmatch(r"vui-[0-9a-f]{12}-reply", keys[0])
    assert keys[1] == keys[0].replace("reply", "thoughts")
    assert lab.program.key not in keys[0]
    system = lab.seen(model)[-1].body["messages"][0]
    assert system["content"] == f"{RULES}\n\nIt is 10:15."


def test_grok_is_told_the_conversation_in_a_header(lab: CachedGateway) -> None:
    lab.ask("grok", RULES)
    assert re.fullmatch(r"vui-[0-9a-f]{12}-reply", lab.seen("grok")[-1].headers["x-grok-conv-id"])


def test_what_the_cache_had_is_in_the_log_the_metrics_and_the_status(lab: CachedGateway) -> None:
    rules = RULES + "And slowly. " * 100  # no other test's call is as long
    for clock in ("It is 10:15.", "It is 10:15, they say."):
        lab.ask("claude", rules, MEMORIES, clock=clock)
    wrote, read = lab.bills("claude")
    first, second = lab.logged(wrote.tokens), lab.logged(read.tokens)
    assert " tokens_cached=0 " in first
    assert f" tokens_cached={read.read} " in second
    paid = float(second.rpartition("usd=")[2])
    full = float(first.rpartition("usd=")[2])
    assert paid < 0.2 * full
    _, metrics = http(f"{lab.program.url}/metrics", key=lab.program.key)
    for direction in ("cached", "written"):
        counted = rf'vui_tokens_total{{deployment="{SONNET}",direction="{direction}".*}} [1-9]'
        assert re.search(counted, metrics)
    told = r"\d+% of today's input came from caches, 0\.\d{4} of 0\.\d{4} USD saved\."
    wait_until(lambda: re.search(told, lab.program.status().stdout), 10, "the status tells")


def test_turned_off_nobody_is_asked_to_keep_anything(tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = started(tmp_path, stack, {"VUI_LITELLM_CACHE": "0"})
        for model in lab.stand_ins.keys() - {"own"}:
            for tools in (None, [TOOL]):
                lab.ask(model, RULES, MEMORIES, tools=tools)
            for seen in lab.seen(model):
                told = f"{seen.headers} {seen.body}".lower()
                assert not re.search("cache_?control|cache_?point|cache_key|conv-id", told), model
