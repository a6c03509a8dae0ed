"""Which attempt of a call is the first to speak."""

from __future__ import annotations

import asyncio

import pytest
from vui_gateway.errors import Code, Ending
from vui_gateway.providers.blame import HOUR, Blame, Blamed
from vui_gateway.turns.call import AttemptError, Call
from vui_gateway.turns.deployment import Deployment

from tests.support.clock import run_virtual
from tests.support.scripted import FOR_EVER, WELL, Scripted, Step, said


def test_a_late_first_word_is_hedged_and_the_loser_cancelled_at_once() -> None:
    lab = Scripted({"late": said("Too late to be heard.", first=3.5), "well": said(first=0.2)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["hedged-lost", "ok"]
    assert heard.pieces[0][0] == pytest.approx(1.5 + 0.2, abs=0.1)
    assert lab.closed["late"] == pytest.approx(1.7)
    assert "late" not in lab.cooldown


def test_the_same_deployment_is_hedged_when_the_group_has_no_other() -> None:
    lab = Scripted({"only": said(first=2.0)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["ok", "hedged-lost"]


def test_no_hedge_is_wasted_on_a_sick_one() -> None:
    lab = Scripted({"well": said(first=2.0), "sick": said("Never heard.")})
    lab.hedge.enabled = True
    lab.cooldown.failed(Deployment("sick", "sick"), Blame(Blamed.KEY, HOUR))
    assert lab.hear().text == WELL
    assert [name for name, _ in lab.bodies] == ["well", "well"]


def test_the_loser_of_a_hedge_is_asked_again_when_the_winner_breaks_off() -> None:
    late: list[Step] = [(1.6, "It "), (0, "rains. "), (0, "Take "), (FOR_EVER, "")]
    lab = Scripted({"breaks": late, "well": said(first=0.5)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.error is None
    assert heard.text == f"It rains. {WELL}"
    assert heard.ended == ["stalled", "hedged-lost", "ok"]


def test_when_both_speak_at_once_the_later_one_is_cancelled() -> None:
    lab = Scripted({"a": said(first=2.0), "b": said("Never heard.", first=0.5)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["ok", "hedged-lost"])
    assert lab.closed["b"] == pytest.approx(2.0)


def test_a_hooks_refusal_is_everybodys_and_nobody_else_is_asked() -> None:
    refused = AttemptError(Ending.HOOK, "Not in this house.", 422, Code.PROVIDER_REFUSED_REQUEST)
    lab = Scripted({"a": [(0.1, refused)], "b": said("Never heard.")})
    heard = lab.hear()
    assert str(heard.error) == "Not in this house."
    assert [name for name, _ in lab.bodies] == ["a"]
    assert "a" not in lab.cooldown


def test_a_bug_in_one_attempt_ends_that_attempt_and_the_next_one_answers() -> None:
    lab = Scripted({"a": [(0.1, ValueError("a bug"))], "b": said()})
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["ValueError", "ok"])
    assert "a bug" in heard.call.attempts[0].reason


def test_the_winner_ends_with_a_call_that_a_hook_refuses_beside_it() -> None:
    refused = AttemptError(Ending.HOOK, "Not in this house.", 422, Code.PROVIDER_REFUSED_REQUEST)
    lab = Scripted({"a": said(first=2.0), "b": [(0.5, refused)]})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.error is refused
    assert heard.ended == ["hung-up", "hook"]
    assert lab.closed["a"] == pytest.approx(2.0)


def test_after_a_reply_of_which_nothing_can_be_said_the_next_one_answers() -> None:
    lab = Scripted({"a": said("![](http://a.test/b.png)"), "b": said()})
    lab.engine.configure(4.0, 20.0, hedge=False, plain_speech=True)
    heard = lab.hear()
    assert (heard.text, heard.error) == (WELL, None)
    assert heard.ended == ["empty", "ok"]
    assert "a" not in lab.cooldown


def test_a_bug_in_the_look_at_a_server_ends_its_attempt_with_the_call() -> None:
    class Broken(Scripted):
        async def look(self, _: str) -> str:
            raise RuntimeError("boom")

    lab = Broken({"a": [(FOR_EVER, "x")]}, servers={"a": "http://nas"})

    async def run() -> tuple[set[str], list[str]]:
        call = Call("vui", deadline=9.0)
        with pytest.raises(RuntimeError, match="boom"):
            async for _ in lab.engine.stream(
                call, {"messages": [{"role": "user", "content": "a"}]}
            ):
                pass
        await asyncio.sleep(1)
        return {*lab.closed}, [attempt.ended for attempt in call.attempts]

    assert run_virtual(run()) == ({"a"}, ["hung-up"])
