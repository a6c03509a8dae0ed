"""The gateway's front: a few open doors, everything else is not there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vui_gateway.body import Ask, Refusal, WarmAsk, read_body
from vui_gateway.ledger import Ledger
from vui_gateway.line import Line
from vui_gateway.turn import TURN, Turn

__all__ = ["KEY_REFUSED", "Doors"]

CHAT = ("POST", "/v1/chat/completions")
# A turn is coming: nothing of LiteLLM's, see line.py.
WARM = ("POST", "/v1/warm")
METRICS = ("GET", "/metrics")
OPEN = frozenset({CHAT, WARM, METRICS, ("GET", "/v1/models"), ("GET", "/model/info")})
HEALTH = frozenset({"/health/liveliness", "/health/readiness"})
# What LiteLLM gets to see of a request's headers: none that switches something in it.
HEADERS = frozenset({b"host", b"accept", b"authorization", b"content-type", b"user-agent"})
# vui has two calls in flight for a turn; the rest is for a second screen, `check`, and hang-ups.
CONCURRENT = 32
PRICED = 2.0  # seconds after its end in which a turn's price is known

KEY_REFUSED = (
    "The key is missing or wrong. Set VUI_LITELLM_KEY to the key of this gateway: "
    "`docker compose exec gateway vui-gateway key` shows it."
)


class Doors:
    """ASGI: passes the open routes on to LiteLLM, and answers all others itself.

    LiteLLM serves several hundred routes and most of its published vulnerabilities sit in those
    that vui never calls. A request without the key is refused before its body is read, and of a
    chat request only the fields that a turn needs get through.
    """

    def __init__(
        self, app: ASGIApp, accepts: Callable[[str], bool], line: Line, ledger: Ledger
    ) -> None:
        self.app = app
        self.accepts = accepts
        self.line = line
        self.ledger = ledger
        self.ready = False
        self.running: dict[asyncio.Task | None, bool] = {}  # oldest first; True: has to make way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            try:
                await self._http(scope, receive, send)
            except Refusal as refusal:
                # A reply that has begun can only break off.
                with contextlib.suppress(RuntimeError):
                    await _error(send, refusal.status, str(refusal))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The raw path too: `/v1/%6dodels` is another spelling of an open route.
        path = scope["path"] if scope["raw_path"] == scope["path"].encode() else ""
        route = (scope["method"], path)
        if scope["method"] == "GET" and path in HEALTH:
            ready = self.ready or path.endswith("liveliness")
            status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
            await _send(send, status, {"status": "ok" if ready else "warming up"})
            return
        if route not in OPEN:
            raise Refusal("This gateway has no such route.", HTTPStatus.NOT_FOUND)
        headers = [pair for pair in scope["headers"] if pair[0] in HEADERS]
        if not self.accepts(dict(headers).get(b"authorization", b"").decode("latin-1")):
            raise Refusal(KEY_REFUSED, HTTPStatus.UNAUTHORIZED)
        scope = {**scope, "headers": headers, "query_string": b"", "state": {}}
        if route == CHAT:
            await self._chat(scope, receive, send)
        elif route == WARM:
            self.line.warm(WarmAsk.read(await read_body(receive)).model)
            await _send(send, HTTPStatus.ACCEPTED, {})
        elif route == METRICS:
            await _send(send, HTTPStatus.OK, self.ledger.metrics())
        else:
            await self.app(scope, receive, send)

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        self._make_way()
        self.running[task] = False
        turn = Turn(booked=not self.ready)  # the warm-up's aren't counted
        try:
            ask = Ask.read(await read_body(receive))
            if refusal := self.ledger.refusal:
                raise Refusal(refusal, HTTPStatus.PAYMENT_REQUIRED)
            turn.group, turn.streamed = ask.model, bool(ask.stream)
            TURN.set(turn)
            body = ask.model_dump_json(exclude_none=True).encode()
            scope["headers"].append((b"content-length", b"%d" % len(body)))
            await self.app(scope, _replay(body, receive, turn), _watched(send, turn))
        except asyncio.CancelledError:
            if not self.running[task] or task is None:
                raise
            task.uncancel()
            text = "Too many calls at once: this one made way for a newer one."
            raise Refusal(text, HTTPStatus.TOO_MANY_REQUESTS) from None
        finally:
            del self.running[task]
            if turn.tried:
                turn.ended = time.monotonic()
                self.line.ended(turn)
                # LiteLLM tells the price a moment later, where there is one.
                asyncio.get_running_loop().call_later(PRICED, self.ledger.book, turn)

    def _make_way(self) -> None:
        """With too many calls at once the oldest ends: the newest is the one the user waits for."""
        staying = [task for task, leaving in self.running.items() if task and not leaving]
        if len(staying) >= CONCURRENT:
            self.running[staying[0]] = True
            staying[0].cancel()


def _replay(body: bytes, receive: Receive, turn: Turn) -> Receive:
    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> dict:
        if read:
            return read.pop()
        message = await receive()
        # uvicorn says so at the end of every request.
        turn.hung_up = turn.hung_up or (message["type"] == "http.disconnect" and not turn.told)
        return dict(message)

    return replayed


def _watched(send: Send, turn: Turn) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            turn.told = True
        await send(message)

    return watched


async def _error(send: Send, status: int, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None}
    await _send(send, status, {"error": {**error, "code": str(int(status))}})


async def _send(send: Send, status: int, body: dict | bytes) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = b"text/plain; version=0.0.4" if isinstance(body, bytes) else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(content))]
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": content})
