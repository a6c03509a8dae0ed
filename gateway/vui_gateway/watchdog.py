"""Ends a process whose event loop hangs: its supervisor, such as Docker, starts it again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

from vui_gateway.logs import stamp

__all__ = ["EXIT_CODE", "Watchdog"]

EXIT_CODE = 70  # EX_SOFTWARE: https://man.freebsd.org/cgi/man.cgi?sysexits
WATCH_EVERY = 1.0


class Watchdog:
    """Watches the running loop, from a thread and by the processor time that is used.

    A thread gets no turn while a regular expression is being matched, but a signal does: its clock
    is the process's processor time. The thread's is its own ticks. Neither goes on while the
    process is stopped or the machine asleep.

    Args:
        seconds: that the loop may take for one callback.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._beat = True
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to watch; called in the main thread, which runs the loop."""
        signal.signal(signal.SIGPROF, lambda _, frame: self._end(frame))
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching; called before the loop ends."""
        self._over.set()
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _watch(self) -> None:
        main = threading.main_thread().ident
        missed = 0.0
        while not self._over.is_set():
            if self._beat:
                self._beat, missed = False, 0.0
                with suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._on_beat)
            elif missed >= self._seconds:
                self._end(sys._current_frames().get(main or 0))
            time.sleep(WATCH_EVERY)
            missed += WATCH_EVERY

    def _on_beat(self) -> None:
        self._beat = True
        if not self._over.is_set():
            signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def _end(self, frame: FrameType | None) -> None:
        # Neither logging nor print: the code that hangs may hold their locks.
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "an unknown place"
        line = f"The event loop has hung for {self._seconds:g} s at {where}: the gateway ends."
        os.write(sys.stderr.fileno(), f"{stamp()} {line}\n".encode())
        os._exit(EXIT_CODE)
