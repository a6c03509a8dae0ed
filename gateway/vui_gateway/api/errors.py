"""Errors as a client gets them: OpenAI's envelope, a `code` of ours (docs/operations.md)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse

from vui_gateway.errors import Code, RequestError

__all__ = [
    "KEY_REFUSED_MESSAGE", "KEY_REVOKED_MESSAGE", "error_body", "on_request_error",
    "on_unknown_route",
]  # fmt: skip

KEY_REFUSED_MESSAGE = (
    "The key is missing or wrong. Set VUI_LITELLM_KEY to the key of this gateway: "
    "`docker compose exec gateway vui-gateway key` shows it."
)

KEY_REVOKED_MESSAGE = (
    "This key of {name} was taken back. Ask the owner of the gateway for a new one: "
    "`docker compose exec gateway vui-gateway key add NAME` makes it."
)


def error_body(message: str, code: str, param: str | None = None) -> dict:
    """https://platform.openai.com/docs/guides/error-codes, with our code.

    param: for `provider_key_refused` the variable that holds the key; for `context_too_small` the
        tokens that vui needs.
    """
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return {"error": error}


def _error_response(error: RequestError) -> JSONResponse:
    """An error as a response, with the headers that its status needs."""
    headers = {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if error.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        headers["connection"] = "close"  # the rest of the body is not read
    return JSONResponse(error_body(str(error), error.code), int(error.status), headers)


async def on_request_error(_: Request, error: Exception) -> JSONResponse:
    """Starlette's exception handler for our own errors."""
    assert isinstance(error, RequestError)
    return _error_response(error)


async def on_unknown_route(_: Request, __: Exception) -> JSONResponse:
    """Starlette's exception handler for an unknown path, and for a known one's other methods."""
    unknown = RequestError("This gateway has no such route.", Code.ROUTE_NOT_FOUND)
    return _error_response(unknown)
