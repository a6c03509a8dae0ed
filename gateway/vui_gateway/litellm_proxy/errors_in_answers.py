"""Errors that come with HTTP 200 become failures before LiteLLM reads them as empty answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from vui_gateway.providers.error_objects import ErrorFinder
from vui_gateway.turns.call import Attempt

__all__ = ["look_for_errors"]

# LiteLLM reads the errors of Ollama's and Bedrock's streams.
WITHOUT = ("ndjson", "amazon.eventstream")


def look_for_errors(
    response: httpx.Response, attempt: Attempt, answered: bool, *, streamed: bool
) -> None:
    """Look for errors in an attempt's answer, whose body hasn't been read.

    answered: whether it was answered before this. streamed: the body is read in pieces, as events.
    """
    kind = response.headers.get("content-type", "")
    if response.is_success and not any(name in kind for name in WITHOUT):
        response.stream = _Looking(response, attempt, answered, streamed=streamed)


class _Looking(httpx.AsyncByteStream):
    """A body; a whole answer that is an error gets the status that it should have had."""

    def __init__(
        self, response: httpx.Response, attempt: Attempt, answered: bool, *, streamed: bool
    ) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response, self._inner = response, response.stream
        self._attempt, self._answered = attempt, answered
        self._streamed, self._finder = streamed, ErrorFinder(streamed=streamed)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            if data := self._feed(piece):
                yield data
        if data := self._feed(b"", final=True):
            yield data

    def _feed(self, piece: bytes, *, final: bool = False) -> bytes:
        before, data = self._finder.found, self._finder.feed(piece, final=final)
        if (found := self._finder.found) and found is not before:
            self._attempt.answered = self._answered
            if not self._streamed:
                self._response.status_code = found.status
        return data

    async def aclose(self) -> None:
        await self._inner.aclose()
