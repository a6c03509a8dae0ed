"""The gateway's front: the routes that vui needs; everything else is not there."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from vui_gateway.api.auth import CLIENT, Client, Keys
from vui_gateway.api.chat import Chat
from vui_gateway.api.errors import (
    KEY_REFUSED,
    KEY_REVOKED,
    RequestError,
    on_request_error,
    on_unknown_route,
)
from vui_gateway.api.page import Page
from vui_gateway.api.schema import ModelRequest, read_body
from vui_gateway.providers.preconnect import Preconnect
from vui_gateway.redaction import RedactAnswers
from vui_gateway.turns.call import OWNER
from vui_gateway.turns.usage import Usage

__all__ = ["create_app"]


def create_app(
    chat: Chat,
    keys: Keys,
    preconnect: Preconnect,
    usage: Usage,
    page: Page,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The routes that are open; LiteLLM answers behind a chat request only.

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

    async def models(request: Request) -> Response:
        # OpenAI's format: https://platform.openai.com/docs/api-reference/models/list
        entry = {"object": "model", "created": 0, "owned_by": "vui-gateway"}
        names = filter(request.scope[CLIENT].may_ask, chat.router.model_groups)
        return JSONResponse({"object": "list", "data": [{"id": name, **entry} for name in names]})

    async def model_info(request: Request) -> Response:
        may_ask = request.scope[CLIENT].may_ask
        listed = await chat.router.listing()
        return JSONResponse({"data": [entry for entry in listed if may_ask(entry["model_name"])]})

    async def open_connection(request: Request) -> Response:
        """A turn is coming: nothing of it is told, and nothing is billed."""
        model = ModelRequest.read(await read_body(request.receive)).model
        if request.scope[CLIENT].may_ask(model) and chat.router.serves(model):
            preconnect.open(model)
        return JSONResponse({}, HTTPStatus.ACCEPTED)

    with_key = [Middleware(RequireKey, keys=keys)]
    owners = [Middleware(RequireKey, keys=keys, owner=True)]
    routes: list[BaseRoute] = [
        Route("/health/liveliness", liveliness),
        Route("/health/readiness", readiness),
        Route("/", page.html),
        # For the owner's key, or what it was exchanged for.
        Route("/page/token", page.token, methods=["POST"]),
        Route("/page/session", page.session, methods=["POST"]),
        Route("/status", page.status),
        Route("/metrics", metrics, middleware=owners),
        Route("/v1/preconnect", open_connection, methods=["POST"], middleware=with_key),
        Route("/v1/chat/completions", chat, methods=["POST"], middleware=with_key),
        Route("/v1/models", models, methods=["GET"], middleware=with_key),
        Route("/model/info", model_info, methods=["GET"], middleware=with_key),
    ]
    for route in routes:
        assert isinstance(route, Route)
        assert route.methods is not None
        route.methods.discard("HEAD")  # Starlette adds it to GET
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RedactAnswers), Middleware(ExactPath)],
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
    """ASGI middleware: refuses a request without a key."""

    def __init__(self, app: ASGIApp, keys: Keys, owner: bool = False) -> None:
        self.app, self.keys, self.owner = app, keys, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        client = self.keys.find(authorization.decode("latin-1"))
        if not client:
            raise RequestError(KEY_REFUSED, "invalid_key", HTTPStatus.UNAUTHORIZED)
        if client.revoked:
            raise _revoked(client)
        if self.owner and client.name != OWNER:  # for a client there is no such route
            raise HTTPException(HTTPStatus.NOT_FOUND)
        self.keys.used(client)

        async def receive_while_good() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not self.keys.good(client):
                raise _revoked(client)
            return message

        await self.app({**scope, CLIENT: client}, receive_while_good, send)


def _revoked(client: Client) -> RequestError:
    told = KEY_REVOKED.format(name=client.name)
    return RequestError(told, "key_revoked", HTTPStatus.UNAUTHORIZED)
