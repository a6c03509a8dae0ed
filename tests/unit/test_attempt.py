"""One deployment's answer as it comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from vui_gateway.turns.attempt import RunningAttempt
from vui_gateway.turns.call import Attempt, Event
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.limits import Limits

from tests.support.clock import run_virtual
from tests.support.scripted import RAIN, Scripted, said

REPLY = ["It is sunny. ", "It stays so. ", *["Really. "] * 30]


def test_a_sentence_is_released_before_the_rest_of_a_burst_is_read() -> None:
    read: list[str] = []

    async def all_at_once(*_: object) -> AsyncGenerator[Event]:
        await asyncio.sleep(0.1)
        for text in REPLY:
            read.append(text)
            yield Event(text)
        yield Event(finish_reason="stop")

    async def run() -> tuple[str, int]:
        attempt = RunningAttempt(Attempt(Deployment("a", "openai/a"), {}), all_at_once)
        await attempt.first_words(4.0)
        async for piece in attempt.pieces(Limits(), lambda: False):
            attempt.close("ok")
            return piece, len(read)
        return "", 0

    assert run_virtual(run()) == ("It is sunny. ", 2)


def test_a_reply_that_a_cancelled_task_of_a_callback_breaks_off_is_taken_over() -> None:
    class Leaking(Scripted):
        async def open(self, name: str, body: dict, attempt: Attempt) -> AsyncGenerator[Event]:
            async for event in super().open(name, body, attempt):
                yield event
            if name == "a":
                raise asyncio.CancelledError

    heard = Leaking({"a": said(RAIN)[:6], "b": said("Take a coat with you.")}).hear()
    assert heard.error is None
    assert heard.text.endswith("Take a coat with you.")
    assert heard.text.count("coat") == 1
    assert heard.ended == ["ended-early", "ok"]
