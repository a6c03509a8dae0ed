"""Clocks of a test's own: seconds of waiting take no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

__all__ = ["WallClock", "run_virtual"]


class _Selector(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list:
        if timeout is None and not self.get_map():
            raise RuntimeError("nothing will ever happen any more")
        self.now += max(0.0, timeout or 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run_virtual[T](work: Coroutine[Any, Any, T], seconds: float = 3600) -> T:
    """The coroutine's result; it may only wait for time, not for sockets."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(asyncio.wait_for(work, seconds))


class WallClock:
    """What `time.time`, `time.strftime` and the like tell in this process: seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    @contextmanager
    def set(self) -> Iterator[None]:
        """Everybody's clock in here; only `datetime` and what measures durations go on."""
        real = time.strftime, time.localtime, time.gmtime

        def strftime(form: str, when: Any = None) -> str:
            return real[0](form, real[1](self.now) if when is None else when)

        with (
            patch("time.time", self),
            patch("time.strftime", strftime),
            patch("time.localtime", lambda at=None: real[1](self.now if at is None else at)),
            patch("time.gmtime", lambda at=None: real[2](self.now if at is None else at)),
        ):
            yield
