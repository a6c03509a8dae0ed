import asyncio
from collections.abc import AsyncIterator

import pytest

from vui_litellm.stream import CancellableStream


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
