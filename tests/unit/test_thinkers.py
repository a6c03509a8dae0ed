"""Whose replies begin in thinking."""

from __future__ import annotations

import pytest
from vui_gateway.providers.endpoints import leaves_thoughts
from vui_gateway.providers.tags import thinks_aloud
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Deployment, Event
from vui_gateway.turns.thinkers import Thinkers

from tests.support.said import GOOD
from tests.support.scripted import END, Scripted, Step

LEAKED = "Okay, the user asks. Keep it short.</think>Oh, good question."
LEAK: list[Step] = [(0.1, LEAKED[:20]), (0.1, LEAKED[20:]), (0.1, END)]


def test_who_closed_thinking_once_begins_in_it_from_then_on() -> None:
    lab = Scripted({"a": LEAK})
    lab.hear()
    lab.scripts["a"] = [(0.1, "Okay. The user asks. "), *LEAK]
    assert lab.hear().text == GOOD
    lab.scripts["a"] = [(0.1, GOOD), (0.1, END)]  # no thought is no proof
    assert lab.hear().text == GOOD
    lab.scripts["a"] = [(0.1, "Okay. The user asks. "), *LEAK]
    assert lab.hear().text == GOOD


def test_a_server_that_separates_thoughts_after_all_is_heard_at_once() -> None:
    lab = Scripted({"a": LEAK})
    lab.hear()
    lab.scripts["a"] = [(0.1, Event(reasoning=5)), (0.1, "Oh. Good"), (1.0, " question."), (0, END)]
    assert lab.hear().pieces[0] == (0.2, "Oh. ")


def test_other_gateways_know_and_a_changed_deployment_is_another_one() -> None:
    state = State()
    one, other = Thinkers(state), Thinkers(state)
    lab = Scripted({"a": LEAK})
    record = lab.hear().call.attempts[0]
    one.learn(record)
    assert other.begins_in_thinking(record.deployment)
    assert not other.begins_in_thinking(Deployment("b", "b"))
    other.configure(["b"])
    assert not other.begins_in_thinking(record.deployment)


def test_a_name_is_believed_until_a_reply_shows_otherwise() -> None:
    thinkers, deployment = Thinkers(), Deployment("a", "openai/qwq", thinks_aloud=True)
    assert thinkers.begins_in_thinking(deployment)
    record = Scripted({"a": LEAK}).hear().call.attempts[0]
    record.began_in_thinking = False
    thinkers.learn(record)
    assert not thinkers.begins_in_thinking(deployment)
    record.began_in_thinking = True
    thinkers.learn(record)
    assert thinkers.begins_in_thinking(deployment)


@pytest.mark.parametrize(
    "model",
    ["deepseek-r1:8b", "hosted_vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwq", "QwQ-32B",
     "Qwen3-4B-Thinking-2507", "magistral-small", "phi-4-mini-reasoning", "Kimi-K2-Thinking",
     "deepseek-reasoner", "Olmo-3-7B-Think", "EXAONE-Deep-7.8B", "openthinker:7b"],
)  # fmt: skip
def test_these_names_say_that_a_model_thinks(model: str) -> None:
    assert thinks_aloud(model)


@pytest.mark.parametrize(
    "model",
    ["gpt-4.1-mini", "qwen3:4b", "grok-4-fast-non-reasoning", "Qwen3-4B-Instruct-2507", "llama3.1",
     "mistral-small", "qwen3-no-think", "gpt-oss:20b", "rethinking-it", "star1"],
)  # fmt: skip
def test_these_do_not(model: str) -> None:
    assert not thinks_aloud(model)


def test_only_servers_of_ones_own_leave_thoughts_in_the_text() -> None:
    assert leaves_thoughts("openai", "http://192.168.1.2:8000/v1")
    assert leaves_thoughts("ollama_chat", "")
    assert not leaves_thoughts("openai", "")
    assert not leaves_thoughts("openai", "https://api.openai.com/v1")
    assert not leaves_thoughts("deepseek", "")
