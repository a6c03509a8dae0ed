"""An event loop whose clock jumps: seconds of waiting take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

__all__ = ["run_virtual"]


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


def run_virtual[T](work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; it may only wait for time, not for sockets."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(asyncio.wait_for(work, 3600))
