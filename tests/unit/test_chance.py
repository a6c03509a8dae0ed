"""Failures by chance are asked once more at once; an end that is none is a break."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from vui_gateway.errors import Code, Ending
from vui_gateway.turns.call import AttemptError, Call, Event
from vui_gateway.turns.limits import COOLDOWN
from vui_gateway.turns.toolless import NO_TOOL

from tests.support.clock import run_virtual
from tests.support.scripted import END, FOR_EVER, WELL, Scripted, broken, said

EMPTY = [(0.2, END)]
TOOLS = [{"type": "function", "function": {"name": "get_time", "parameters": {}}}]


def chance(status: int = 500, **fields: Any) -> AttemptError:
    return AttemptError(str(status), "by chance", status, chance=True, **fields)


def names(lab: Scripted) -> list[str]:
    return [name for name, _ in lab.bodies]


@pytest.mark.parametrize("status", [400, 500])
def test_a_failure_by_chance_is_asked_once_more_at_the_same_deployment(status: int) -> None:
    lab = Scripted({"a": said(), "b": said("Never heard.")}, before={"a": [chance(status=status)]})
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, [str(status), "ok"])
    assert names(lab) == ["a", "a"]
    assert "a" not in lab.cooldown
    assert heard.pieces[0][0] < 0.5


def test_two_in_a_row_are_a_failure_and_the_next_one_answers() -> None:
    lab = Scripted({"a": EMPTY, "b": said()})
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["empty", "empty", "ok"])
    assert names(lab) == ["a", "a", "b"]
    assert "a" in lab.cooldown
    assert "b" not in lab.cooldown


def test_alone_it_is_asked_twice_and_no_more() -> None:
    lab = Scripted({"a": EMPTY})
    heard = lab.hear()
    assert heard.error
    assert names(lab) == ["a", "a"]


@pytest.mark.parametrize(
    "script",
    [
        [(1.5, END)],  # late
        [(0.1, Event(reasoning=40)), (0.1, END)],  # it thought, and found nothing to say
        [(0.1, Event(finish_reason="length"))],
        [(0.1, AttemptError("500", status=500))],  # a kind that would fail again
        [(0.1, AttemptError("503", "connection refused", 503, Code.SERVER_UNREACHABLE))],
    ],
)
def test_anything_else_is_asked_of_the_next_one(script: list) -> None:
    lab = Scripted({"a": script, "b": said()})
    assert lab.hear().text == WELL
    assert names(lab) == ["a", "b"]


def test_while_a_hedge_runs_nobody_is_asked_once_more() -> None:
    lab = Scripted({"a": [(0.9, chance()), (0, END)], "b": said(first=1.0)})
    lab.hedge.enabled = True
    lab.hedge.delay = lambda _: 0.7  # type: ignore
    assert lab.hear().text == WELL
    assert names(lab) == ["a", "b"]


def test_the_second_request_is_hedged_and_cut_off_like_the_first() -> None:
    lab = Scripted({"a": [(FOR_EVER, "")], "b": said()}, before={"a": [chance()]})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert names(lab) == ["a", "a", "b"]
    assert heard.pieces[0][0] < 4


def thoughts(lab: Scripted) -> dict:
    async def run() -> dict:
        call = Call("vui", streamed=False)
        call.deadline = call.began + 20
        return await lab.engine.complete(call, {"messages": [], "tools": TOOLS})

    return run_virtual(run())


@pytest.mark.parametrize("written", ["<function=get_time>{}</function>", '{"name": "get_time"}'])
def test_a_failed_generation_that_is_a_call_of_an_offered_tool_is_that_call(written: str) -> None:
    failed = chance(status=400, failed_call=written)
    lab = Scripted({"a": [(FOR_EVER, "")]}, before={"a": [failed]})
    (call,) = thoughts(lab)["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": "{}"}
    assert names(lab) == ["a"]


def test_a_failed_generation_of_another_tool_is_chance() -> None:
    failed = chance(status=400, failed_call="<function=set_alarm>{}</function>")
    answer = Event(answer={"choices": [{"message": {"content": "Later."}}]})
    lab = Scripted({"a": [(0.1, answer)]}, before={"a": [failed]})
    assert thoughts(lab)["choices"][0]["message"]["content"] == "Later."
    assert names(lab) == ["a", "a"]


@pytest.mark.parametrize(
    ("ended", "status", "left_alone"),
    [(Ending.ENDED_EARLY, 502, True), (Ending.FILTERED, 400, False)],
)
def test_an_end_that_breaks_off_is_continued_by_the_next_one(
    ended: Ending, status: int, *, left_alone: bool
) -> None:
    lost = AttemptError(ended, status=status)
    lab = Scripted({"a": broken(6, (0, Event(broken=lost))), "b": said("Here. Bring boots.")})
    heard = lab.hear()
    assert heard.text == "The rain falls here. Here. Bring boots."
    assert heard.ended == [ended, "ok"]
    assert ("a" in lab.cooldown) is left_alone


def test_alone_an_end_that_breaks_off_is_an_error() -> None:
    lost = AttemptError(Ending.FILTERED, "", 400, Code.CONTENT_POLICY_VIOLATION)
    heard = Scripted({"a": broken(6, (0, Event(broken=lost)))}).hear()
    assert heard.text == "The rain falls here. "
    assert heard.error
    assert heard.error.code == Code.CONTENT_POLICY_VIOLATION


def test_limited_thoughts_leave_the_reply_its_model_and_are_left_out_meanwhile() -> None:
    limit = AttemptError("429", "slow down", 429, Code.PROVIDER_RATE_LIMITED, 7.0)
    lab = Scripted({"a": [(0.1, limit)]})

    async def think() -> dict:
        call = Call("vui", streamed=False)
        call.deadline = call.began + 20
        return await lab.engine.complete(call, {"messages": [], "tools": TOOLS})

    async def run() -> None:
        with pytest.raises(AttemptError, match="slow down"):
            await think()
        assert "a" not in lab.cooldown
        assert await think() == NO_TOOL
        assert names(lab) == ["a"]
        await asyncio.sleep(COOLDOWN + 1)
        with pytest.raises(AttemptError, match="slow down"):
            await think()
        assert names(lab) == ["a", "a"]

    run_virtual(run())
