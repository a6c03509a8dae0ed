"""The connections that anybody may open, without the key: bounded in number, bytes and time."""

from __future__ import annotations

import asyncio
import resource
from collections import OrderedDict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vui_gateway.api.schema import BODY_SECONDS, MAX_BODY

__all__ = ["Connections"]

MOST_CONNECTIONS = 1000
# Seconds for a peer to send headers, or a body, and to take what was written to it.
HEADERS, BODY, UNREAD = "headers", "body", "unread"
KIND_SECONDS = {HEADERS: 10.0, BODY: BODY_SECONDS, UNREAD: 10.0}
OVERHEAD = 65536  # bytes of a request beside its body: line, headers, chunks' framing, trailers
# Bytes of a body, also of one that no route reads: twice what a route takes, so that its refusal
# can be read.
LONGEST = 2 * MAX_BODY
MAX_FIELDS = 100  # header fields
PIPELINED = 8  # requests that wait for the answer to another
PARSED_BYTES = 16384  # bytes that are parsed before the bounds are looked at


class Connections:
    """The connections of a server; past `most`, the one that is idle longest makes way.

    One whose request is being answered is not idle. If none is, the new one is ended.
    """

    def __init__(self, registry: CollectorRegistry, most: int | None = None) -> None:
        self.most = most or _most()
        self._all: OrderedDict[BoundedProtocol, None] = OrderedDict()  # idle longest first
        Gauge("vui_connections", "Open connections", registry=registry).set_function(
            lambda: len(self._all)
        )
        text = "Connections that the gateway ended, by reason"
        self._ended = Counter("vui_connections_ended", text, ("why",), registry=registry)

    def protocol(self, **of_uvicorn: Any) -> BoundedProtocol:
        """uvicorn's `http`: the factory that it calls for a new connection."""
        return BoundedProtocol(self, **of_uvicorn)

    def add(self, new: BoundedProtocol) -> None:
        self._all[new] = None
        if len(self._all) > self.most:
            next(one for one in self._all if not one.busy or one is new).end("made-way")

    def count(self, why: str) -> None:
        self._ended.labels(why).inc()

    def active(self, one: BoundedProtocol) -> None:
        if one in self._all:
            self._all.move_to_end(one)

    def remove(self, one: BoundedProtocol) -> None:
        self._all.pop(one, None)


class BoundedProtocol(HttpToolsProtocol):
    """Bounds uvicorn's httptools protocol, which has no bounds and takes trailers for headers."""

    def __init__(self, connections: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._among = connections
        self._receiving = HEADERS
        self._overhead = self._body = 0
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """A request is being answered, and the peer takes the answer."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return answering and not self.flow.write_paused

    def end(self, why: str) -> None:
        """End it without waiting for a peer that may never read what was written."""
        self._among.count(why)
        self._among.remove(self)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        self._among.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._among.remove(self)
        if self._deadline:
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        self._among.active(self)
        before = self._receiving
        self._receiving = before or HEADERS
        for start in range(0, len(data), PARSED_BYTES):
            piece = data[start : start + PARSED_BYTES]
            self._overhead += len(piece)
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._overhead > OVERHEAD or self._body > LONGEST:
                self.end("oversized")
                return
        if self._receiving != before:
            self._watch()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests before the first is answered")
        self._receiving = HEADERS
        self._overhead = self._body = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._receiving != HEADERS:
            return  # a trailer
        if len(self.headers) >= MAX_FIELDS:
            raise ValueError("too many header fields")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._receiving = BODY
        # The parser takes what follows for another protocol, and then for the next request.
        fields = dict(self.headers)
        has_body = b"transfer-encoding" in fields or fields.get(b"content-length", b"0") != b"0"
        if self.parser.should_upgrade() and has_body:
            raise ValueError("a body after an upgrade")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._receiving = ""
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._among.count("malformed")
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._among.active(self)
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        self.end("idle")

    def shutdown(self) -> None:
        super().shutdown()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def _watch(self) -> None:
        """Set the deadline for the peer's next step; there is none while it has nothing to do."""
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
        unread = self.flow.write_paused or self.transport.is_closing()
        if what := UNREAD if unread else self._receiving:
            self._deadline = self.loop.call_later(KIND_SECONDS[what], self._overdue, what)

    def _overdue(self, what: str) -> None:
        # Headers behind a request that is being answered wait for that answer.
        waits = (what == HEADERS and self.busy) or (what == BODY and self.pipeline)
        if waits:
            self._watch()
        elif what == BODY and self.busy:  # its route is about to answer with a 408
            self._deadline = self.loop.call_later(1, self.end, what)
        else:
            self.end(what)


def _most() -> int:
    """Half of the descriptors that the process may have: the rest is for providers and files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    descriptors = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    return descriptors // 2
