"""A server of one's own is waited for, isn't asked twice, and isn't blamed for what it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest
from vui_gateway.errors import Code, Ending
from vui_gateway.providers.blame import HOUR
from vui_gateway.turns.call import Attempt, AttemptError, Call, Event
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.prefill import MOST_WAITING, Prefill

from tests.support.clock import run_virtual
from tests.support.scripted import END, FOR_EVER, WELL, Scripted, Step, said

HOME = {"home": "http://nas:8080"}
BOTH = {"home": "http://nas:8080", "other": "http://nas:8080"}
THINKS: list[Step] = [*[(0.5, Event(reasoning=5))] * 13, *said(first=0.5)]


def loading(times: int) -> dict[str, list[Exception]]:
    why = "Loading model", 503, Code.MODEL_LOADING
    return {"home": [AttemptError(Ending.LOADING, *why) for _ in range(times)]}


@pytest.mark.parametrize("seconds", [6.0, 20.0, 29.0])
def test_who_is_alone_at_home_is_waited_for_and_asked_once(seconds: float) -> None:
    lab = Scripted({"home": said(first=seconds)}, servers=HOME)
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["ok"]
    assert len(lab.bodies) == 1


def test_for_half_a_minute_and_no_longer() -> None:
    heard = Scripted({"home": [(FOR_EVER, "")]}, servers=HOME).hear()
    assert heard.error is not None
    assert heard.seconds == pytest.approx(30.0, abs=0.6)


@pytest.mark.parametrize(("where", "seconds"), [("http://nas:8080", 60.0), ("", 20.0)])
def test_thoughts_at_home_may_take_long_since_nobody_waits_for_them(
    where: str, seconds: float
) -> None:
    answer = Event(answer={"choices": [{"message": {"content": "x"}}]})
    lab = Scripted({"home": [(60.0, answer)]}, servers={"home": where})

    async def run() -> float:
        call = Call("vui", streamed=False)
        call.deadline = call.began + lab.engine.limits.thoughts[0]
        with suppress(AttemptError):
            assert await lab.engine.complete(call, {"messages": []}) == answer.answer
        return asyncio.get_running_loop().time() - call.began

    assert run_virtual(run()) == pytest.approx(seconds, abs=0.6)


def test_a_limit_of_the_file_holds_at_home_too() -> None:
    heard = Scripted({"home": said(first=6)}, servers=HOME, own_limit=3.0).hear()
    assert heard.ended == ["no-words"]
    assert heard.seconds == pytest.approx(3.0, abs=0.1)


def test_with_another_one_that_is_well_the_usual_limit_holds() -> None:
    heard = Scripted({"home": said(first=20), "paid": said()}, servers=HOME).hear()
    assert heard.ended == ["no-words", "ok"]
    assert heard.pieces[0][0] < 4.4


def test_who_isnt_at_home_fails_after_a_look_with_the_reason() -> None:
    lab = Scripted({"home": [(FOR_EVER, "")]}, servers=HOME, trouble="Nothing answers.")
    heard = lab.hear()
    assert heard.error is not None
    assert heard.error.code == Code.SERVER_UNREACHABLE
    assert str(heard.error) == "Nothing answers."
    assert heard.seconds < 2


@pytest.mark.parametrize(("servers", "asked"), [(BOTH, 1), ({**BOTH, "other": "http://b"}, 2)])
def test_a_hedge_goes_to_another_server_or_nowhere(servers: dict, asked: int) -> None:
    lab = Scripted({"home": said(first=3), "other": said(first=3)}, servers=servers)
    lab.hedge.enabled = True
    assert lab.hear().text == WELL
    assert len(lab.bodies) == asked


def test_a_paid_one_that_is_late_is_still_hedged_to_itself() -> None:
    lab = Scripted({"paid": said(first=3)})
    lab.hedge.enabled = True
    lab.hear()
    assert len(lab.bodies) == 2


def test_who_thinks_unasked_is_waited_for_while_nobody_else_can_be_asked() -> None:
    for lab in (Scripted({"home": THINKS}, servers=HOME), Scripted({"a": THINKS})):
        assert lab.hear().text == WELL
    lab = Scripted({"a": THINKS, "b": said()}, servers={"a": "x"})
    assert lab.hear().ended[0] == "no-words"


def test_who_thinks_for_ever_is_waited_for_half_a_minute() -> None:
    for lab in (
        Scripted({"home": THINKS[:1] * 200}, servers=HOME),
        Scripted({"a": THINKS[:1] * 200}),
    ):
        heard = lab.hear()
        assert heard.ended == ["no-words"]
        assert heard.seconds == pytest.approx(30.0, abs=0.6)


def test_a_server_that_loads_its_model_is_asked_until_it_has() -> None:
    lab = Scripted({"home": said()}, servers=HOME, before=loading(9))
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["ok"]
    assert heard.pieces[0][0] == pytest.approx(4.7, abs=0.3)
    assert len(lab.bodies) == 10


@pytest.mark.parametrize("servers", [HOME, {}], ids=["at home", "elsewhere"])
def test_who_loads_for_ever_is_said_to_and_not_blamed(servers: dict[str, str]) -> None:
    lab = Scripted({"home": said()}, servers=servers, before=loading(1000))
    heard = lab.hear()
    assert heard.error is not None
    assert heard.error.code == Code.MODEL_LOADING
    assert heard.seconds == pytest.approx(30.0, abs=0.6)
    assert "home" not in lab.cooldown


def test_while_one_loads_another_one_answers_at_once_and_nobody_is_blamed() -> None:
    lab = Scripted({"home": said(), "paid": said()}, servers=HOME, before=loading(1000))
    heard = lab.hear()
    assert heard.ended == [Ending.LOADING, "ok"]
    assert heard.pieces[0][0] < 0.5
    assert "home" not in lab.cooldown


def test_who_shall_think_and_shows_nothing_of_it_is_waited_for_alone() -> None:
    lab = Scripted({"a": said(first=12)}, thinks=True)
    assert lab.hear().text == WELL
    assert len(lab.bodies) == 1
    lab = Scripted({"a": said(first=12), "b": said()}, thinks=True)
    assert lab.hear().ended == ["no-words", "ok"]


@pytest.mark.parametrize("servers", [HOME, {}], ids=["at home", "elsewhere"])
def test_who_loads_for_15_s_is_waited_for_wherever_it_is(servers: dict[str, str]) -> None:
    lab = Scripted({"home": said()}, servers=servers, before=loading(30))
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.pieces[0][0] == pytest.approx(15.2, abs=0.3)


@pytest.mark.parametrize("servers", [HOME, {}], ids=["at home", "elsewhere"])
def test_a_limit_of_the_file_holds_while_it_loads(servers: dict[str, str]) -> None:
    lab = Scripted({"home": said()}, servers=servers, before=loading(1000), own_limit=3.0)
    heard = lab.hear()
    assert heard.ended == [Ending.LOADING]
    assert heard.seconds == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("text", "others", "seconds"),
    [
        ("Yes.", True, 2.6),
        ("Yes.", False, 4.0),
        ("One two three four five six seven eight nine.", True, 3.6),  # as long as it is heard
        ("So one two three four five six seven eight nine ten eleven twelve.", True, 4.2),
    ],
)
def test_a_reply_that_stalls_is_given_up_when_nothing_is_left_to_hear(
    text: str, others: bool, seconds: float
) -> None:
    steps: list[Step] = [(0.1, f"{text} And"), (FOR_EVER, "")]
    lab = Scripted({"a": steps, **({"b": said("And more.")} if others else {})})
    heard = lab.hear()
    assert heard.ended[0] == Ending.STALLED
    assert (heard.pieces[1][0] if others else heard.seconds) == pytest.approx(seconds, abs=0.2)


TOOLS: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "get_time"}}]}
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "Yes."}}]}
REFUSED = AttemptError(Ending.NO_TOOLS, "no", 500, Code.PROVIDER_REFUSED_TOOLS, reason="no tools")


def thoughts(lab: Scripted, *waits: float, edit: bool = False) -> list[str]:
    """What several calls with tools are answered with, one after the other."""

    async def run() -> list[str]:
        found = []
        for wait in waits:
            await asyncio.sleep(wait)
            if edit:
                lab.engine.configure(4.0, 20.0, hedge=False)
            call = Call("vui", streamed=False)
            call.deadline = call.began + 20
            answer = await lab.engine.complete(call, {"messages": [], **TOOLS})
            found.append(answer["choices"][0]["message"]["content"])
        return found

    return run_virtual(run(), 3 * HOUR)


def refusing(**more: list[Step]) -> Scripted:
    whole: list[Step] = [(0.1, Event(answer=ANSWER))]
    scripts = {"home": [(0.0, REFUSED)], **(more or {})}
    return Scripted({name: steps or whole for name, steps in scripts.items()}, servers=HOME)


def test_who_refuses_tools_is_asked_once_and_no_tool_is_called() -> None:
    lab = refusing()
    assert thoughts(lab, 0, 0, 60) == ["", "", ""]
    assert len(lab.bodies) == 1
    assert "home" not in lab.cooldown


def test_the_next_one_of_the_group_thinks_instead() -> None:
    lab = refusing(paid=[])
    assert thoughts(lab, 0, 0) == ["Yes.", "Yes."]
    assert [name for name, _ in lab.bodies] == ["home", "paid", "paid"]


def test_who_refused_tools_is_asked_again_after_an_hour_or_an_edit() -> None:
    lab = refusing()
    thoughts(lab, 0, HOUR - 5)
    assert len(lab.bodies) == 1
    lab = refusing()
    thoughts(lab, 0, HOUR + 1)
    assert len(lab.bodies) == 2
    lab = refusing()
    thoughts(lab, 0, 0, edit=True)
    assert len(lab.bodies) == 2


def test_a_reply_that_offers_tools_comes_without_them() -> None:
    lab = Scripted({"home": said()}, servers=HOME, before={"home": [REFUSED]})
    assert lab.hear(**TOOLS).text == WELL
    assert ["tools" in body for _, body in lab.bodies] == [True, False]


class Reading:
    """A server that reads prompts for ten seconds each."""

    def __init__(self, *, local: bool = True, server: str = "http://nas:8080") -> None:
        self.deployment = Deployment("a", "openai/a", local=local, server=server)
        self.asked: list[Attempt] = []
        self.most = self.running = self.ended = 0
        self.prefill = Prefill(self.open, self.choose)

    async def choose(self, _: str) -> Deployment:
        return self.deployment

    async def open(self, _: str, __: dict, attempt: Attempt) -> AsyncGenerator[Event]:
        self.asked.append(attempt)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(10)
            self.ended += 1
            yield END
        finally:
            self.running -= 1

    async def call(self, seconds: float = 5) -> None:
        attempt = Attempt(self.deployment, {})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                async for _ in self.prefill.call("a", {}, attempt):
                    pass


BODY: dict[str, Any] = {"messages": [{"role": "system", "content": "soul"}]}


def test_a_paid_deployment_is_sent_nothing_before_the_turn() -> None:
    async def run() -> None:
        reading = Reading(local=False)
        assert await reading.prefill.run("vui", BODY) is False
        assert not reading.asked

    run_virtual(run())


def test_without_a_prompt_it_is_only_said_that_one_may_come() -> None:
    async def run() -> None:
        reading = Reading()
        assert await reading.prefill.run("vui", {}) is True
        assert not reading.asked

    run_virtual(run())


def test_prompts_are_read_one_at_a_time_for_one_token_and_are_no_part_of_a_bill() -> None:
    async def run() -> None:
        reading = Reading()
        await asyncio.gather(*(reading.prefill.run("vui", BODY) for _ in range(2)))
        assert (len(reading.asked), reading.most, reading.ended) == (2, 1, 2)
        for attempt in reading.asked:
            assert attempt.body["max_tokens"] == 1
            assert not attempt.counted

    run_virtual(run())


def test_a_call_ends_what_is_read_and_what_waits_is_given_up() -> None:
    async def run() -> None:
        reading = Reading()
        preparing = [asyncio.create_task(reading.prefill.run("vui", BODY)) for _ in range(3)]
        await asyncio.sleep(1)
        await reading.call(seconds=5)
        await asyncio.gather(*preparing)
        assert len(reading.asked) == 2  # one that had begun, and the call
        assert not reading.ended
        await reading.prefill.run("vui", BODY)
        assert reading.ended == 1  # after it, there is time again

    run_virtual(run())


def test_who_leaves_takes_its_prompt_along_and_few_wait() -> None:
    async def run() -> None:
        reading = Reading()
        preparing = [asyncio.create_task(reading.prefill.run("vui", BODY)) for _ in range(50)]
        await asyncio.sleep(1)
        assert sum(task.done() for task in preparing) == 50 - MOST_WAITING
        for task in preparing:
            task.cancel()
        await asyncio.wait(preparing)
        await asyncio.sleep(0.1)
        assert not reading.running

    run_virtual(run())
