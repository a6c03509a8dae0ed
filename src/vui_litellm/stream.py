"""A streamed reply: a barge-in can end it at once, and a broken end raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx

from vui_litellm.errors import GatewayError, parse_error

__all__ = ["CancellableStream", "CheckedStream", "check_stream"]

# Seconds that a reply which has been told may still take to end its stream.
DRAIN_TIMEOUT = 0.1


class CancellableStream:
    """Iterates a stream of tokens until its end, or until `cancel()` is called from outside.

    vui marks a barge-in and looks at the mark when the next sentence arrives: before the first
    token that is never, and the provider goes on, and bills, for nobody.
    """

    def __init__(self, tokens: AsyncIterator[str]) -> None:
        self._tokens = tokens
        self._cancelled = False
        self._waiting: asyncio.Timeout | None = None

    def __aiter__(self) -> CancellableStream:
        return self

    async def __anext__(self) -> str:
        if self._cancelled:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(self._tokens)
        except TimeoutError:
            if not self._cancelled:
                raise
            raise StopAsyncIteration from None
        finally:
            self._waiting = None

    def cancel(self) -> None:
        """Stop waiting for the next token: the iteration ends as if the reply had."""
        self._cancelled = True
        if self._waiting is not None:
            self._waiting.reschedule(0)


async def check_stream(response: httpx.Response) -> None:
    """An httpx response hook: a streamed reply that fails or just ends raises."""
    if response.is_success and "text/event-stream" in response.headers.get("content-type", ""):
        response.stream = CheckedStream(response)


class CheckedStream(httpx.AsyncByteStream):
    """The bytes of a streamed reply, until an error frame or an end without `[DONE]` raises.

    vui's client passes over an error frame and takes the end of the connection for the end of the
    reply; LiteLLM reports a provider that dies in mid-reply as such a frame.
    """

    def __init__(self, response: httpx.Response):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response = response
        self._inner = response.stream
        self._chunks = aiter(response.stream)
        self._done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    payload = line[5:].strip()
                    self._done = self._done or payload == b"[DONE]"
                    # The cheap look first: this runs for every token.
                    if b'"error"' in payload and parse_error(payload.decode(errors="replace")):
                        raise GatewayError(self._response, payload.decode(errors="replace"))
            yield chunk
        if not self._done:
            raise GatewayError(self._response, "The reply ended before its end")

    async def aclose(self) -> None:
        if self._done:
            # vui stops reading at `[DONE]`: a connection is used again only when read to its end.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(DRAIN_TIMEOUT):
                    async for _ in self._chunks:
                        pass
        await self._inner.aclose()
