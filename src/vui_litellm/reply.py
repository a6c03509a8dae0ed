"""A reply in flight, which a barge-in can end at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

__all__ = ["Reply"]


class Reply:
    """Iterates a stream of tokens until its end, or until `end()` is called from outside.

    vui marks a barge-in and looks at the mark when the next sentence arrives: before the first
    token that is never, and the provider goes on, and bills, for nobody.
    """

    def __init__(self, tokens: AsyncIterator[str]) -> None:
        self._tokens = tokens
        self._over = False
        self._waiting: asyncio.Timeout | None = None

    def __aiter__(self) -> Reply:
        return self

    async def __anext__(self) -> str:
        if self._over:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(self._tokens)
        except TimeoutError:
            if not self._over:
                raise
            raise StopAsyncIteration from None
        finally:
            self._waiting = None

    def end(self) -> None:
        """Stop waiting for the next token: the iteration ends as if the reply had."""
        self._over = True
        if self._waiting is not None:
            self._waiting.reschedule(0)
