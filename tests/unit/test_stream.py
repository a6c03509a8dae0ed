import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.unit.test_backend import HELLO, answering, said, stream_of
from vui_litellm import LiteLLMBackend, stream
from vui_litellm.errors import APOLOGY, GATEWAY_AWAY, GatewayError
from vui_litellm.stream import CancellableStream

STREAMED = {"content-type": "text/event-stream"}


async def tokens(*, hang_after: int = 99, closed: list[bool] | None = None) -> AsyncIterator[str]:
    try:
        for count in range(5):
            if count == hang_after:
                await asyncio.sleep(3600)
            yield str(count)
    finally:
        if closed is not None:
            closed.append(True)


async def test_a_reply_that_nobody_ends_is_whole() -> None:
    assert [token async for token in CancellableStream(tokens())] == ["0", "1", "2", "3", "4"]


async def test_the_wait_for_a_token_ends_at_once_and_closes_the_stream() -> None:
    closed: list[bool] = []
    reply = CancellableStream(tokens(hang_after=2, closed=closed))
    asyncio.get_running_loop().call_later(0.01, reply.cancel)
    async with asyncio.timeout(1):
        assert [token async for token in reply] == ["0", "1"]
    assert closed


async def test_a_reply_that_was_ended_between_two_tokens_gives_no_more() -> None:
    reply = CancellableStream(tokens())
    assert await anext(reply) == "0"
    reply.cancel()
    with pytest.raises(StopAsyncIteration):
        await anext(reply)


async def test_a_task_that_is_cancelled_from_outside_is_cancelled() -> None:
    task = asyncio.ensure_future(anext(CancellableStream(tokens(hang_after=0))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_of_the_stream_itself_is_not_swallowed() -> None:
    async def slow() -> AsyncIterator[str]:
        raise TimeoutError("the stream's own")
        yield ""

    with pytest.raises(TimeoutError, match="own"):
        await anext(CancellableStream(slow()))


# ---- how long a call waits


@pytest.mark.parametrize(
    ("effort", "reply", "thoughts"),
    [(None, 10, 86), ("none", 10, 86), ("minimal", 10, 86), ("low", 31, 86), ("high", 31, 86)],
)
async def test_each_call_waits_a_second_longer_than_the_gateway(
    effort: str | None, reply: int, thoughts: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        streamed = b'"stream":true' in request.content.replace(b" ", b"")
        return stream_of("hi") if streamed else httpx.Response(200, json={"choices": []})

    backend, seen = answering(answer, reasoning_effort=effort)
    await asyncio.gather(*(said(backend) for _ in range(2)), backend.complete(HELLO), said(backend))
    waits = [request.extensions["timeout"] for request in seen]
    assert [wait["read"] for wait in waits] == [reply, reply, thoughts, reply]
    assert {wait["connect"] for wait in waits} == {5}


@asynccontextmanager
async def gateway(*frames: str, pause: float) -> AsyncIterator[str]:
    """One that takes its time before each frame, and then falls silent."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for frame in frames:
            await asyncio.sleep(pause)
            writer.write(f"{frame}\n\n".encode())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


WORD = 'data: {"choices": [{"delta": {"content": "Hi."}}]}'


@pytest.mark.parametrize(
    ("frames", "heard"),
    [
        ([], f" {APOLOGY} ."),
        ([WORD], f"Hi. {APOLOGY} ."),
        ([": waiting"] * 5 + [WORD, "data: [DONE]"], "Hi."),
    ],
)
async def test_a_gateway_that_falls_silent_is_said_and_one_that_says_it_waits_is_waited_for(
    frames: list[str], heard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "REPLY", 0.3)
    async with gateway(*frames, pause=0.1) as url:
        backend = LiteLLMBackend("m", url)
        tokens, began = [], time.monotonic()
        try:
            async for token in backend.stream(HELLO):
                tokens.append(token)
            assert time.monotonic() - began > 0.5
        except httpx.ReadTimeout:
            assert 0.25 < time.monotonic() - began < 1.5
        await backend.aclose()
    assert "".join(tokens) == heard


def lost(how: str) -> httpx.Response:
    """A gateway that is killed, behind a balancer or not, before a word of its answer."""
    if how == "balancer":
        return httpx.Response(502, json={"error": {"code": "gateway_unavailable"}})
    if how == "heartbeat":

        async def breaking() -> AsyncIterator[bytes]:
            yield b": waiting\n\n"
            raise httpx.RemoteProtocolError("peer closed connection")

        return httpx.Response(200, content=breaking(), headers=STREAMED)
    raise {"read": httpx.ReadError, "closed": httpx.RemoteProtocolError}[how]("gone")


@pytest.mark.parametrize("how", ["read", "closed", "balancer", "heartbeat"])
async def test_a_call_whose_gateway_is_lost_before_a_word_is_made_once_more(how: str) -> None:
    streamed, whole = stream_of("hi"), httpx.Response(200, json={"choices": [{"message": {}}]})

    def answer(request: httpx.Request) -> httpx.Response:
        if len(seen) == 1:
            return lost(how)
        return streamed if json.loads(request.content)["stream"] else whole

    backend, seen = answering(answer)
    assert await said(backend) == "hi"
    assert len(seen) == 2
    if how != "heartbeat":  # thoughts come in one piece
        seen.clear()
        await backend.complete(HELLO)
        assert len(seen) == 2


@pytest.mark.parametrize("how", ["read", "closed", "balancer", "heartbeat"])
async def test_it_is_made_no_third_time_and_then_said(how: str) -> None:
    backend, seen = answering(lambda _: lost(how))
    heard = []
    with pytest.raises(httpx.HTTPError):
        async for token in backend.stream(HELLO):
            heard.append(token)
    assert heard == [f" {GATEWAY_AWAY} ."]
    assert len(seen) == 2


@pytest.mark.parametrize("code", ["no_answer", "too_many_calls", "budget_exceeded"])
async def test_what_a_gateway_answered_is_asked_once(code: str) -> None:
    refused = httpx.Response(502, json={"error": {"code": code, "message": "no"}})
    backend, seen = answering(lambda _: refused, speak_errors=False)
    for call in (said(backend), backend.complete(HELLO)):
        with pytest.raises(GatewayError):
            await call
    assert len(seen) == 2


async def test_a_gateway_lost_after_the_first_word_is_said_and_not_asked_again() -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b'data: {"choices": [{"delta": {"content": "Yes, but"}}]}\n\n'
        raise httpx.ReadError("gone")

    reply = httpx.Response(200, content=breaking(), headers=STREAMED)
    backend, seen = answering(lambda _: reply)
    heard = []
    with pytest.raises(httpx.ReadError):
        async for token in backend.stream(HELLO):
            heard.append(token)
    assert "".join(heard) == f"Yes, but. {GATEWAY_AWAY} ."
    assert len(seen) == 1


async def test_a_gateway_that_is_slow_is_not_asked_again() -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("still thinking")

    backend, seen = answering(slow, speak_errors=False)
    with pytest.raises(httpx.ReadTimeout):
        await said(backend)
    assert len(seen) == 1


async def test_a_gateway_lost_after_fillers_alone_is_asked_once_more() -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for text in ("Hmm. ", "Still thinking. "):
            frame = {"choices": [{"delta": {"content": text}}], "vui_filler": True}
            yield f"data: {json.dumps(frame)}\n\n".encode()
        raise httpx.RemoteProtocolError("peer closed connection")

    def answer(_: httpx.Request) -> httpx.Response:
        broken = httpx.Response(200, content=breaking(), headers=STREAMED)
        return broken if len(seen) == 1 else stream_of("Yes.")

    backend, seen = answering(answer)
    assert await said(backend) == "Hmm. Still thinking. Yes."
    assert len(seen) == 2


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_what_was_said_is_heard_also_where_its_failure_comes_with_the_same_bytes(
    size: int,
) -> None:
    frames = '{"choices": [{"delta": {"content": "Your calendar is free."}}]}', '{"error": "broke"}'
    body = "".join(f"data: {frame}\r\n\r\n" for frame in frames).encode()

    async def arriving() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    backend, seen = answering(lambda _: httpx.Response(200, content=arriving(), headers=STREAMED))
    heard = []
    with pytest.raises(GatewayError, match="broke"):
        async for token in backend.stream(HELLO):
            heard.append(token)
    assert "".join(heard) == f"Your calendar is free. {APOLOGY} ."
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("application/json", '{"error": {"message": "broke"}}', "broke"),
        ("application/json", '{\n  "error": {"message": "broke"}\n}\n', "broke"),
        ("text/event-stream", 'data: {"error": {"message": "broke"}}', "broke"),
        ("application/json", '{"choices": [{"message": {"content": "It is."}}]}', "cut off"),
        ("text/html", "<html>Log in</html>", "cut off"),
        ("", "", "cut off"),
    ],
)
async def test_a_reply_that_is_no_stream_is_said_and_no_silence(
    kind: str, body: str, why: str
) -> None:
    async def arriving() -> AsyncIterator[bytes]:
        yield body.encode()

    headers = {"content-type": kind}
    backend, _ = answering(lambda _: httpx.Response(200, content=arriving(), headers=headers))
    heard = []
    with pytest.raises(GatewayError, match=why):
        async for token in backend.stream(HELLO):
            heard.append(token)
    assert "".join(heard) == f" {APOLOGY} ."


async def test_a_last_line_needs_no_end() -> None:
    event = 'data: {"choices": [{"delta": {"content": "Fine."}}]}\n\ndata: [DONE]'
    backend, _ = answering(lambda _: httpx.Response(200, text=event, headers=STREAMED))
    assert "".join([token async for token in backend.stream(HELLO)]).strip().startswith("Fine.")


async def test_a_whole_answer_is_none() -> None:
    answer = {"choices": [{"message": {"content": "No."}}]}
    backend, _ = answering(lambda _: httpx.Response(200, json=answer))
    assert (await backend.complete(HELLO))["content"] == "No."
