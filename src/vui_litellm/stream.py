"""A streamed reply: a barge-in ends it at once, a broken end raises, and no sentence waits long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from itertools import pairwise
from typing import Any

import httpx

from vui_litellm.errors import GatewayError, gateway_lost, head_start_refused, parse_error
from vui_litellm.head_start import Ahead

__all__ = [
    "LONE_STOP", "WHOLE_SENTENCES", "CancellableStream", "CheckedStream", "check_stream",
    "end_sentences", "repeat_unanswered", "time_limit",
]  # fmt: skip

# Seconds without a byte, one more than our gateway lets pass: in a reply, where somebody asked for
# thinking, and in thoughts, which come in one piece.
REPLY, THINKING, THOUGHTS_SECONDS = 10, 31, 86
# Seconds that a reply may still take, once it has been heard, to end its stream.
DRAIN_TIMEOUT = 0.1
# Our gateway's header: it streams whole sentences, has applied vui's stops, and ends those that
# aren't the last in a space.
WHOLE_SENTENCES = "x-vui-whole-sentences"
# vui's chunker takes it for a sentence, and lets the one before it go. The word joiner, which is
# neither white space nor visible, distinguishes it from a full stop of the model's own.
LONE_STOP = "\u2060."
# In a chunk of our gateway's that is no part of the reply: a sentence said while it is awaited.
FILLER = b'"vui_filler"'
WORDS = re.compile(rb'"content": ?"[^"]')
STREAMED = re.compile(rb'"stream": ?true')  # in a request
MAX_BODY = 65_536  # bytes of a reply that is no stream
ANSWERED = "vui_answered"  # in a request's extensions
LASTING = re.compile(r"[^\s,;:-]")  # the chunker takes the rest off the end of a reply


def time_limit(reasoning_effort: str | None, *, streamed: bool) -> httpx.Timeout:
    """How long a call waits for the gateway's next byte, and for a connection."""
    thinks = reasoning_effort not in (None, "none", "minimal")
    reply = THINKING if thinks else REPLY
    return httpx.Timeout(reply if streamed else THOUGHTS_SECONDS, connect=5)


async def end_sentences(
    backend: Any, sentence_end: re.Pattern[str], *args: Any, **kwargs: Any
) -> AsyncGenerator[str]:
    """A backend's stream, and a lone stop after a sentence as soon as it is sure that more follows.

    It is sure once the next one begins; from a gateway that promises so, once it ends in a space.
    The chunker cuts at each `sentence_end` at once: an end never spans two tokens.
    """
    ended = False  # the chunker has whole sentences only
    async with aclosing(backend.stream(*args, **kwargs)) as tokens:
        async for token in tokens:
            ends = [end.end() for end in sentence_end.finditer(token)]
            for start, end in pairwise(sorted({0, *ends, len(token)})):
                piece = token[start:end]
                if ended and LASTING.search(piece):
                    yield LONE_STOP
                if piece.strip():
                    ended = end in ends
                yield piece
            if ended and token.endswith(" ") and getattr(backend, "promises_more", False):
                yield LONE_STOP
                ended = False


async def repeat_unanswered(
    ask: Callable[[], AsyncGenerator[str]], ahead: Ahead | None = None
) -> AsyncGenerator[str]:
    """A reply's tokens; asked for once more when its gateway is lost, or refuses the head start,
    before the first of them.

    The words of a filler aren't the reply's.

    ahead: the head start, which is listened to instead of asking for the first time.
    """
    repeated = False
    while True:
        try:
            async with aclosing(ahead or ask()) as tokens:
                async for token in tokens:
                    yield token
            return
        except httpx.HTTPError as error:
            lost = gateway_lost(error) or head_start_refused(error)
            if repeated or not lost or ANSWERED in error.request.extensions:
                raise
            repeated, ahead = True, None


class CancellableStream:
    """Iterates a stream of tokens until its end, or until `cancel()` is called from outside.

    vui marks a barge-in and looks at the mark when the next sentence arrives: before the first
    token that is never, and the provider goes on, and bills, for nobody.
    """

    def __init__(self, tokens: AsyncIterator[str]) -> None:
        self._tokens, self._cancelled = tokens, False
        self._waiting = asyncio.timeout(None)

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

    def cancel(self) -> None:
        """Stop waiting for the next token: the iteration ends as if the reply had."""
        self._cancelled = True
        with suppress(RuntimeError):  # nobody waits
            self._waiting.reschedule(0)


async def check_stream(response: httpx.Response) -> None:
    """An httpx response hook: a streamed reply that fails, just ends or is no stream raises."""
    if response.is_success and STREAMED.search(response.request.content):
        response.stream = CheckedStream(response)


class CheckedStream(httpx.AsyncByteStream):
    """The bytes of a streamed reply, until an error frame or an end without `[DONE]` raises.

    vui's client passes over an error frame and takes the end of the connection for the end of the
    reply; LiteLLM reports a provider that dies in mid-reply as such a frame.
    """

    def __init__(self, response: httpx.Response):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response, self._inner, self._done = response, response.stream, False
        self._streams = False  # there was an event
        self._chunks = aiter(self._inner)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = body = b""
        async for chunk in self._chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for at, line in enumerate(lines):
                if error := self._error_in(line):
                    yield b"\n".join([*lines[:at], b""])  # what was said before it
                    raise error
            body = body if self._streams else (body + chunk)[:MAX_BODY]
            yield b"\n".join([*lines, b""])
        if error := self._error_in(rest):
            raise error
        yield rest
        if not self._done:
            whole = body.decode(errors="replace")  # an error, where it is no stream
            raise GatewayError(
                self._response, whole if parse_error(whole) else "The reply was cut off"
            )

    def _error_in(self, line: bytes) -> GatewayError | None:
        if not line.startswith(b"data:"):
            return None
        payload, self._streams = line[5:].strip(), True
        self._done = self._done or payload == b"[DONE]"
        if WORDS.search(payload) and FILLER not in payload:
            self._response.request.extensions[ANSWERED] = True
        # The cheap look first: this runs for every token.
        if b'"error"' in payload and parse_error(payload.decode(errors="replace")):
            return GatewayError(self._response, payload.decode(errors="replace"))
        return None

    async def aclose(self) -> None:
        if self._done:
            # vui stops reading at `[DONE]`: a connection is used again only when read to its end.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(DRAIN_TIMEOUT):
                    async for _ in self._chunks:
                        pass
        await self._inner.aclose()
