"""Whom calls with tools leave out, and for how long."""

from __future__ import annotations

import asyncio

import pytest
from vui_gateway.turns.call import Attempt, Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.toolless import Toolless

from tests.support.clock import run_virtual

A = Deployment("a", "groq/a")
REPLY = {"messages": [], "max_tokens": 2000}
THOUGHTS = {"messages": [], "max_tokens": 1000, "tools": [{}]}


def reply(toolless: Toolless, limit: int) -> None:
    """A reply with a prompt of 3,000 tokens."""
    toolless.learn(Call(), Attempt(A, REPLY, sent=12_000, tokens_a_minute=limit))


def left_out(toolless: Toolless, *, streamed: bool = False) -> set[str]:
    return toolless.ids(Call(streamed=streamed, sent=16_000), THOUGHTS)


@pytest.mark.parametrize(("limit", "small"), [(6000, True), (9999, True), (10_000, False)])
def test_an_account_too_small_for_a_turn_is_kept_for_replies_and_said_once(
    limit: int, *, small: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        toolless = Toolless()
        for _ in range(2):
            reply(toolless, limit)
            assert left_out(toolless) == ({"a"} if small else set())
            assert left_out(toolless, streamed=True) == set()
        reply(toolless, 30_000)  # a larger plan
        assert left_out(toolless) == set()

    run_virtual(run())
    assert (
        caplog.text.count(f"may ask for {limit} tokens a minute, and a turn needs 10000") == small
    )


def test_a_deployment_is_left_out_for_a_time_or_until_the_configuration_changes() -> None:
    async def run() -> None:
        toolless = Toolless()
        toolless.add("a", 30)
        toolless.add("a", 5)
        assert left_out(toolless) == {"a"}
        await asyncio.sleep(31)
        assert left_out(toolless) == set()
        toolless.add("a", 30)
        toolless.configure({"b": "perplexity/sonar"})
        assert left_out(toolless) == left_out(toolless, streamed=True) == {"b"}

    run_virtual(run())
