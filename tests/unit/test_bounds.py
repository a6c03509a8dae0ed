"""What a provider's answer may be, through LiteLLM's own HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from vui_gateway import litellm_api
from vui_gateway.providers.bounds import MAX_LINE, bound


class Body(httpx.AsyncByteStream):
    """A body in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


async def read(kind: str, *pieces: bytes) -> bytes:
    response = httpx.Response(200, headers={"content-type": kind}, stream=Body(*pieces))
    await bound(response)
    return await response.aread()


async def test_a_line_longer_than_a_megabyte_ends_the_answer() -> None:
    half = b"x" * (MAX_LINE // 2 + 1)
    with pytest.raises(httpx.RemoteProtocolError):
        await read("text/event-stream", half, half)
    assert await read("text/event-stream", half, b"\n", half) == half + b"\n" + half


async def test_empty_lines_are_no_work_and_events_stay_apart() -> None:
    assert await read("text/event-stream", b"a\n" + b"\n" * 100_000 + b"b") == b"a\n\nb"


async def test_a_binary_stream_is_left_alone() -> None:
    data = b"\n\n\n" + b"\x00" * (MAX_LINE + 1)
    assert await read("application/vnd.amazon.eventstream", data) == data


@pytest.mark.parametrize("provider", [None, "openai", "groq", "mistral"])
async def test_litellms_clients_are_bounded_and_follow_no_redirect(provider: str | None) -> None:
    client = litellm_api.http_client(provider)
    assert client.follow_redirects is False
    assert bound in client.event_hooks["response"]
