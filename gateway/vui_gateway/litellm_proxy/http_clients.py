"""Every HTTP client of this process: its answers are bounded, and it follows no redirect.

LiteLLM's and ours are not the only ones: OpenAI's SDK makes its own for Azure, Google's libraries
fetch tokens with requests, `aiohttp_openai` asks by itself. botocore follows no redirect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp
import httpx
import litellm
import requests
from aiohttp.client_proto import ResponseHandler
from litellm.llms.custom_httpx.http_handler import get_async_httpx_client
from litellm.types.utils import LlmProviders

from vui_gateway.litellm_proxy.http_bounds import bound, bound_sync

__all__ = ["http_client", "install"]

# Heads of answers that wait on a connection, where one is expected; looked for after so many bytes.
MAX_ANSWERS = 16
ANSWER_BYTES = 16_384
# Seconds after which the end of a reused connection is no longer that of one that lay idle.
STALE_SECONDS = 1.0

_send, _send_sync = httpx.AsyncClient.send, httpx.Client.send
_aiohttp_request: Any = aiohttp.ClientSession._request
_data_received = ResponseHandler.data_received
_idle_connection: Any = aiohttp.BaseConnector._get
_reused: ContextVar[bool] = ContextVar("reused", default=False)


def _on_response(_: httpx.Response, *, streamed: bool) -> None:
    """Replaced by `install`."""


def install(on_response: Callable[..., None]) -> None:
    """Put the bounds on the clients there are and those to come.

    on_response: gets each answer before its body is read, and whether it is read in pieces.
    """
    global _on_response
    _on_response = on_response
    httpx.AsyncClient.send, httpx.Client.send = _bounded_send, _bounded_send_sync  # type: ignore
    aiohttp.ClientSession._request = _aiohttp_request_here  # type: ignore
    aiohttp.BaseConnector._get = _idle_connection_here  # type: ignore
    ResponseHandler.data_received = _bounded_data_received  # type: ignore
    requests.Session.get_redirect_target = lambda *_: None  # type: ignore


async def _bounded_send(
    self: Any, request: httpx.Request, *, stream: bool = False, **options: Any
) -> httpx.Response:
    """httpx's own, bounded."""
    request.headers["accept-encoding"] = "identity"
    options["follow_redirects"] = False  # nobody's key goes to another address
    response = await _send(self, request, stream=True, **options)
    try:
        await bound(response, streamed=stream)
        _on_response(response, streamed=stream)
        if not stream:
            await response.aread()
    except BaseException:
        await response.aclose()
        raise
    return response


def _bounded_send_sync(
    self: Any, request: httpx.Request, *, stream: bool = False, **options: Any
) -> httpx.Response:
    request.headers["accept-encoding"] = "identity"
    options["follow_redirects"] = False
    response = _send_sync(self, request, stream=True, **options)
    try:
        bound_sync(response, streamed=stream)
        if not stream:
            response.read()
    except BaseException:
        response.close()
        raise
    return response


async def _aiohttp_request_here(self: Any, *args: Any, **options: Any) -> Any:
    """aiohttp's own, sent again where the server had closed the idle connection meanwhile.

    aiohttp does so for a `GET`, not for a `POST`. A request on a new connection is not repeated,
    nor one whose connection ended late: a provider may have read it.
    Source: https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1
    """
    options["allow_redirects"] = False
    began = asyncio.get_running_loop().time()
    while True:
        _reused.set(False)
        try:
            return await _aiohttp_request(self, *args, **options)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            late = asyncio.get_running_loop().time() - began > STALE_SECONDS
            if late or not _reused.get() or not isinstance(options.get("data"), bytes | None):
                raise


async def _idle_connection_here(self: Any, *args: Any) -> Any:
    connection = await _idle_connection(self, *args)
    _reused.set(connection is not None)
    return connection


def _bounded_data_received(self: Any, data: bytes) -> None:
    """aiohttp's own; `100 Continue` for ever would be as many answers in its queue."""
    for start in range(0, len(data) or 1, ANSWER_BYTES):  # none is a signal of aiohttp's own
        _data_received(self, data[start : start + ANSWER_BYTES])
        if len(self) > MAX_ANSWERS:
            self.close()
            return


def http_client(provider: str | None) -> Any:
    """The HTTP client that LiteLLM keeps for one provider, or for all that have none."""
    if provider is None:
        return litellm.module_level_aclient.client
    return get_async_httpx_client(LlmProviders(provider), params={"ssl_verify": None}).client
