"""Which calls ask a provider to keep what, and what becomes of marks that nobody reads."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from vui_gateway.providers.caching import MARK, UNREAD_PAUSE, Mark, PromptCaching

SONNET = ("anthropic", "claude-sonnet-4-5")
RULES, MEMORIES, CLOCK = "Rule. " * 1000, "- likes tea", "It is 10:15."
TOOLS = [{"type": "function", "function": {"name": "no_action", "description": "x" * 8000}}]

ids = itertools.count()


class CachedCalls:
    """Calls of one deployment, and a provider that keeps what is marked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.caching = PromptCaching(lambda: self.now)
        self.kept: dict[str, float] = {}

    def ask(
        self, call: dict, model: tuple[str, str] = SONNET, deployment: str = "a"
    ) -> tuple[dict, list[str]]:
        """The call as it goes out, and where its marks are."""
        before = copy.deepcopy(call)
        sent, marks = self.caching.apply(call, *model, deployment)
        assert call == before
        read = sum(mark.known for mark in marks)
        self.bill(marks, read, len(marks) - read)
        return sent, [mark.place[2] for mark in marks]

    def bill(self, marks: tuple[Mark, ...], cached: object, written: object) -> None:
        """What a provider tells of a call with these marks."""
        self.caching.billed(marks, (cached, written))


def call(*system: str, talk: tuple[str, ...] = (), tools: list | None = None, **more: Any) -> dict:
    parts = [{"type": "text", "text": text} for text in system]
    content: Any = parts if len(parts) > 1 else system[0]
    roles, talk = ("user", "assistant"), talk or (f"Hi {next(ids)}",)
    said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(talk)]
    fields = {"tools": tools} if tools else {}
    return {"messages": [{"role": "system", "content": content}, *said], **fields, **more}


@pytest.fixture
def lab() -> CachedCalls:
    return CachedCalls()


def test_claude_gets_marks_after_what_lasts_and_none_after_the_clock(lab: CachedCalls) -> None:
    sent, _ = lab.ask(call(RULES, MEMORIES, CLOCK, tools=TOOLS))
    rules, memories, clock = sent["messages"][0]["content"]
    assert rules == {"type": "text", "text": RULES, "cache_control": MARK}
    assert memories["cache_control"] == MARK
    assert clock == {"type": "text", "text": CLOCK}
    assert sent["tools"][-1]["cache_control"] == MARK


@pytest.mark.parametrize("provider", ["bedrock", "vertex_ai", "openrouter/anthropic"])
def test_claude_is_marked_wherever_it_runs(lab: CachedCalls, provider: str) -> None:
    provider, *name = provider.split("/")
    model = "/".join([*name, "claude-sonnet-4.5"])
    assert lab.ask(call(RULES, CLOCK), (provider, model))[1] == ["system 0"]


@pytest.mark.parametrize(
    ("model", "characters", "marked"),
    [
        ("claude-sonnet-4-5", 3500, False), ("claude-sonnet-4-5", 3700, True),
        ("claude-haiku-4-5", 14_000, False), ("claude-haiku-4-5", 14_500, True),
        ("claude-opus-4-6", 14_000, False), ("claude-opus-4-1", 3700, True),
        ("claude-opus-5", 1700, False), ("claude-opus-5", 1800, True),
    ],
)  # fmt: skip
def test_a_prefix_that_is_too_short_to_be_kept_has_no_mark(
    lab: CachedCalls, model: str, characters: int, marked: bool
) -> None:
    _, places = lab.ask(call("x" * characters, CLOCK), ("anthropic", model))
    assert bool(places) is marked


def test_there_are_never_more_than_four_marks(lab: CachedCalls) -> None:
    parts = [RULES, *"abcdef"]
    lab.ask(call(*parts, tools=TOOLS))
    assert len(lab.ask(call(*parts, talk=("Hi", "Yes?", "Bye"), tools=TOOLS))[1]) == 4


def test_the_turn_is_marked_while_the_conversation_only_grows(lab: CachedCalls) -> None:
    system = (RULES, CLOCK)
    assert "turn" not in lab.ask(call(*system, talk=("1",)))[1]
    sent, places = lab.ask(call(*system, talk=("1", "2", "3")))
    assert "turn" in places
    assert sent["messages"][-1]["content"] == [{"type": "text", "text": "3", "cache_control": MARK}]
    assert "turn" in lab.ask(call(*system, talk=("1", "2", "3", "4", "5")))[1]
    assert "turn" not in lab.ask(call(*system, talk=("3", "4", "5", "6", "7")))[1], "slid"
    assert "turn" not in lab.ask(call(RULES, "10:16", talk=("3", "4", "5", "6", "7")))[1]


def test_a_second_attempt_of_a_call_is_no_conversation_that_grew(lab: CachedCalls) -> None:
    asked = call(RULES, CLOCK)
    assert lab.ask(asked)[1] == lab.ask(asked)[1] == ["system 0"]


def test_a_mark_that_is_never_read_is_left_out_for_an_hour(lab: CachedCalls) -> None:
    def places(memory: int) -> list[str]:
        lab.now += 30
        return lab.ask(call(RULES, f"memory {memory}", CLOCK))[1]

    assert [places(n) for n in range(4)] == [["system 0", "system 1"]] * 3 + [["system 0"]]
    assert lab.ask(call(RULES, "memory 9", CLOCK), deployment="b")[1] == ["system 0", "system 1"]
    lab.now += UNREAD_PAUSE
    assert places(9) == ["system 0", "system 1"]


def test_a_system_message_that_is_never_read_says_nothing_of_another(lab: CachedCalls) -> None:
    for n in range(9):
        lab.now += 310 if n == 4 else 30  # one pause, in which all that was kept is gone
        asked = call(RULES, MEMORIES)
        tasks = {"role": "system", "content": f"Tasks: {n}"}  # as vui's thoughts have them
        asked["messages"].insert(2, tasks)
        assert "system 0" in lab.ask(asked)[1]


def test_a_mark_that_is_read_now_and_then_stays(lab: CachedCalls) -> None:
    for n in range(12):
        lab.now += 30
        assert lab.ask(call(RULES, f"memory {n // 3}", CLOCK))[1] == ["system 0", "system 1"]


def test_a_prefix_is_not_taken_for_kept_after_its_lifetime(lab: CachedCalls) -> None:
    for _ in range(3):
        lab.now += 301
        assert lab.ask(call(RULES, CLOCK))[1] == ["system 0"]
    assert lab.ask(call(RULES, CLOCK))[1] == []


@pytest.mark.parametrize("told", [0, None, -(10**9), "many"])
def test_what_a_provider_never_keeps_costs_nothing_and_is_not_learnt_from(
    lab: CachedCalls, told: object
) -> None:
    for _ in range(9):
        _, marks = lab.caching.apply(call(RULES, CLOCK), *SONNET, "a")
        lab.bill(marks, told, told)
        assert len(marks) == 1


def test_an_empty_part_is_left_out(lab: CachedCalls) -> None:
    sent, _ = lab.ask(call(RULES, "", CLOCK))
    assert [part["text"] for part in sent["messages"][0]["content"]] == [RULES, CLOCK]


@pytest.mark.parametrize("empty", [{}, {"content": " "}, {"content": ""}])
@pytest.mark.parametrize("more", [{}, {"cache_control": MARK}])
def test_a_message_without_text_stops_no_call(lab: CachedCalls, empty: dict, more: dict) -> None:
    asked = call(RULES, CLOCK, talk=("1",), **more)
    lab.ask(asked)
    grown = {**asked, "messages": [*asked["messages"], *call("x", talk=("2", "3"))["messages"][1:]]}
    for role in ("system", "user"):
        sent, _ = lab.ask({**grown, "messages": [*grown["messages"], {"role": role, **empty}]})
        assert sent["messages"][-1] == {"role": role, **empty}


@pytest.mark.parametrize("provider", ["openai", "gemini", "groq", "deepseek", "ollama_chat"])
def test_others_get_one_text_in_the_same_order(lab: CachedCalls, provider: str) -> None:
    sent, _ = lab.ask(call(RULES, MEMORIES, CLOCK), (provider, "gpt-4.1-mini"))
    assert sent["messages"][0]["content"] == f"{RULES}\n\n{MEMORIES}\n\n{CLOCK}"


def test_keys_bring_replies_together_and_thoughts_together(lab: CachedCalls) -> None:
    lab.caching.configure("home", enabled=True)
    for model in (("openai", "gpt-5.4"), ("azure", "my-deployment"), ("mistral", "mistral-small")):
        assert lab.ask(call(RULES), model)[0]["prompt_cache_key"] == "home-reply"
        assert lab.ask(call(RULES, tools=TOOLS), model)[0]["prompt_cache_key"] == "home-thoughts"
    sent, _ = lab.ask(call(RULES, extra_headers={"x": "y"}), ("xai", "grok-4.7"))
    assert sent["extra_headers"] == {"x": "y", "x-grok-conv-id": "home-reply"}


@pytest.mark.parametrize("model", ["gpt-oss-20b", "llama-3.3", "my-model"])
def test_other_servers_of_openais_format_get_no_field_that_they_may_refuse(
    lab: CachedCalls, model: str
) -> None:
    assert "prompt_cache_key" not in lab.ask(call(RULES), ("openai", model))[0]


OWN: dict[str, dict] = {
    "points": {"cache_control_injection_points": [{"location": "message", "role": "system"}]},
    "the provider's own": {"extra_body": {"cache_control": MARK}},
}


@pytest.mark.parametrize("name", OWN)
def test_marks_of_the_configuration_stay_as_they_are_and_the_clock_behind_them(
    lab: CachedCalls, name: str
) -> None:
    sent, places = lab.ask(call(RULES, MEMORIES, CLOCK, **OWN[name]))
    assert places == []
    assert {k: sent[k] for k in OWN[name]} == OWN[name]
    first, second, *_ = sent["messages"]
    assert first == {"role": "system", "content": f"{RULES}\n\n{MEMORIES}"}
    assert second == {"role": "system", "content": CLOCK}


def test_a_key_of_the_configuration_stays(lab: CachedCalls) -> None:
    sent, _ = lab.ask(call(RULES, prompt_cache_key="mine"), ("openai", "gpt-5.4"))
    assert sent["prompt_cache_key"] == "mine"
    headers = {"x-grok-conv-id": "mine"}
    sent, _ = lab.ask(call(RULES, extra_headers=headers), ("xai", "grok-4.7"))
    assert sent["extra_headers"] == headers


def test_turned_off_nothing_is_marked_or_named(lab: CachedCalls) -> None:
    lab.caching.configure("home", enabled=False)
    sent, places = lab.ask(call(RULES, CLOCK, tools=TOOLS))
    assert places == []
    assert sent["tools"] == TOOLS
    assert sent["messages"][0]["content"] == f"{RULES}\n\n{CLOCK}"
    assert "prompt_cache_key" not in lab.ask(call(RULES), ("openai", "gpt-5.4"))[0]
