"""Calls that are billed, without a gateway."""

import asyncio
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import monotonic
from typing import Any

from vui_gateway.state.entries import State
from vui_gateway.state.files import Files
from vui_gateway.state.sync import Sync
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.recorder import Recorder

TODAY = date(2026, 11, 25)
GPT = "openai/gpt-4.1-mini"
PRICE = (1e-4, 1e-3)
USD = 1200 * PRICE[0] + 12 * PRICE[1]


class Stub:
    """As much of an attempt as is billed: a request of 4,800 bytes, and 48 characters said."""

    def __init__(self, name: str = GPT, ended: str = "ok", **fields: Any) -> None:
        spoke = ended in ("ok", "hedged-lost")
        self.client = "owner"
        self.deployment = Deployment(name[0], name, price=PRICE)
        self.body: dict = {}
        self.ended, self.spoke, self.mocked, self.answered = ended, spoke, False, False
        self.sent, self.received, self.began = 4800, 48 if spoke else 0, 0.0
        self.counts: Any = (1200, 12, USD) if spoke else None
        self.cache_counts, self.reason, self.code = (0, 0), "", ""
        self.first_word = self.last_word = self.over = 0.0
        self.beside, self.finish_reason, self.answer = False, "stop" * spoke, None
        vars(self).update(fields)


def attempt(name: str = GPT, ended: str = "ok", **fields: Any) -> Any:
    return Stub(name, ended, **fields)


def unpriced(**fields: Any) -> Any:
    return attempt(deployment=Deployment("x", "x"), **fields)


def call(*attempts: Any, **fields: Any) -> Call:
    began = monotonic() - 1
    told = {"first_token": began + 0.3, "released": began + 0.4, "ended": began + 0.9}
    tried = [*attempts] or [attempt()]
    for one in tried:
        one.began = began
    asked = {"model_group": "vui", "began": began, "attempts": tried}
    return Call(**{**asked, **told, **fields})


class Kept(Recorder):
    """Of a gateway on the files of a folder; its clock stands at noon of `day`."""

    def __init__(self, folder: Path, limit: float | None = None, day: date = TODAY) -> None:
        self.day = day
        state = State(clock=self._noon)
        self.sync = Sync(state, Files(folder))
        self.keep()
        super().__init__(state)
        self.budget.limit = limit

    def _noon(self) -> float:
        return datetime.combine(self.day, time(12), UTC).timestamp()

    def keep(self) -> None:
        """Write what isn't written."""
        asyncio.run(self.sync.exchange())


# A token in for 100 micro-dollars, from the cache for 10, written to it for 125.
KEEPS = Deployment("c", GPT, price=PRICE, cache_price=(10e-6, 125e-6))
