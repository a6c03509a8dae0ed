"""Raw-socket clients without the key, and what they do to a program meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self

from tests.support.harness import Program, http
from tests.support.poll import wait_until
from tests.support.report import kept_waiting, rss_mb

CHUNKED = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /health/liveliness HTTP/1.1\r\nHost: x\r\n\r\n"


def address(of: Program) -> tuple[str, int]:
    return "127.0.0.1", int(of.url.rsplit(":", 1)[1])


@contextmanager
def stranger(to: Program, first: bytes = b"") -> Iterator[socket.socket]:
    """A connection on which `first` has been sent."""
    with socket.create_connection(address(to), 10) as connection:
        connection.sendall(first)
        yield connection


def pour(to: Program, head: bytes, piece: bytes, megabytes: int) -> bool:
    """True when the connection is ended before so much got through."""
    with stranger(to, head) as connection, suppress(ConnectionError):
        for _ in range(megabytes * 1_000_000 // len(piece)):
            connection.sendall(piece)
        return False
    return True


def open_for(to: Program, first: bytes, piece: bytes, limit: float) -> float:
    """Seconds until the connection is ended, with `piece` sent every half second."""
    with stranger(to, first) as connection:
        began = time.monotonic()
        connection.settimeout(0.5)
        while time.monotonic() < began + limit:
            try:
                connection.sendall(piece)
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - began


def connections(of: Program) -> dict[str, float]:
    """The metrics of a gateway's connections, by name or by why they were ended."""
    lines = str(http(f"{of.url}/metrics", key=of.key)[1]).splitlines()
    found = [line.split() for line in lines if line.startswith("vui_connections")]
    return {
        name.removeprefix('vui_connections_ended_total{why="').removesuffix('"}'): float(value)
        for name, value in found
        if "created" not in name
    }


def _healthy(connection: socket.socket) -> bytes:
    """The answer of the health route; nothing from a connection that was ended."""
    connection.sendall(HEALTH)
    return connection.recv(4096)


class Watch(threading.Thread):
    """How long a program stands still, and how much memory it takes above what it had.

    A wait for an answer is a stall as far as the program computed meanwhile: on a busy machine it
    may only not have had its turn.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(daemon=True)
        self.program, self.pid = program, program.process.pid
        self.stalled = self.grown = 0.0
        self.asked = 0
        self.idle = rss_mb(self.pid)
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        self._one_more()
        return self

    def _one_more(self) -> None:
        so_far = self.asked
        wait_until(lambda: self.asked > so_far, 20, "the program answers")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            self._one_more()
        finally:
            self._ending.set()
            self.join()

    def run(self) -> None:
        while not self._ending.is_set():
            # It may itself make way.
            with suppress(ConnectionError, TimeoutError), stranger(self.program) as connection:
                while not self._ending.wait(0.005):
                    answer, stalled = kept_waiting(self.pid, partial(_healthy, connection))
                    if not answer:
                        break
                    self.stalled = max(self.stalled, stalled)
                    self.grown = max(self.grown, rss_mb(self.pid) - self.idle)
                    self.asked += 1
