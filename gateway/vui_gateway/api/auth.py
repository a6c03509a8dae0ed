"""Lets in requests that have a key, to exact paths only."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vui_gateway.api.errors import KEY_REFUSED_MESSAGE, KEY_REVOKED_MESSAGE
from vui_gateway.errors import Code, RequestError
from vui_gateway.keys.clients import Client, Keys
from vui_gateway.turns.call import OWNER

__all__ = ["CLIENT", "ExactPath", "RequireKey"]

CLIENT = "vui_gateway.client"  # in the scope of a request that was let in


class ExactPath:
    """ASGI middleware: an escaped path, such as `/v1/%6dodels`, is no route."""

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
            raise RequestError(KEY_REFUSED_MESSAGE, Code.INVALID_KEY)
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
    return RequestError(KEY_REVOKED_MESSAGE.format(name=client.name), Code.KEY_REVOKED)
