"""The gateway's front: a few open doors, everything else is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["REFUSAL", "Doors"]

OPEN = frozenset(
    {
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/model/info"),
        ("GET", "/metrics"),
    }
)
HEALTH = frozenset({"/health/liveliness", "/health/readiness"})

REFUSAL = {
    "message": "The key is missing or wrong. Set VUI_LITELLM_KEY to the key of this gateway: "
    "`docker compose exec gateway vui-gateway key` shows it.",
    "type": "invalid_request_error",
    "param": None,
    "code": HTTPStatus.UNAUTHORIZED,
}


class Doors:
    """ASGI: passes the open routes on to LiteLLM, and answers all others itself.

    LiteLLM serves several hundred routes and most of its published vulnerabilities sit in those
    that vui never calls. A request without the key is refused before its body is read.
    """

    def __init__(self, app: ASGIApp, accepts: Callable[[str], bool]):
        self.app = app
        self.accepts = accepts
        self.ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        # The raw path too: `/v1/%6dodels` is another spelling of an open route.
        if scope["raw_path"] != path.encode():
            path = ""
        if scope["method"] == "GET" and path in HEALTH:
            await self._health(path, send)
        elif (scope["method"], path) not in OPEN:
            await _answer(
                send, HTTPStatus.NOT_FOUND, {"message": "This gateway has no such route."}
            )
        elif not self.accepts(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")):
            await _answer(send, HTTPStatus.UNAUTHORIZED, REFUSAL)
        else:
            await self.app(scope, receive, send)

    async def _health(self, path: str, send: Send) -> None:
        ready = self.ready or path.endswith("liveliness")
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        await _send(send, status, {"status": "ok" if ready else "warming up"})


async def _answer(send: Send, status: HTTPStatus, error: dict) -> None:
    error = {"type": "invalid_request_error", "param": None, **error, "code": str(int(status))}
    await _send(send, status, {"error": error})


async def _send(send: Send, status: HTTPStatus, body: dict) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": content})
