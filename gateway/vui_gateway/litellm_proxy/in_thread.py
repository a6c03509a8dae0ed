"""Runs a constructor that may block in a thread of its own, while calls go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any

from vui_gateway.logs import quiet

__all__ = ["START_SECONDS", "in_thread"]

START_SECONDS = 10.0  # for one callback, or the cache


class _LoopOfThread:
    """The running loop, as a constructor in another thread may use it: tasks run in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def create_task(self, task: Coroutine, **_: Any) -> Any:
        # In a context of its own: its later log isn't dropped.
        return Context().run(asyncio.run_coroutine_threadsafe, task, self._loop)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def in_thread(make: Callable[[], Any]) -> Any:
    """The result of `make`; a thread that hangs is left behind, and holds up no exit.

    Raises:
        TimeoutError: it takes too long.
        Exception: whatever it raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future = loop.create_future()

    def settle(set_: Callable[[Any], None], found: Any) -> None:
        if not done.done():
            set_(found)

    def run() -> None:
        asyncio._set_running_loop(_LoopOfThread(loop))  # type: ignore[arg-type]
        try:
            with quiet():
                found, set_ = make(), done.set_result
        except BaseException as error:  # any error of a user's module, SystemExit too
            found, set_ = RuntimeError(str(error) or type(error).__name__), done.set_exception
            found.__cause__ = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, set_, found)

    threading.Thread(target=run, name="callbacks", daemon=True).start()
    async with asyncio.timeout(START_SECONDS):
        return await done
