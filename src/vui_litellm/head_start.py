"""A head start: a reply that is asked for before its turn is certain."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

__all__ = ["HEAD_START", "Ahead", "HeadStart"]

# The name of the head start that the running task asks for; empty in any other task.
HEAD_START: ContextVar[str] = ContextVar("HEAD_START", default="")
MOST = 2  # for a turn
# Seconds after which nobody will ask for it: vui waits 10 s at most for the user's turn to be read.
UNCLAIMED = 15
END_MARKS = " .?!,;:…"

Ask = Callable[..., AsyncGenerator[str]]


class HeadStart:
    """Asks for a reply before its turn is certain, at most twice for a turn.

    A turn is over when `take` is called.

    ask: called with the messages and the options of a call, and with `stats`.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask, self._left = ask, MOST
        self._running: Ahead | None = None

    def start(self, messages: list[dict], **options: Any) -> None:
        """Ask for a reply, unless the one that runs means the same; else that one is cancelled."""
        asked = _meaning(messages), options
        if self._running and self._running.asked == asked:
            return
        self.cancel()
        if self._left:
            self._left -= 1
            self._running = Ahead(self._ask, messages, options)

    def take(self, messages: list[dict], **options: Any) -> Ahead | None:
        """The reply from its beginning; None where the running one means something else, or failed:
        it is cancelled then.
        """
        ahead, self._running, self._left = self._running, None, MOST
        if ahead and ahead.asked == (_meaning(messages), options) and ahead.well:
            ahead.claim()
            return ahead
        if ahead:
            ahead.cancel()
        return None

    def end_unasked(self, answer: asyncio.Task | None) -> None:
        """End the reply unless vui's answer takes it; answer: None where there is none."""
        ahead = self._running

        def end(_: asyncio.Task) -> None:
            if self._running is ahead:  # no later turn's
                self.cancel()

        if answer:
            answer.add_done_callback(end)
        else:
            self.cancel()

    def cancel(self) -> None:
        """End the reply that nobody has taken, and with it the provider's call."""
        ahead, self._running = self._running, None
        if ahead:
            ahead.cancel()


class Ahead:
    """The tokens of a reply that runs by itself, from its beginning.

    Attributes:
        name: a unique one.
        asked: the meaning of its messages, and its options.
        stats: what the call reports at its end.
    """

    def __init__(self, ask: Ask, messages: list[dict], options: dict) -> None:
        self.name, self.stats = uuid.uuid4().hex, dict[str, Any]()
        self.asked = _meaning(messages), options
        self._error: Exception | None = None
        self._tokens: asyncio.Queue[str | None] = asyncio.Queue()
        tokens = ask(messages, stats=self.stats, **options)
        self._task = asyncio.create_task(self._run(tokens))
        self._unclaimed = asyncio.get_running_loop().call_later(UNCLAIMED, self._task.cancel)

    @property
    def well(self) -> bool:
        """Whether it runs, or is whole."""
        return not (self._error or self._task.cancelling())

    def __aiter__(self) -> Ahead:
        return self

    async def __anext__(self) -> str:
        token = await self._tokens.get()
        if token is not None:
            return token
        self._tokens.put_nowait(None)
        raise self._error or StopAsyncIteration

    async def aclose(self) -> None:
        self.cancel()
        await asyncio.wait({self._task})

    def claim(self) -> None:
        """Let it run as long as it takes."""
        self._unclaimed.cancel()

    def cancel(self) -> None:
        self._unclaimed.cancel()
        self._task.cancel()

    async def _run(self, tokens: AsyncGenerator[str]) -> None:
        HEAD_START.set(self.name)
        try:
            async with aclosing(tokens):
                async for token in tokens:
                    self._tokens.put_nowait(token)
        except Exception as error:
            self._error = error  # raised where the reply is taken
        finally:
            self._tokens.put_nowait(None)


def _meaning(messages: list[dict]) -> list[dict]:
    """The messages; of the user's last one neither white space, nor case, nor marks at its end."""
    *before, last = messages
    if last.get("role") != "user" or not isinstance(last.get("content"), str):
        return messages
    said = " ".join(last["content"].split()).rstrip(END_MARKS).casefold()
    return [*before, {**last, "content": said}]
