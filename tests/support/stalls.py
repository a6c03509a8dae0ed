"""How long the gateway's event loop keeps others waiting: its health is asked over and over.

In a process of its own: a test that plays the provider is busy itself. Time in which the gateway
waited for a processor that others had is none of its own, and isn't counted. The time of a slow
processor counts as that of a usual one.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import httpx

from tests.support.harness import ROOT
from tests.support.report import kept_waiting

__all__ = ["Stalls", "in_time", "stalls"]

PATH = "/health/liveliness"
EVERY = 0.005  # seconds
TIMEOUT = 60.0
COUNTED = 1_000_000
USUAL = 0.06  # seconds of a usual processor to count so far


def slowness() -> float:
    """How many times slower this processor is than a usual one; 1 for a quicker one, too."""
    tries = []
    for _ in range(3):
        began, total = time.process_time(), 0
        for number in range(COUNTED):
            total += number
        tries.append(time.process_time() - began)
    return max(1.0, min(tries) / USUAL)


def in_time(took: float, seconds: float) -> bool:
    """Whether so much processor time is less than these seconds of a usual one's."""
    return took < seconds or took < seconds * slowness()


@dataclass
class Stalls:
    """Milliseconds that the loop kept the health route waiting at the most, since `clear`."""

    process: subprocess.Popen[str]
    seen: list[float] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.seen.append(float(line))

    @property
    def worst(self) -> float:
        return max(self.seen, default=0.0)

    def clear(self) -> None:
        self.seen.clear()


@contextmanager
def stalls(url: str, pid: int) -> Iterator[Stalls]:
    """Watches until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stalls", url, str(pid)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    watching = Stalls(process)
    reader = Thread(target=watching.read, daemon=True)
    reader.start()
    try:
        yield watching
    finally:
        process.terminate()
        process.wait(5)
        reader.join(5)
        if process.stdout:
            process.stdout.close()


def main(url: str, pid: int) -> None:
    """Prints how many milliseconds the loop kept each request waiting."""
    slower = slowness()
    with httpx.Client(base_url=url, timeout=TIMEOUT) as client:
        while True:
            _, stalled = kept_waiting(pid, lambda: client.get(PATH))
            print(1000 * stalled / slower, flush=True)
            time.sleep(EVERY)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
