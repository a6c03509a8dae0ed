"""The poller that every test waits with."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.poll import until, wait_until


async def waited(condition: Callable[[], Any], seconds: float, what: Any) -> list[Any]:
    """What both ways of waiting give, or the words that they give up with."""
    found: list[Any] = []
    for asynchronous in (False, True):
        try:
            if asynchronous:
                found.append(await until(condition, seconds, what))
            else:
                found.append(wait_until(condition, seconds, what))
        except TimeoutError as error:
            found.append(str(error))
    return found


async def test_the_first_true_value_is_given() -> None:
    values = iter([0, "", "one", None, "two"])
    assert await waited(lambda: next(values), 5, "a value") == ["one", "two"]


async def test_what_never_comes_is_named() -> None:
    assert await waited(lambda: 0, 0.02, "the end") == ["not within 0.02 s: the end"] * 2
    assert await waited(lambda: 0, 0, lambda: [1]) == ["not within 0 s: [1]"] * 2


async def test_a_slow_condition_is_tried_once_more_when_the_time_is_up() -> None:
    tries: list[float] = []

    def slow() -> bool:
        tries.append(time.monotonic())
        time.sleep(0.03)
        return len(tries) % 2 == 0

    assert await waited(slow, 0.01, "the second try") == [True, True]


async def test_a_coroutine_function_is_awaited() -> None:
    async def no() -> bool:
        return False

    with pytest.raises(TimeoutError):
        await until(no, 0.02, "yes")
