"""The shape of the messages that each family gets."""

from __future__ import annotations

import copy

import pytest
from vui_gateway.providers.messages import SHAPES, shaped

STRICT = "hosted_vllm/qwen/qwen3.5-9b"
CLAUDE = "bedrock/us.anthropic.claude-haiku-4-5"
SYSTEM = {"role": "system", "content": "You are Vui."}
GREETING = {"role": "assistant", "content": "Hey there."}
TASKS = {"role": "system", "content": "CURRENT TASKS:\n- pasta"}
EVALUATE = {"role": "user", "content": "[evaluate]"}


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": text}


CALLS: dict = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "done"}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([SYSTEM, GREETING, user("Hello")], [SYSTEM, user("Hi."), GREETING, user("Hello")]),
        ([GREETING, user("Hello")], [user("Hi."), GREETING, user("Hello")]),
        ([SYSTEM, user("A"), user("B")], [SYSTEM, user("A\n\nB")]),
        ([SYSTEM, user("A"), assistant(""), user("B")], [SYSTEM, user("A\n\nB")]),
        (
            [SYSTEM, user("A"), assistant("One sec."), assistant("It's noon."), user("B")],
            [SYSTEM, user("A"), assistant("One sec.\n\nIt's noon."), user("B")],
        ),
        (
            [SYSTEM, user("A"), assistant("B"), user("C"), TASKS, EVALUATE],
            [
                SYSTEM,
                user("A"),
                assistant("B"),
                user("C\n\nCURRENT TASKS:\n- pasta\n\n[evaluate]"),
            ],
        ),
        (
            [SYSTEM, user("A"), TASKS, assistant("B"), user("C")],
            [SYSTEM, user(f"A\n\n{TASKS['content']}"), assistant("B"), user("C")],
        ),
        (
            [SYSTEM, {"role": "developer", "content": "Be kind."}, user("A")],
            [{"role": "system", "content": "You are Vui.\n\nBe kind."}, user("A")],
        ),
        ([SYSTEM], [SYSTEM]),
    ],
)
def test_the_first_turn_is_the_users_and_roles_alternate(messages: list, expected: list) -> None:
    assert shaped(messages, STRICT) == expected


def test_calls_of_tools_and_their_results_stay_as_they_are() -> None:
    calls = [{**CALLS["tool_calls"][0], "id": one} for one in ("1", "2")]
    two: list[dict] = [{**CALLS, "tool_calls": calls}, RESULT, {**RESULT, "tool_call_id": "2"}]
    messages = [SYSTEM, user("A"), assistant("Well."), *two, assistant("Done."), user("B")]
    assert shaped(messages, STRICT) == messages
    between = [SYSTEM, user("A"), CALLS, TASKS, RESULT, user("B")]
    folded = user(f"{TASKS['content']}\n\nB")
    assert shaped(between, STRICT) == [SYSTEM, user("A"), CALLS, RESULT, folded]


def test_text_parts_are_joined_in_order() -> None:
    def parts(*texts: str) -> list[dict]:
        return [{"type": "text", "text": text} for text in texts]

    first = {"role": "system", "content": parts("rules", "clock")}
    other = {"role": "system", "content": "more"}
    last = {"role": "system", "content": parts("tasks", "clock")}
    assert shaped([first, other, user("A"), last], STRICT) == [
        {"role": "system", "content": parts("rules", "clock", "more")},
        user("A\n\ntasks\n\nclock"),
    ]


@pytest.mark.parametrize("name", ["openai/gpt-5.4-mini", "openai/o3", "azure/voice-prod"])
def test_openai_gets_the_conversation_as_it_was(name: str) -> None:
    messages = [SYSTEM, GREETING, user("A"), user("B"), TASKS, EVALUATE]
    assert shaped([*messages, assistant("")], name) == messages


def test_claudes_turns_stay_blocks_that_its_cache_finds_again() -> None:
    messages = [SYSTEM, user("A"), user("B"), TASKS, EVALUATE]
    folded = {**TASKS, "role": "user"}
    assert shaped(messages, CLAUDE) == [SYSTEM, user("A"), user("B"), folded, EVALUATE]


@pytest.mark.parametrize("name", [STRICT, CLAUDE, "openai/gpt-4.1"])
def test_the_originals_stay_as_they_were(name: str) -> None:
    messages = [SYSTEM, GREETING, user("A"), user("B"), TASKS, EVALUATE, CALLS, RESULT]
    before = copy.deepcopy(messages)
    shaped(messages, name)
    assert messages == before


def test_what_was_said_before_stays_the_beginning() -> None:
    turns = [SYSTEM, GREETING]
    before = ""
    for number in range(4):
        turns += [user(f"question {number}")]
        text = "".join(m["content"] for m in shaped(turns, STRICT))
        assert text.startswith(before)
        before = text
        turns += [assistant(f"answer {number}")] if number % 2 else []


def test_every_shape_has_its_source() -> None:
    assert all(shape.source.startswith("https://") for shape in SHAPES)


LOST = {"role": "tool", "content": "It's noon."}


@pytest.mark.parametrize("name", [STRICT, CLAUDE, "openai/gpt-4.1-mini"])
@pytest.mark.parametrize(
    "lost", [LOST, {**LOST, "tool_call_id": "9"}, {"role": "function", "content": "It's noon."}]
)
def test_a_tools_result_without_its_call_is_the_users(name: str, lost: dict) -> None:
    """vui's realtime protocol keeps results and not their calls."""
    calls = [user("A"), CALLS, RESULT, assistant("B")]
    assert shaped([*calls, lost], name) == [*calls, user("It's noon.")]
    assert shaped([*calls, {**lost, "content": None}], name) == calls
