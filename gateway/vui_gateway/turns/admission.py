"""The calls under way: a bounded number, in which the newest call is let in."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

from vui_gateway.errors import Code
from vui_gateway.turns.call import Call

__all__ = ["Admission"]


class Admission:
    """Ends calls that make way for others, or whose key was taken back.

    Attributes:
        limit: of calls at once.
        running: the calls under way, oldest first.
    """

    def __init__(self) -> None:
        self.limit: float = math.inf
        self.running: dict[asyncio.Task, Call] = {}

    def make_way(self, client: str, limit: int | None) -> None:
        """End the oldest call where there are too many: the user waits for the newest one.

        Over a client's limit, end that client's oldest call. Over the gateway's limit, end the
        oldest call of the client that has most.

        limit: the client's own.
        """
        staying = self._staying()
        count = Counter(call.client for call in staying.values())
        if limit and count[client] >= limit:
            self._end_oldest(staying, client)
        elif len(staying) >= self.limit:
            self._end_oldest(staying, max(count, key=count.__getitem__))

    def is_full(self, client: str, limit: int | None) -> bool:
        """Whether one more call would end another one.

        limit: the client's own.
        """
        staying = self._staying()
        own = sum(call.client == client for call in staying.values())
        return len(staying) >= self.limit or bool(limit and own >= limit)

    def revoke(self, client: str) -> None:
        """End the calls of a client whose key was taken back."""
        for task, call in self._staying().items():
            if call.client == client:
                self._end(task, Code.KEY_REVOKED)

    def _end_oldest(self, staying: dict[asyncio.Task, Call], client: str) -> None:
        task = next(task for task, call in staying.items() if call.client == client)
        self._end(task, Code.TOO_MANY_CALLS)

    def _staying(self) -> dict[asyncio.Task, Call]:
        """The calls that nothing has ended yet."""
        return {t: call for t, call in self.running.items() if not (call.error or t.done())}

    def _end(self, task: asyncio.Task, why: Code) -> None:
        self.running[task].error = why
        task.cancel()
