"""What a provider refuses of a request is left out at once: nobody hears it, and nobody pays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from vui.serving.stream import llm_backend

from tests.matrix.conversations import CONVERSATIONS, HELLO, heard, tools
from tests.matrix.families import AWS
from tests.providers.base import TEXT, StandIn, serving
from tests.providers.openai import OpenAI
from tests.providers.openai_like import Reasoning
from tests.providers.refusing import (
    AzureGPT5,
    Foundry,
    Hostile,
    MistralTokenizer,
    NoMarks,
    NoStops,
    Stranger,
    Template,
)
from tests.support.harness import Program, gateway, http, paid
from tests.support.poll import wait_until
from vui_litellm import LiteLLMBackend

AZURE = {"api_version": "2024-10-21"}
STOPS = ["\nUser:", "\nYou:"]


@dataclass
class Refusers:
    """A gateway before stand-ins that refuse something."""

    program: Program
    stand_ins: dict[str, StandIn]
    config: dict

    def ask(self, model: str, **fields: Any) -> tuple[int, str]:
        """Status, and the text or the error's code, of one request as vui makes it."""
        turn = {"messages": HELLO, "stop": STOPS, "max_tokens": 2048, **fields}
        url = f"{self.program.url}/v1/chat/completions"
        status, answer = http(url, {"model": model, **turn}, key=self.program.key)
        if status != 200:
            return status, answer["error"]["code"]
        message = answer["choices"][0]["message"]
        return status, message.get("content") or message["tool_calls"][0]["function"]["name"]

    def statuses(self, *names: str) -> list[list[int]]:
        return [[seen.status for seen in self.stand_ins[name].seen] for name in names]

    def said(self, words: str) -> int:
        return len(re.findall(re.escape(words), self.program.log))


# By name: the stand-in, its model, where it is, and more of its settings.
MADE: dict[str, tuple[type[StandIn], str, str, dict]] = {
    "tokenizer": (MistralTokenizer, "hosted_vllm/mistral-small-3.2", "{}/v1", {}),
    "stranger": (Stranger, "openai/gpt-4.1-mini", "{}/v1", {}),
    "o3": (Reasoning, "openai/o3", "{}/v1", {}),
    "claude": (NoMarks, "anthropic/claude-sonnet-4-5", "{}", {}),
    "foundry": (Foundry, "azure/llama-4", "{}", AZURE),
    "voice": (AzureGPT5, "azure/voice-prod", "{}", AZURE),
    "short": (OpenAI, "openai/gpt-4.1", "{}/v1", {"max_tokens": 150}),
    "bedrock": (NoStops, "bedrock/converse/us.amazon.nova-lite-v1:0", "{}", AWS),
    "template": (Template, "hosted_vllm/google/gemma-3-27b-it", "{}/v1", {}),
    "hostile": (Hostile, "openai/gpt-4o-mini", "{}/v1", {}),
    "own": (MistralTokenizer, "hosted_vllm/mistral-small", "{}/v1",
            {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}),
}  # fmt: skip


def started(folder: Path, stack: ExitStack, *names: str, **options: Any) -> Refusers:
    stand_ins = {name: MADE[name][0]() for name in names}
    entries = []
    for name, stand_in in stand_ins.items():
        _, model, base, more = MADE[name]
        url = stack.enter_context(serving(stand_in.app))
        where = "aws_bedrock_runtime_endpoint" if name == "bedrock" else "api_base"
        key = {} if name == "bedrock" else {"api_key": "sk-planted-0123"}
        params = {"model": model, where: base.format(url), **key, **more}
        entries.append({"model_name": options.get("group", name), "litellm_params": params})
    config = {"model_list": entries, "router_settings": {"cooldown_time": 0}}
    return Refusers(stack.enter_context(gateway(folder, config)), stand_ins, config)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusers]:
    with ExitStack() as stack:
        yield started(tmp_path_factory.mktemp("refused"), stack, *MADE)


@pytest.fixture
def lab(running: Refusers) -> Refusers:
    for stand_in in running.stand_ins.values():
        stand_in.clear()
    return running


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("tokenizer", "chat_template_kwargs"),
        ("stranger", "prompt_cache_key"),
        ("foundry", "prompt_cache_key"),
    ],
)
async def test_a_refused_field_is_left_out_at_once_and_from_then_on(
    lab: Refusers, name: str, field: str
) -> None:
    backend = LiteLLMBackend(name, lab.program.url, api_key=lab.program.key)
    llm_backend.set_backend(backend)
    try:
        stats: dict = {}
        assert await heard(HELLO, stats) == ["Yeah, doing alright.", "What about you?"]
        assert stats["ctx_used"] == 1212
        assert lab.statuses(name) == [[400 if name != "foundry" else 422, 200]]
        assert await heard(HELLO)
        answer = await backend.complete(HELLO, tools=tools(), temperature=0.0)
        assert answer["tool_calls"][0]["function"]["name"] == "no_action"
        assert lab.statuses(name)[0][1:] == [200, 200, 200]
    finally:
        await backend.aclose()
    assert lab.said(f"{MADE[name][1]} refuses {field}: its calls go without it") == 1


@pytest.mark.parametrize("name", ["o3"])
def test_a_model_that_thinks_and_takes_no_stops_is_sent_none(lab: Refusers, name: str) -> None:
    assert lab.ask(name) == (200, TEXT)
    assert lab.ask(name, tools=tools()) == (200, "no_action")
    assert lab.statuses(name) == [[200, 200]]


def test_cache_marks_that_are_refused_are_not_set_again(lab: Refusers) -> None:
    rules = [{"type": "text", "text": text} for text in ("Be short. " * 1000, "It is 10:15.")]
    messages = [{"role": "system", "content": rules}, HELLO[-1]]
    assert lab.ask("claude", messages=messages) == (200, TEXT)
    assert lab.ask("claude", messages=messages, tools=tools()) == (200, "no_action")
    assert lab.statuses("claude") == [[400, 200, 200]]
    system = lab.stand_ins["claude"].seen[-1].body["system"]
    assert [part["text"] for part in system] == [part["text"] for part in rules]


def test_a_limit_of_tokens_gets_its_other_name(lab: Refusers) -> None:
    assert lab.ask("voice") == (200, TEXT)
    statuses = lab.statuses("voice")[0]
    assert statuses[-1] == 200
    assert statuses[:-1] == [400] * (len(statuses) - 1)
    assert len(statuses) <= 3  # its name, and the stops
    sent = lab.stand_ins["voice"].seen[-1].body
    assert sent["max_completion_tokens"] == 2048
    assert "max_tokens" not in sent
    lab.stand_ins["voice"].clear()
    assert lab.ask("voice", tools=tools(), temperature=0.0) == (200, "no_action")
    assert lab.ask("voice", tools=tools(), temperature=0.0) == (200, "no_action")
    assert lab.statuses("voice") == [[400, 200, 200]]  # the temperature
    assert lab.said("Set base_model in its model_info") == 1


def test_the_smaller_limit_of_tokens_is_sent(lab: Refusers) -> None:
    assert lab.ask("short") == (200, TEXT)
    assert lab.ask("short", max_tokens=100) == (200, TEXT)
    assert [seen.body["max_tokens"] for seen in lab.stand_ins["short"].seen] == [150, 100]


@pytest.mark.parametrize("name", ["template", "bedrock"])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_every_conversation_of_vui_has_the_shape_that_a_template_takes(
    lab: Refusers, name: str, conversation: str
) -> None:
    messages = CONVERSATIONS[conversation]
    assert lab.ask(name, messages=messages, stop=None) == (200, TEXT)
    thoughts = lab.ask(name, messages=messages, tools=tools(), stop=None)
    assert thoughts == (200, "no_action")
    assert set(lab.statuses(name)[0]) == {200}


def test_what_the_user_wrote_stays_and_is_his_error(lab: Refusers) -> None:
    for _ in range(2):
        assert lab.ask("own") == (400, "provider_refused_request")
    assert lab.statuses("own") == [[400, 400]]


def test_a_hostile_error_costs_a_few_requests_and_then_one_each(lab: Refusers) -> None:
    seen = lab.stand_ins["hostile"].seen
    for _ in range(12):
        before = len(seen)
        assert lab.ask("hostile") == (400, "provider_refused_request")
        assert len(seen) - before <= 4
    assert len(seen) == before + 1
    for request in seen:
        assert request.body["messages"][-1] == HELLO[-1]


def test_an_error_of_another_kind_is_sent_once(lab: Refusers) -> None:
    for status, words in ((500, "the model is not well"), (400, "Invalid 'messages': empty.")):
        lab.stand_ins["short"].clear(
            fault=status, fault_body=f'{{"error":{{"message":"{words}"}}}}'
        )
        assert lab.ask("short")[0] >= 400
        assert lab.statuses("short") == [[status]]


def test_both_of_a_group_answer(tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = started(tmp_path, stack, "tokenizer", "stranger", group="vui")
        for _ in range(20):
            assert lab.ask("vui") == (200, TEXT)
        both = lab.statuses("tokenizer", "stranger")
        assert [statuses.count(400) for statuses in both] == [1, 1]
        assert sum(map(len, both)) == 22
        wait_until(lambda: lab.said("outcome=") == 20, 10, "all calls are in the log")
        lines = re.findall(r".*outcome=.*", lab.program.log)
        assert all("outcome=ok attempts=ok first" in line for line in lines)


def test_it_is_known_after_a_restart_and_tried_again_after_an_edit(tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = started(tmp_path, stack, "tokenizer")
        assert lab.ask("tokenizer") == (200, TEXT)
        assert lab.statuses("tokenizer") == [[400, 200]]
        lab.program.stop()
        lab.program = stack.enter_context(gateway(tmp_path, lab.config))
        assert lab.ask("tokenizer") == (200, TEXT)
        assert lab.statuses("tokenizer") == [[400, 200, 200]]
        lab.config["model_list"][0]["litellm_params"]["seed"] = 1
        served = wait_until(lambda: lab.said("Serving "), 10, "it has said what it serves")
        text = yaml.safe_dump(paid(lab.config))
        (tmp_path / "litellm_config.yaml").write_text(text)
        wait_until(lambda: lab.said("Serving ") > served, 90, "the edit is in force")
        assert lab.ask("tokenizer") == (200, TEXT)
        assert lab.statuses("tokenizer") == [[400, 200, 200, 400, 200]]
