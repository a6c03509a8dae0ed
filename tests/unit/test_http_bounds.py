"""What a provider's answer may be, through httpx's clients, which LiteLLM's and the SDKs' are."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
import pytest
import requests
from vui_gateway.litellm_proxy import http_bounds as bounds
from vui_gateway.litellm_proxy.http_clients import http_client

from tests.providers.raw import head, raw_provider

EVENTS = "text/event-stream"
LINE = b"x" * 99 + b"\n"
TOO_LONG = [
    ("a line", EVENTS, b"x" * (bounds.MAX_LINE + 1)),
    ("a line in two", EVENTS, b"\n" + b"x" * bounds.MAX_LINE + b"x"),
    ("a reply", EVENTS, (b"x" * 999 + b"\n") * (bounds.MAX_REPLY // 1000 + 1)),
    ("lines", EVENTS, b"a\n" * (bounds.MAX_LINES + 1)),
    ("returns", EVENTS, b"a\r" * (bounds.MAX_LINES + 1)),
    ("a binary reply", bounds.WITHOUT_LINES, b"x" * (bounds.MAX_BINARY_REPLY + 1)),
]


class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A body in pieces of 16 KB."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), 16_384):
            yield self.body[start : start + 16_384]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def answer(kind: str, body: bytes, status: int = 200, **headers: str) -> httpx.MockTransport:
    told = {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return httpx.MockTransport(lambda _: httpx.Response(status, headers=told, stream=Body(body)))


async def read(kind: str, body: bytes, status: int = 200, **headers: str) -> bytes:
    """As a streamed call."""
    transport = answer(kind, body, status, **headers)
    async with (
        httpx.AsyncClient(transport=transport, follow_redirects=True) as client,
        client.stream("POST", "http://provider/") as response,
    ):
        return await response.aread()


@pytest.mark.parametrize(("kind", "body"), [b[1:] for b in TOO_LONG], ids=[b[0] for b in TOO_LONG])
async def test_what_is_too_long_ends_the_answer(kind: str, body: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await read(kind, body)


async def test_an_answer_that_is_read_whole_may_be_as_long_as_a_line() -> None:
    body = LINE * (bounds.MAX_ANSWER // len(LINE))
    for size, fits in ((body, True), (body + LINE, False)):
        async with httpx.AsyncClient(transport=answer("application/json", size)) as client:
            if fits:
                assert (await client.post("http://provider/")).content == size
            else:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.post("http://provider/")


async def test_an_ordinary_reply_arrives_as_it_was_sent() -> None:
    for body in (LINE * 3000, b"data: a\r\n\r\ndata: b\r\n\r\n", b"data: a", b""):
        assert await read(EVENTS, body) == body
    assert await read(bounds.WITHOUT_LINES, b"\n\n\n\r" * 9000) == b"\n\n\n\r" * 9000


async def test_empty_lines_are_no_work_and_events_stay_apart() -> None:
    assert await read(EVENTS, b"a\n" + b"\n" * 1000 + b"b") == b"a\n\nb"


async def test_of_an_error_the_beginning_is_read() -> None:
    assert await read("text/html", b"x" * 10**6, 500) == b"x" * bounds.MAX_ERROR
    packed = gzip.compress(b"x" * 10**7)
    assert await read("text/html", packed, 500, content_encoding="gzip") == b"x" * bounds.MAX_ERROR


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_what_is_compressed_unasked_is_read_within_the_same_bounds(pack: object) -> None:
    assert callable(pack)
    name = "gzip" if pack is gzip.compress else "deflate"
    assert await read(EVENTS, pack(LINE * 3000), content_encoding=name) == LINE * 3000
    with pytest.raises(httpx.RemoteProtocolError):
        await read(EVENTS, pack(b"x" * 10**8), content_encoding=name)
    with pytest.raises(httpx.DecodingError):
        await read(EVENTS, b"no such thing", content_encoding=name)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x"])
async def test_an_encoding_that_cannot_be_bounded_is_refused(encoding: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await read(EVENTS, b"", content_encoding=encoding)


@pytest.mark.parametrize("encoding", ["br", "gzip", "x"])
async def test_an_error_keeps_its_status_whatever_its_body_is(encoding: str) -> None:
    async with httpx.AsyncClient(
        transport=answer("text/html", b"no such thing", 401, content_encoding=encoding)
    ) as client:
        assert (await client.post("http://provider/")).status_code == 401


async def test_an_error_keeps_its_status_when_its_framing_breaks() -> None:
    begun = b"HTTP/1.1 429 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nagain\r\n"
    with raw_provider(lambda _: iter([begun, 0.1, b"no size"])) as provider:
        told = await http_client("openai").post(provider.url)
        assert (told.status_code, told.content) == (429, b"again")


async def test_a_character_set_in_place_of_an_encoding_changes_nothing() -> None:
    assert await read(EVENTS, LINE, content_encoding="UTF-8") == LINE


async def test_a_return_and_a_newline_end_one_line() -> None:
    body = b"data: a\r\n\r\n" * (bounds.MAX_LINES // 2 - 20)
    assert await read(EVENTS, body) == body


async def test_headers_are_bounded() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await read(EVENTS, b"", x_long="x" * bounds.MAX_HEADERS)


def test_a_client_that_blocks_is_bounded_as_well() -> None:
    with (
        httpx.Client(transport=answer(EVENTS, b"x" * 10**6)) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.post("http://provider/")


@pytest.mark.parametrize("provider", [None, "openai", "groq", "mistral"])
async def test_no_client_follows_a_redirect_nor_asks_for_compression(provider: str | None) -> None:
    with raw_provider(lambda _: iter([head(200)])) as other:
        moved = head(307, location=other.url)
        with raw_provider(lambda _: iter([moved])) as hostile:
            client = http_client(provider)
            told = await client.post(hostile.url, follow_redirects=True)
            assert told.status_code == 307
            with httpx.Client(follow_redirects=True) as blocking:
                assert blocking.post(hostile.url).status_code == 307
            assert requests.post(hostile.url, timeout=5).status_code == 307
            async with aiohttp.ClientSession() as session, session.post(hostile.url) as answered:
                assert answered.status == 307
        assert other.seen == []
        assert b"accept-encoding: identity" in hostile.seen[0].lower()


async def test_a_stream_whose_reader_is_cancelled_is_closed_at_once() -> None:
    closed = asyncio.Event()

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"data: {}\n\n"
            await asyncio.Event().wait()

        async def aclose(self) -> None:
            closed.set()

    response = httpx.Response(200, stream=Endless())
    await bounds.bound(response, streamed=True)
    chunks = response.aiter_raw()

    async def read() -> None:
        async for _ in chunks:
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    reader.cancel()
    await asyncio.wait({reader})
    assert closed.is_set()
