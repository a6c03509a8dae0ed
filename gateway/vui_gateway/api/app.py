"""The gateway's front: the routes that vui needs; everything else is not there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from vui_gateway.api.auth import Key
from vui_gateway.api.errors import (
    KEY_REFUSED,
    RequestError,
    error_response,
    on_request_error,
    on_unknown_route,
    with_code,
)
from vui_gateway.api.schema import ChatRequest, ModelRequest, read_body
from vui_gateway.litellm_api import AUTHENTICATED, RouterInForce
from vui_gateway.providers.preconnect import Preconnect
from vui_gateway.turns.call import CURRENT_CALL, Call
from vui_gateway.turns.usage import Usage

__all__ = ["create_app"]

# What LiteLLM gets to see of a request's headers: none that switches something in it.
HEADERS = frozenset({b"host", b"accept", b"authorization", b"content-type", b"user-agent"})
# vui has two calls in flight for a turn; the rest is for a second screen, `check`, and hang-ups.
CONCURRENT = 32
PRICED = 2.0  # seconds after its end in which a call's price is known


def create_app(
    litellm_app: ASGIApp,
    key: Key,
    router: RouterInForce,
    preconnect: Preconnect,
    usage: Usage,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """Passes the open routes on to LiteLLM, and answers all others itself.

    LiteLLM serves several hundred routes and most of its published vulnerabilities sit in those
    that vui never calls. A request without the key is refused before its body is read, and of a
    chat request only the fields that a call needs get through. `app.state.ready` tells the health
    route that a turn would be answered at full speed.
    """

    async def liveliness(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(request: Request) -> Response:
        if request.app.state.ready:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "warming up"}, HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(_: Request) -> Response:
        return Response(usage.metrics(), media_type="text/plain; version=0.0.4")

    async def open_connection(request: Request) -> Response:
        """A turn is coming: nothing of it is told, and nothing is billed."""
        preconnect.open(ModelRequest.read(await read_body(request.receive)).model)
        return JSONResponse({}, HTTPStatus.ACCEPTED)

    with_key = [Middleware(RequireKey, key=key)]
    chat = Chat(litellm_app, router, preconnect, usage)
    routes: list[BaseRoute] = [
        Route("/health/liveliness", liveliness),
        Route("/health/readiness", readiness),
        Route("/metrics", metrics, middleware=with_key),
        Route("/v1/preconnect", open_connection, methods=["POST"], middleware=with_key),
        Route("/v1/chat/completions", chat, methods=["POST"], middleware=with_key),
        Route("/v1/models", litellm_app, methods=["GET"], middleware=with_key),
        Route("/model/info", litellm_app, methods=["GET"], middleware=with_key),
    ]
    for route in routes:
        assert isinstance(route, Route)
        assert route.methods is not None
        route.methods.discard("HEAD")  # Starlette adds it to GET
    app = Starlette(
        routes=routes,
        middleware=[Middleware(ExactPath)],
        exception_handlers={
            RequestError: on_request_error,
            HTTPStatus.NOT_FOUND: on_unknown_route,
            HTTPStatus.METHOD_NOT_ALLOWED: on_unknown_route,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.ready = False
    return app


class ExactPath:
    """ASGI middleware: `/v1/%6dodels` is no other spelling of an open route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"] != scope["path"].encode():
            scope = {**scope, "path": ""}
        await self.app(scope, receive, send)


class RequireKey:
    """ASGI middleware: refuses a request without the key, and lets few of its headers through."""

    def __init__(self, app: ASGIApp, key: Key) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] in HEADERS]
        if not self.key.accepts(dict(headers).get(b"authorization", b"").decode("latin-1")):
            raise RequestError(KEY_REFUSED, "invalid_key", HTTPStatus.UNAUTHORIZED)
        let_in = {"headers": headers, "query_string": b"", "state": {}, AUTHENTICATED: True}
        await self.app({**scope, **let_in}, receive, send)


class Chat:
    """ASGI: one call of vui's, bounded in number and recorded."""

    def __init__(
        self, litellm_app: ASGIApp, router: RouterInForce, preconnect: Preconnect, usage: Usage
    ) -> None:
        self.litellm_app = litellm_app
        self.router = router
        self.preconnect = preconnect
        self.usage = usage
        self.running: dict[asyncio.Task | None, bool] = {}  # oldest first; True: has to make way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        self._make_way()
        self.running[task] = False
        call = Call(recorded=not scope["app"].state.ready)  # the warm-up's aren't counted
        try:
            request = ChatRequest.read(await read_body(receive))
            if refusal := self.usage.refusal:
                raise RequestError(refusal, "budget_exceeded", HTTPStatus.PAYMENT_REQUIRED)
            if not self.router.serves(request.model):
                message = f"The gateway serves no model {request.model[:100]!r}."
                raise RequestError(message, "model_not_served", HTTPStatus.NOT_FOUND)
            call.model_group, call.streamed = request.model, bool(request.stream)
            CURRENT_CALL.set(call)
            body = request.model_dump_json(exclude_none=True).encode()
            scope["headers"].append((b"content-length", b"%d" % len(body)))
            await self.litellm_app(scope, _replay(body, receive, call), _observed(send, call))
        except asyncio.CancelledError:
            if not self.running[task] or task is None:
                raise
            task.uncancel()
            message = "Too many calls at once: this one made way for a newer one."
            response = error_response(message, "too_many_calls", HTTPStatus.TOO_MANY_REQUESTS)
            with contextlib.suppress(RuntimeError):  # a reply that has begun can only break off
                await response(scope, receive, send)
        finally:
            del self.running[task]
            if call.attempts:
                call.ended = time.monotonic()
                self.preconnect.ended(call)
                # LiteLLM tells the price a moment later, where there is one.
                asyncio.get_running_loop().call_later(PRICED, self.usage.record, call)

    def _make_way(self) -> None:
        """With too many calls at once the oldest ends: the newest is the one the user waits for."""
        staying = [task for task, leaving in self.running.items() if task and not leaving]
        if len(staying) >= CONCURRENT:
            self.running[staying[0]] = True
            staying[0].cancel()


def _replay(body: bytes, receive: Receive, call: Call) -> Receive:
    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        if read:
            return read.pop()
        message = await receive()
        # uvicorn says so at the end of every request.
        gone = message["type"] == "http.disconnect" and not call.response_complete
        call.hung_up = call.hung_up or gone
        return message

    return replayed


def _observed(send: Send, call: Call) -> Send:
    """Notes the response's end, and puts our code into an error."""
    start: Message | None = None

    async def observed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and message["status"] >= 400:
            start = message  # its length changes with its body
            return
        if message["type"] == "http.response.body":
            if call.error_code and b'"error"' in message["body"]:
                message = {**message, "body": with_code(message["body"], call.error_code)}
            if start:
                length = (b"content-length", b"%d" % len(message["body"]))
                kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                await send({**start, "headers": [*kept, length]})
                start = None
            call.response_complete = not message.get("more_body")
        await send(message)

    return observed
