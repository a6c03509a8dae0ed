"""Bounds on a provider's answer: its size, its encoding, and its address."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

__all__ = [
    "ERROR_SECONDS", "MAX_ANSWER", "MAX_ERROR", "MAX_HEADERS", "MAX_LINE", "MAX_REPLY",
    "bound", "bound_sync",
]  # fmt: skip

# Bytes, after decompression; a provider that sends more is no provider. LiteLLM would keep and
# parse it first.
MAX_LINE = 250_000  # 60,000 keys in 600 KB of JSON keep LiteLLM busy for half a second
MAX_ANSWER = MAX_LINE  # one that isn't streamed
MAX_REPLY = 8_000_000
MAX_BINARY_REPLY = 2_000_000
MAX_LINES = 20_000  # of a reply: LiteLLM keeps its events, and goes through all of them at its end
MAX_ERROR = 16_384  # a longer one is cut there: the status is enough
MAX_HEADERS = 65_536
ERROR_SECONDS = 2.0  # that the body of an error is waited for
PIECE = 4096
# LiteLLM takes its time for each line, empty ones included, and lets nobody else run meanwhile.
LINES = 8
EMPTY_LINES = re.compile(rb"(?>\r\n|\r|\n){3,}")
FEW_LINES = re.compile(rb"(?:[^\r\n]*+[\r\n]++){1,%d}+|[^\r\n]++" % LINES)
# Amazon's binary event stream has no lines.
# https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
WITHOUT_LINES = "application/vnd.amazon.eventstream"
# We ask for none: compressed, 200 KB can be 200 MB. A server may send gzip all the same, and
# brotli or zstd, which can't be decoded by so many bytes at a time, only when it isn't one.
# https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
GZIP = frozenset({"gzip", "x-gzip", "deflate"})
PLAIN_ENCODINGS = frozenset({"", "identity", "utf-8"})  # the last is a common mistake


async def bound(response: httpx.Response, *, streamed: bool) -> None:
    """Put the bounds on an answer whose body hasn't been read.

    streamed: whether the caller will read the body piece by piece.

    Raises:
        httpx.RemoteProtocolError: at once for headers and encodings, and by the body's iterator.
        httpx.DecodingError: by the body's iterator.
    """
    meter = _Meter(response, streamed=streamed)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    if response.is_success:
        response.stream = _BoundedStream(response.stream, meter)
        return
    body = b""
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            async for chunk in response.stream:
                body += meter.decode(chunk, MAX_ERROR - len(body))
                if len(body) >= MAX_ERROR:
                    break
    except (TimeoutError, httpx.HTTPError):
        pass  # the status is there
    finally:
        await response.stream.aclose()
    response.stream = httpx.ByteStream(body)


def bound_sync(response: httpx.Response, *, streamed: bool) -> None:
    """The same for a client that blocks its thread, such as one that fetches a token.

    Raises:
        httpx.RemoteProtocolError, httpx.DecodingError: as `bound` does.
    """
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _BoundedSyncStream(response.stream, _Meter(response, streamed=streamed))


class _Meter:
    """Decodes and measures one body."""

    def __init__(self, response: httpx.Response, *, streamed: bool) -> None:
        headers = response.headers
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADERS:
            raise httpx.RemoteProtocolError("The answer's headers are longer than 64 KB.")
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if response.is_success and encoding not in GZIP | PLAIN_ENCODINGS:
            raise httpx.RemoteProtocolError("The answer is compressed as nobody asked for.")
        # 32: either header, gzip's or zlib's. https://docs.python.org/3/library/zlib.html
        self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS) if encoding in GZIP else None
        headers.pop("content-encoding", None)  # nobody decodes it again
        if self._inflate:
            headers.pop("content-length", None)
        self._lines = not headers.get("content-type", "").startswith(WITHOUT_LINES)
        longest = MAX_REPLY if self._lines else MAX_BINARY_REPLY
        self._most = longest if streamed else MAX_ANSWER
        self._size = self._line = self._count = 0

    def decode(self, chunk: bytes, most: int) -> bytes:
        """The first `most` bytes of a decoded chunk."""
        if not self._inflate:
            return chunk[:most]
        try:
            return self._inflate.decompress(chunk, most)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The decoded chunk, in pieces of a few lines."""
        if not self._inflate:
            for start in range(0, len(chunk), PIECE):
                yield from self._measured(chunk[start : start + PIECE])
            return
        while chunk:
            yield from self._measured(self.decode(chunk, PIECE))
            chunk = self._inflate.unconsumed_tail

    def _measured(self, data: bytes) -> Iterator[bytes]:
        self._size += len(data)
        if self._size > self._most:
            raise httpx.RemoteProtocolError("The answer is longer than a reply can be.")
        if not self._lines:
            yield data
            return
        self._count += data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
        if self._count > MAX_LINES:
            raise httpx.RemoteProtocolError("The answer has more lines than a reply can have.")
        end = data.rfind(b"\n")
        self._line = len(data) - end - 1 if end >= 0 else self._line + len(data)
        if self._line > MAX_LINE:
            raise httpx.RemoteProtocolError("A line of the answer is longer than 250 KB.")
        yield from FEW_LINES.findall(EMPTY_LINES.sub(b"\n\n", data))


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, meter: _Meter) -> None:
        self._inner, self._meter = inner, meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                for piece in self._meter.pieces(chunk):
                    yield piece
                    # Data that is there already is read without a pause: nobody else would run, and
                    # not even a cancellation arrive.
                    await asyncio.sleep(0)
        except BaseException:  # a cancellation, too: else the provider goes on until it is garbage
            await self._inner.aclose()
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedSyncStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, meter: _Meter) -> None:
        self._inner, self._meter = inner, meter

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            yield from self._meter.pieces(chunk)

    def close(self) -> None:
        self._inner.close()
