"""Whole answers, such as vui's thoughts get."""

from __future__ import annotations

import json

import pytest
from vui_gateway.turns.answers import cleaned, offered

BODY = {"tools": [{"type": "function", "function": {"name": "get_time"}}]}


def answer(**message: object) -> dict:
    return {"id": "x", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


def message(found: dict) -> dict:
    return found["choices"][0]["message"]


def test_an_answer_without_anything_to_take_out_is_as_it_was() -> None:
    answers: list[dict] = [answer(content="Hi."), answer(content=None), {}, {"choices": []}]
    for one in answers:
        kept = one if one.get("choices") else {**one, "choices": [{"message": {}}]}
        assert cleaned(one, offered(BODY)) == kept


def test_thoughts_and_control_tokens_are_taken_out() -> None:
    for text in ("<think>Hm.</think>Hi.<|im_end|>\nWhat?", "So it is.</think>Hi.", "Hi.</s>"):
        assert message(cleaned(answer(content=text), ()))["content"] == "Hi."
    assert message(cleaned(answer(content="So.</think>Hi."), (), thinks=True))["content"] == "Hi."


def test_a_call_in_harmony_is_that_call() -> None:
    text = (
        "<|channel|>analysis<|message|>The time.<|end|><|start|>assistant<|channel|>commentary "
        'to=functions.get_time <|constrain|>json<|message|>{"zone": "UTC"}<|call|>'
    )
    found = cleaned(answer(content=text), offered(BODY))
    (call,) = message(found)["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": '{"zone": "UTC"}'}
    assert call["id"]
    assert found["choices"][0]["finish_reason"] == "tool_calls"
    assert message(found)["content"] is None


def test_a_call_that_the_server_read_itself_stays_alone() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "get_time<|x|>", "arguments": "{}"}}
    text = '<tool_call>{"name": "get_time", "arguments": {"a": 1}}</tool_call>'
    whole = cleaned(answer(content=text, tool_calls=[call]), offered(BODY))
    (found,) = message(whole)["tool_calls"]
    assert found == {**call, "function": {"name": "get_time", "arguments": "{}"}}


def test_a_call_of_what_was_not_offered_is_none() -> None:
    found = message(cleaned(answer(content='{"name": "launch", "arguments": {}}'), offered(BODY)))
    assert found == {"content": ""}


@pytest.mark.parametrize(
    "arguments",
    ['{"zone": "UTC"}<|call|>', '{"zone": "UTC"}</tool_call>', '```json\n{"zone": "UTC"}\n```',
     '{"zone": "UTC"}}'],
)  # fmt: skip
def test_what_leaked_into_arguments_is_taken_out(arguments: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "get_time", "arguments": arguments}}
    (found,) = message(cleaned(answer(tool_calls=[call]), offered(BODY)))["tool_calls"]
    assert json.loads(found["function"]["arguments"]) == {"zone": "UTC"}


@pytest.mark.parametrize(
    "arguments", ["{}", "", None, "no JSON", {"zone": "UTC"}, '{"a":  1}', "[1]"]
)
def test_arguments_that_hold_nothing_else_stay_as_they_are(arguments: object) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "get_time", "arguments": arguments}}
    (found,) = message(cleaned(answer(tool_calls=[call]), offered(BODY)))["tool_calls"]
    assert found == call
