"""A Redis for tests: one of our own on any clock, and the real one."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import require
from tests.support.harness import free_port
from tests.support.poll import wait_until

__all__ = ["FakeRedis", "Line", "RedisServer", "redis_server"]


class FakeRedis:
    """`EXCHANGE` in a test's own memory: with delays, failures, and answers that get lost.

    Args:
        clock: what Redis' own clock says.
        delay: seconds of each way, there and back.
    """

    def __init__(self, clock: Callable[[], float], delay: Callable[[], float] = lambda: 0.0):
        self.clock, self.delay = clock, delay
        self.down = self.answers_lost = False
        self.asked = 0
        self._epochs = itertools.count()
        self.empty()

    def empty(self) -> None:
        """Started anew, without what it had."""
        self.epoch = f"epoch {next(self._epochs)}"
        self.number = 0
        self.entries: dict[str, tuple[int, float, str, float, str]] = {}

    async def __call__(self, keys: Iterable[str], args: Iterable[Any]) -> Any:
        """`Script`."""
        await self._way()
        self.asked += 1
        answer = self._exchange(*args)
        await self._way()
        if self.answers_lost:
            raise TimeoutError("Timeout reading from redis")
        return answer

    async def close(self) -> None:
        """`Script`."""

    async def _way(self) -> None:
        await asyncio.sleep(self.delay())
        if self.down:
            raise ConnectionRefusedError("Connection refused")

    def _exchange(self, _: str, epoch: str, since: str, *new: Any) -> Any:
        now = self.clock()
        self.entries = {n: e for n, e in self.entries.items() if not e[3] or e[3] > now}
        least = int(since) if epoch == self.epoch else 0
        changed = sorted((e[0], n) for n, e in self.entries.items() if e[0] > least)
        found = [text for _, name in changed for text in (name, self._kept(name))]
        for name, rank, lifetime, value in zip(*[iter(new)] * 4, strict=True):
            if name not in self.entries or self.entries[name][1] < float(rank):
                self.number += 1
                expires = now + lifetime if lifetime > 0 else 0.0
                self.entries[name] = self.number, float(rank), rank, expires, value
        return [self.epoch, str(self.number), f"{now:.3f}", found]

    def _kept(self, name: str) -> str:
        _, _, rank, expires, value = self.entries[name]
        return f"{rank} {f'{expires:.3f}' if expires else '0'} {value}"


class Line:
    """One gateway's way to it, which may be cut."""

    def __init__(self, redis: Callable) -> None:
        self.redis, self.down = redis, False

    async def __call__(self, keys: Iterable[str], args: Iterable[Any]) -> Any:
        """`Script`."""
        if self.down:
            raise ConnectionRefusedError("Connection refused")
        return await self.redis(keys, args)

    async def close(self) -> None:
        """`Script`."""


@dataclass
class RedisServer:
    """Debian's, in a process of its own."""

    port: int
    folder: Path
    process: subprocess.Popen | None = None
    password: str = "correct-horse-battery-1"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Empty: nothing is kept on the disk."""
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self.folder}
        options["requirepass"] = self.password
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        log = self.folder / "redis.log"
        self.process = subprocess.Popen(["redis-server", *words, "--logfile", str(log)])
        wait_until(lambda: self.ask("PING") == "PONG", 10, "Redis is up")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """It takes connections, and answers none."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> str:
        """What `redis-cli` shows."""
        cli = ["redis-cli", "-p", str(self.port), "-a", self.password, "--no-auth-warning"]
        return subprocess.run([*cli, *command], capture_output=True, text=True).stdout.strip()


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """Started, and ended at the end of the block."""
    require(bool(shutil.which("redis-server")), "redis-server (Debian's package)")
    folder.mkdir(exist_ok=True)
    server = RedisServer(free_port(), folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
