"""A request whose idle connection the server has closed meanwhile, through LiteLLM's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from vui_gateway.litellm_proxy import http_clients
from vui_gateway.litellm_proxy.http_clients import http_client

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


@dataclass
class Closing:
    """A server that answers so many requests of a connection; at the next one it hangs up.

    Attributes:
        answers: for each connection. wait: seconds from the last request to the end.
        seen: requests of all connections.
    """

    answers: int = 1
    wait: float = 0.0
    seen: int = 0
    url: str = ""
    open: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)
        left = self.answers
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n{}")
            self.seen += 1
            if not left:
                await asyncio.sleep(self.wait)
                break
            left -= 1
            writer.write(ANSWER)
        writer.close()


@asynccontextmanager
async def closing(**options: float) -> AsyncIterator[Closing]:
    found = Closing(**options)  # type: ignore[arg-type]
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        for writer in found.open:  # LiteLLM's client keeps its own ends for longer than the loop
            writer.close()
        await asyncio.sleep(0.05)


async def ask(provider: str | None, url: str) -> int:
    return (await http_client(provider).post(url, content=b"{}")).status_code


@pytest.mark.parametrize("provider", [None, "openai", "anthropic", "bedrock"])
async def test_a_request_on_a_connection_that_was_closed_meanwhile_is_sent_again(
    provider: str | None,
) -> None:
    async with closing() as server:
        assert [await ask(provider, server.url) for _ in range(3)] == [200] * 3
        assert server.seen == 5


async def test_a_request_on_a_new_connection_is_sent_once() -> None:
    async with closing(answers=0) as server:
        with pytest.raises(httpx.ReadError):
            await ask("openai", server.url)
        assert server.seen == 1


async def test_a_request_that_was_worked_on_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "STALE_SECONDS", 0.05)
    async with closing(wait=0.2) as server:
        assert await ask("openai", server.url) == 200
        with pytest.raises(httpx.ReadError):
            await ask("openai", server.url)
        assert server.seen == 2
