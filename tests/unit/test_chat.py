"""In every way in which a call can end it leaves its line, and what it cost."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.api.auth import CLIENT
from vui_gateway.api.chat import Chat
from vui_gateway.keys.clients import THE_OWNER
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.call import AttemptError, Event
from vui_gateway.turns.fillers import Fillers
from vui_gateway.usage.recorder import Recorder

from tests.support.clock import run_virtual
from tests.support.scripted import END, FOR_EVER, Scripted, Step, said

HUNG_UP = {"type": "http.disconnect"}


def call(
    lab: Scripted,
    hangs_up: float = FOR_EVER,
    ends: float = FOR_EVER,
    fillers: tuple[str, ...] = (),
    **body: Any,
) -> list[dict]:
    """What is sent to a client that hangs up after so long; the gateway may end before."""
    between = Fillers()
    between.sentences = fillers
    usage, sent = Recorder(), []
    router: Any = SimpleNamespace(serves=lambda _: True)
    preconnect: Any = SimpleNamespace(ended=lambda _: None)
    admission = Admission()
    chat = Chat(lab.engine, admission, router, preconnect, usage, between)
    asked = {
        "model": "vui",
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
        **body,
    }
    requests = [{"type": "http.request", "body": json.dumps(asked).encode()}]

    async def receive() -> dict:
        if requests:
            return requests.pop()
        await asyncio.sleep(hangs_up)
        return HUNG_UP

    async def send(message: Any) -> None:
        sent.append({**message, "at": asyncio.get_running_loop().time()})

    async def run() -> None:
        try:
            async with asyncio.timeout(ends):
                await chat({"type": "http", "headers": [], CLIENT: THE_OWNER}, receive, send)
        except (TimeoutError, ZeroDivisionError):
            pass
        assert not admission.running
        await chat.recorded()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0.1)
        assert all(task.done() for task in left), left

    run_virtual(asyncio.wait_for(run(), 1000))
    return sent


ANSWER = Event(answer={"choices": [{"message": {"content": "x"}}]})
ENDINGS: dict[str, tuple[dict[str, list[Step]], dict[str, Any], str, str]] = {
    "whole": ({"a": said()}, {}, "ok", "ok"),
    "thoughts": ({"a": [(0.1, ANSWER)]}, {"stream": False}, "ok", "ok"),
    "failed": ({"a": [(0.1, AttemptError("500", status=500))]}, {}, "500", "500"),
    "failed thoughts": (
        {"a": [(0.1, AttemptError("500", status=500))]}, {"stream": False}, "500", "500",
    ),
    "nobody to ask": ({}, {}, "no-deployment", "-"),
    "barge-in before a word": ({"a": [(FOR_EVER, "")]}, {"hangs_up": 1.0}, "hung-up", "hung-up"),
    "barge-in into thoughts": (
        {"a": [(FOR_EVER, "")]}, {"hangs_up": 1.0, "stream": False}, "hung-up", "hung-up",
    ),
    "barge-in in mid-reply": ({"a": said(pace=1.0)}, {"hangs_up": 2.5}, "hung-up", "hung-up"),
    "barge-in into a takeover": (
        {"a": [(0.1, "One. Two"), (0, AttemptError("500", status=500))], "b": [(FOR_EVER, "")]},
        {"hangs_up": 1.0}, "hung-up", "500,hung-up",
    ),
    "the gateway's end": ({"a": said(pace=1.0)}, {"ends": 2.5}, "hung-up", "hung-up"),
    "the gateway's end before a word": (
        {"a": [(FOR_EVER, "")]}, {"ends": 1.0}, "hung-up", "hung-up",
    ),
}  # fmt: skip


def test_half_a_character_in_a_whole_answer_reaches_the_client() -> None:
    half = Event(answer={"choices": [{"message": {"content": "One \ud83d."}}]})
    start, body = call(Scripted({"a": [(0.1, half)]}), stream=False)
    assert start["status"] == 200
    assert json.loads(body["body"])["choices"][0]["message"]["content"] == "One \ud83d."


@pytest.mark.parametrize("name", ENDINGS)
def test_every_call_leaves_its_line(name: str, caplog: pytest.LogCaptureFixture) -> None:
    scripts, how, outcome, attempts = ENDINGS[name]
    caplog.set_level("INFO", "vui_gateway")
    call(Scripted(scripts), **how)
    (line,) = [text for text in caplog.messages if "outcome=" in text]
    assert f"outcome={outcome} attempts={attempts} " in line


def test_a_bug_of_ours_is_a_failed_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Scripted({"a": said()})
    monkeypatch.setattr(lab.cooldown, "answered", lambda _: 1 / 0)
    caplog.set_level("INFO", "vui_gateway")
    call(lab)
    assert "outcome=ZeroDivisionError attempts=" in caplog.text


@pytest.mark.parametrize("after", [n / 10 + 0.05 for n in range(30)])
def test_a_barge_in_at_any_moment_leaves_nothing_running(
    after: float, caplog: pytest.LogCaptureFixture
) -> None:
    late = said("Rain. It falls here.", first=0.4, pace=0.1)
    breaks: list[Step] = [(0.3, "It rains. "), (0.3, "Take "), (0, AttemptError("500", status=500))]
    lab = Scripted({"breaks": breaks, "hangs": [(FOR_EVER, "")], "late": late})
    lab.hedge.enabled = True
    caplog.set_level("INFO", "vui_gateway")
    call(lab, hangs_up=after)
    assert "outcome=" in caplog.text
    assert set(lab.closed) | {"breaks", "late"} >= {name for name, _ in lab.bodies}


FILLERS = ("Hmm, let me think.", "Still thinking.")
THOUGHT: Step = (0.5, Event(reasoning=5))


def heard(sent: list[dict]) -> list[tuple[str, float]]:
    """The pieces of a reply, or its error's code; and when each was sent."""
    found = []
    for message in sent:
        for line in message.get("body", b"").decode().splitlines():
            data = json.loads(line[6:]) if line.startswith("data: {") else {}
            for choice in data.get("choices", ()):
                if text := choice["delta"].get("content"):
                    found.append((text, round(message["at"], 1)))
            if "error" in data:
                found.append((data["error"]["code"], round(message["at"], 1)))
    return found


def test_the_listener_hears_that_a_model_thinks_and_then_its_reply() -> None:
    lab = Scripted({"a": [*[THOUGHT] * 25, *said("Oh, good question.")]})
    pieces = heard(call(lab, fillers=FILLERS))
    began = pieces[0][1] - 2.5
    assert [(text, round(at - began, 1)) for text, at in pieces] == [
        ("Hmm, let me think. ", 2.5), ("Still thinking. ", 10.0), ("Oh, good question.", 12.6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "fillers"),
    [
        ([*[THOUGHT] * 7, *said("Oh, good question.")], ()),
        ([THOUGHT, *said("Oh, good question.", first=1.5)], FILLERS),
        (said("Oh, good question.", first=3.5), FILLERS),
        ([THOUGHT, (0.5, "Oh, "), (3.0, "good question."), (0, END)], FILLERS),
    ],
    ids=["switched off", "early words", "no thoughts", "a slow sentence"],
)  # fmt: skip
def test_nothing_is_said_before_a_reply_otherwise(
    steps: list[Step], fillers: tuple[str, ...]
) -> None:
    pieces = heard(call(Scripted({"a": steps}), fillers=fillers))
    assert "".join(text for text, _ in pieces) == "Oh, good question."


def test_thoughts_that_nobody_hears_get_no_sentence() -> None:
    lab = Scripted({"a": [*[THOUGHT] * 7, (0.1, ANSWER)]})
    assert b"think" not in call(lab, stream=False, fillers=FILLERS)[-1]["body"]


def test_an_error_follows_what_was_said_before_it() -> None:
    lab = Scripted({"a": [*[THOUGHT] * 7, (0.1, AttemptError("500", status=500))]})
    pieces = heard(call(lab, fillers=FILLERS))
    assert [text for text, _ in pieces] == ["Hmm, let me think. ", "no_answer"]


def test_what_was_said_while_a_model_thought_is_not_sent_back_to_one() -> None:
    lab = Scripted({"a": said()})
    talk = [
        ("user", "Why?"), ("assistant", "Hmm, let me think. Still thinking. Since it rains."),
        ("user", "Hmm, let me think."), ("assistant", "Hmm, let me think."), ("user", "Go on"),
    ]  # fmt: skip
    messages = [{"role": role, "content": text} for role, text in talk]
    call(lab, fillers=FILLERS, messages=messages)
    sent = [message["content"] for message in lab.bodies[0][1]["messages"]]
    assert sent == ["Why?", "Since it rains.", "Hmm, let me think.", "", "Go on"]


def test_a_reply_that_a_token_ended_says_what_was_taken_out_of_it() -> None:
    lab = Scripted({"a": [(0.1, "Oh, good question.<|im_end|>"), (FOR_EVER, "Never heard.")]})
    body = b"".join(message.get("body", b"") for message in call(lab))
    usages = [line for line in body.decode().splitlines() if '"usage"' in line]
    (usage,) = [json.loads(line[6:])["usage"] for line in usages]
    assert usage["taken_out"] == ["tokens"]
