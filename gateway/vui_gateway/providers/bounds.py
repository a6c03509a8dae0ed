"""What a provider's answer may be: lines of a sane length, from the address that was asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx

__all__ = ["MAX_LINE", "bound"]

# Bytes; a provider that sends a longer line is no provider. LiteLLM would keep and parse it first.
MAX_LINE = 1_000_000
EMPTY_LINES = re.compile(rb"\n{3,}")
# Amazon's binary event stream has no lines.
WITH_LINES = ("text/", "application/json", "application/x-ndjson")


async def bound(response: httpx.Response) -> None:
    """An httpx response hook: the body ends with an error at a line that is too long."""
    if response.headers.get("content-type", "").startswith(WITH_LINES):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for chunk in self._inner:
            end = chunk.rfind(b"\n")
            length = len(chunk) - end - 1 if end >= 0 else length + len(chunk)
            if length > MAX_LINE:
                raise httpx.RemoteProtocolError("A line of the answer is longer than 1 MB.")
            # LiteLLM takes its time for each line, empty ones included.
            yield EMPTY_LINES.sub(b"\n\n", chunk) if b"\n\n\n" in chunk else chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
