"""A provider that answers with bytes of the test's own: what HTTP forbids, too."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

__all__ = ["LONGEST", "RESET", "Answer", "RawProvider", "head", "raw_provider"]

# Among the pieces of an answer: the connection is reset here.
RESET = object()
# From a whole request, the pieces to send: bytes, seconds to wait, or `RESET`.
Answer = Callable[[bytes], Iterator[object]]
LONGEST = 60.0  # seconds that an answer goes on


@dataclass
class RawProvider:
    """Answers each request with the pieces of `answer`, until the gateway hangs up.

    Attributes:
        seen: the requests, whole.
    """

    answer: Answer
    seen: list[bytes] = field(default_factory=list)
    url: str = ""


class _Server(ThreadingTCPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 64
    provider: RawProvider


class _Handler(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            request = self._request()
            if not request:
                return
            self.server.provider.seen.append(request)
            deadline = time.monotonic() + LONGEST
            for piece in self.server.provider.answer(request):
                if piece is RESET:
                    now = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                    return
                if isinstance(piece, bytes):
                    self.connection.sendall(piece)
                else:
                    assert isinstance(piece, int | float)
                    time.sleep(piece)
                if time.monotonic() > deadline:
                    return

    def _request(self) -> bytes:
        request, length = b"", 0
        while (line := self.rfile.readline()).strip():
            request += line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return request + line + self.rfile.read(length) if request else b""


def head(status: int = 200, kind: str = "text/event-stream", **headers: str) -> bytes:
    """The head of an answer whose end is that of its connection; `_` in a name is `-`."""
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def raw_provider(answer: Answer) -> Iterator[RawProvider]:
    """Runs one on a thread, and one more for each connection."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.provider = RawProvider(answer, url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.provider
        finally:
            server.shutdown()
            thread.join(5)
