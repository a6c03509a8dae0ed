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
from tests.support.scripted import FOR_EVER, Scripted, Step, said

HUNG_UP = {"type": "http.disconnect"}


def call(
    lab: Scripted,
    hangs_up: float = FOR_EVER,
    ends: float = FOR_EVER,
    fillers: tuple[str, ...] = (),
    usage: Recorder | None = None,
    head_start: str = "",
    **body: Any,
) -> list[dict]:
    """What is sent to a client that hangs up after so long; the gateway may end before."""
    between = Fillers()
    between.configure(fillers)
    usage, sent = usage or Recorder(), []
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
    headers = [(b"x-vui-head-start", head_start.encode())] if head_start else []
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
                await chat({"type": "http", "headers": headers, CLIENT: THE_OWNER}, receive, send)
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


def test_half_a_character_of_a_whole_answer_is_left_out() -> None:
    half = Event(answer={"choices": [{"message": {"content": "One \ud83d."}}]})
    start, body = call(Scripted({"a": [(0.1, half)]}), stream=False)
    assert start["status"] == 200
    assert json.loads(body["body"])["choices"][0]["message"]["content"] == "One ."


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


def test_a_reply_that_a_token_ended_says_what_was_taken_out_of_it() -> None:
    lab = Scripted({"a": [(0.1, "Oh, good question.<|im_end|>"), (FOR_EVER, "Never heard.")]})
    body = b"".join(message.get("body", b"") for message in call(lab))
    usages = [line for line in body.decode().splitlines() if '"usage"' in line]
    (usage,) = [json.loads(line[6:])["usage"] for line in usages]
    assert usage["taken_out"] == ["tokens"]
