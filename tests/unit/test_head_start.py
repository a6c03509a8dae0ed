"""The reply that is asked for before its turn is certain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from tests.support.clock import run_virtual
from vui_litellm.head_start import HEAD_START, UNCLAIMED, HeadStart

SOUL = {"role": "system", "content": "You are a voice."}
TURNS = 2000


def turn(text: str, *before: dict) -> list[dict]:
    return [SOUL, *before, {"role": "user", "content": text}]


class Provider:
    """Replies with the words of the question, and knows which of its calls are open."""

    def __init__(self, pace: float = 0.01, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.names: list[str] = []
        self.open = 0
        self.closed: list[float] = []  # seconds
        self._pace, self._error = pace, error

    async def ask(self, messages: list[dict], **options: Any) -> AsyncGenerator[str]:
        self.asked.append(messages[-1]["content"])
        self.names.append(HEAD_START.get())
        self.open += 1
        try:
            for word in messages[-1]["content"].split():
                await asyncio.sleep(self._pace)
                yield f"{word} "
            if self._error:
                raise self._error
            options["stats"]["ctx_used"] = 7
        finally:
            self.open -= 1
            self.closed.append(asyncio.get_running_loop().time())


async def spoken(tokens: Any) -> str:
    async with aclosing(tokens):
        return "".join([token async for token in tokens])


def test_a_reply_is_heard_from_its_beginning_however_far_it_is() -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        for waited in (0, 0.025, 5):
            head.start(turn("Is it raining?"), stop=["x"])
            await asyncio.sleep(waited)
            ahead = head.take(turn("Is it raining?"), stop=["x"])
            assert ahead
            assert await spoken(ahead) == "Is it raining? "
            assert ahead.stats == {"ctx_used": 7}
        assert len(provider.asked) == 3

    run_virtual(run())


@pytest.mark.parametrize(
    ("started", "asked"),
    [
        ("is it raining", "Is it raining?"),
        ("Is it raining.", " Is  it raining ?"),
        ("Is it raining …", "is it raining!"),
    ],
)
def test_case_white_space_and_marks_at_the_end_mean_the_same(started: str, asked: str) -> None:
    async def run() -> None:
        head = HeadStart(Provider().ask)
        head.start(turn(started))
        assert head.take(turn(asked))

    run_virtual(run())


@pytest.mark.parametrize(
    ("messages", "options"),
    [
        (turn("Is it raining in Rome?"), {}),
        (turn("It is raining, is it"), {}),
        (turn("Is it raining?", {"role": "assistant", "content": "Hello."}), {}),
        ([{"role": "system", "content": "you are a voice"}, *turn("Is it raining?")[1:]], {}),
        ([SOUL, {"role": "assistant", "content": "Is it raining?"}], {}),
        (turn("Is it raining?"), {"max_tokens": 9}),
    ],
)
def test_anything_else_ends_the_call_and_nothing_of_it_is_heard(
    messages: list[dict], options: dict
) -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        head.start(turn("Is it raining?"))
        await asyncio.sleep(0.015)
        assert provider.open == 1
        assert head.take(messages, **options) is None
        await asyncio.sleep(0)
        assert provider.open == 0
        assert head.take(turn("Is it raining?")) is None

    run_virtual(run())


def test_at_most_two_are_started_for_a_turn_and_two_more_for_the_next() -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        for text in ("One", "one.", "One two", "One two three", "One two three four"):
            head.start(turn(text))
            await asyncio.sleep(0.001)
        assert provider.asked == ["One", "One two"]
        assert provider.open == 0, "the second one means something else by now"
        assert head.take(turn("One two three four")) is None
        head.start(turn("Five"))
        ahead = head.take(turn("Five"))
        assert ahead
        assert await spoken(ahead) == "Five "

    run_virtual(run())


def test_cancelling_closes_the_call_at_once() -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        head.start(turn("Is it raining?"))
        await asyncio.sleep(0.015)
        head.cancel()
        await asyncio.sleep(0)
        assert provider.open == 0
        assert head.take(turn("Is it raining?")) is None

    run_virtual(run())


def test_a_reply_that_is_left_ends_its_call() -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        for heard in (0, 1):
            head.start(turn("Is it raining?"))
            await asyncio.sleep(0.001)
            ahead = head.take(turn("Is it raining?"))
            assert ahead
            async with aclosing(ahead) as tokens:
                for _ in range(heard):
                    await anext(tokens)
            assert provider.open == 0

    run_virtual(run())


def test_a_call_that_nobody_asks_for_ends_after_a_while_and_a_claimed_one_does_not() -> None:
    async def run() -> None:
        provider = Provider(pace=10)
        head = HeadStart(provider.ask)
        head.start(turn("One two three"))
        await asyncio.sleep(UNCLAIMED + 1)
        assert provider.open == 0
        assert head.take(turn("One two three")) is None
        head.start(turn("One two three"))
        ahead = head.take(turn("One two three"))
        assert ahead
        assert await spoken(ahead) == "One two three "

    run_virtual(run())


async def answering(seconds: float, head: HeadStart, text: str = "") -> None:
    """vui's answer to a turn: it asks for this reply after a while, or for none."""
    await asyncio.sleep(seconds)
    if text and (ahead := head.take(turn(text))):
        assert await spoken(ahead) == f"{text} "


def test_a_call_whose_turn_is_not_answered_ends_at_once() -> None:
    async def run() -> None:
        provider = Provider(pace=1)
        head = HeadStart(provider.ask)
        head.start(turn("One two three"))
        await asyncio.sleep(0.1)
        head.end_unasked(None)
        await asyncio.sleep(0)
        assert provider.open == 0

    run_virtual(run())


@pytest.mark.parametrize("asks", [True, False])
def test_a_call_whose_turn_is_answered_ends_with_the_answer_that_does_not_ask_for_it(
    asks: bool,
) -> None:
    async def run() -> None:
        provider = Provider(pace=1)
        head = HeadStart(provider.ask)
        head.start(turn("One two three"))
        answer = asyncio.create_task(answering(2.5, head, "One two three" if asks else ""))
        head.end_unasked(answer)
        await asyncio.sleep(2.4)
        assert provider.open == 1
        await answer
        await asyncio.sleep(0.01)
        assert provider.open == 0
        assert provider.asked == ["One two three"]

    run_virtual(run())


def test_an_answer_that_ends_late_leaves_the_next_turns_call_alone() -> None:
    async def run() -> None:
        provider = Provider(pace=1)
        head = HeadStart(provider.ask)
        head.start(turn("One two three"))
        late = asyncio.create_task(answering(2.5, head))
        head.end_unasked(late)
        head.start(turn("Four five six"))
        await late
        await asyncio.sleep(0.01)
        assert provider.open == 1
        assert head.take(turn("Four five six"))

    run_virtual(run())


def test_one_that_has_failed_is_asked_anew_and_one_that_fails_later_says_so() -> None:
    async def run() -> None:
        head = HeadStart(Provider(error=OSError("away")).ask)
        head.start(turn("One two"))
        await asyncio.sleep(1)
        assert head.take(turn("One two")) is None
        head.start(turn("One two"))
        ahead = head.take(turn("One two"))
        assert ahead
        heard = []
        with pytest.raises(OSError, match="away"):
            async for token in ahead:
                heard.append(token)
        assert heard == ["One ", "two "]

    run_virtual(run())


def test_only_the_call_of_a_head_start_has_its_name() -> None:
    async def run() -> None:
        provider = Provider()
        head = HeadStart(provider.ask)
        head.start(turn("One"))
        ahead = head.take(turn("One"))
        assert ahead
        await spoken(ahead)
        await spoken(provider.ask(turn("Two"), stats={}))
        assert provider.names == [ahead.name, ""]

    run_virtual(run())


async def random_turn(head: HeadStart, provider: Provider, chance: random.Random) -> bool:
    """One turn as vui has it; returns whether its reply was there ahead."""
    text = f"question {chance.randrange(3)}"
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):  # pauses, after which the user speaks on
        head.start(turn(text))
        for _ in range(chance.choice((0, 0, 1, 2))):  # the transcript changes while vui waits
            await asyncio.sleep(chance.uniform(0, 0.1))
            text += chance.choice((".", " more", " again", "?"))
            if chance.random() < 0.8:  # else vui commits before it is seen
                head.start(turn(text))
        await asyncio.sleep(chance.uniform(0, 0.3))
        if chance.random() < 0.3:
            head.cancel()
            text += " and then"
    ahead = head.take(turn(text))
    reply = ahead or provider.ask(turn(text), stats={})
    async with aclosing(reply) as tokens:
        heard = ""
        async for token in tokens:
            heard += token
            if chance.random() < 0.05:
                return bool(ahead)  # a barge-in
    said, committed = (" ".join(x.split()).rstrip(" .?") for x in (heard, text))
    assert said == committed, "a reply to another text than was committed"
    return bool(ahead)


def test_no_reply_is_ever_to_another_text_and_no_call_stays_open() -> None:
    async def run() -> None:
        provider, chance = Provider(pace=0.05), random.Random(3)
        head = HeadStart(provider.ask)
        used = 0
        for _ in range(TURNS):
            used += await random_turn(head, provider, chance)
            await asyncio.sleep(0)
            assert provider.open == 0
        assert TURNS / 4 < used < TURNS

    run_virtual(run())
