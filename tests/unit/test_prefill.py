"""Prompts that a server of one's own reads before the turn that needs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from vui_gateway.turns.call import Attempt, Event
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.prefill import MOST_WAITING, Prefill

from tests.support.clock import run_virtual
from tests.support.scripted import END


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
