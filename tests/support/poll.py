"""The one way to wait for something: until a condition is true, or it's too late."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["until", "wait_until"]

STEP = 0.01  # seconds between two tries


def wait_until(
    condition: Callable[[], Any], seconds: float, what: str | Callable[[], object]
) -> Any:
    """The condition's first true value; it is tried at least once after `seconds`, too.

    what: what is awaited, in words; or a function that says how far it came.

    Raises:
        TimeoutError: it stayed false.
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= deadline
        if value := condition():
            return value
        if late:
            raise _too_late(what, seconds)
        time.sleep(STEP)


async def until(
    condition: Callable[[], Any | Awaitable[Any]],
    seconds: float,
    what: str | Callable[[], object],
) -> Any:
    """The same beside a running loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= deadline
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if late:
            raise _too_late(what, seconds)
        await asyncio.sleep(STEP)


def _too_late(what: str | Callable[[], object], seconds: float) -> TimeoutError:
    said = what if isinstance(what, str) else what()
    return TimeoutError(f"not within {seconds} s: {said}")
