"""OpenAI's format at a real provider's pace: when the first word comes, and the others."""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.providers.base import Script, Seen, stopped
from tests.providers.openai import OpenAI

__all__ = ["TOKENS_PER_S", "Billed", "Paced", "first_words", "tokens"]

# Seconds. Some 30,000 measured first words of OpenAI, Azure and Google: a p95 of about 0.7, now and
# then 25 and more (https://github.com/pipecat-ai/pipecat/issues/1795). The median, and how many
# are that late, aren't told there.
MEDIAN, P95 = 0.45, 0.7
SIGMA = math.log(P95 / MEDIAN) / NormalDist().inv_cdf(0.95)
LATE, LATE_SHARE = (2.0, 25.0), 0.01
TOKENS_PER_S = 60
CHARACTERS = 4  # of a token that is billed


def first_words(draws: random.Random) -> float:
    """Seconds until a provider's first word: log-normal, but for those that are late."""
    if draws.random() < LATE_SHARE:
        return draws.uniform(*LATE)
    return draws.lognormvariate(
        math.log(MEDIAN), math.log(P95 / MEDIAN) / NormalDist().inv_cdf(0.95)
    )


def tokens(text: str) -> list[str]:
    """A word is a token, with the space before it."""
    return re.findall(r"\s*\S+", text)


@dataclass
class Billed:
    """A request. call: the user's last words, by which attempts of one call are known.

    spoke_at, closed_at: monotonic times of the first word, and of the client's hanging up.
    """

    path: str
    call: str
    tokens_in: int
    tokens_out: int = 0
    spoke_at: float = 0.0
    closed_at: float = 0.0


class Paced(OpenAI):
    """The head comes with the first word, as OpenAI's does.

    Each path is a deployment with random numbers of its own; `Script.delay` is used instead where
    there is one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.billed: list[Billed] = []
        self.draws: defaultdict[str, random.Random] = defaultdict(lambda: random.Random(10))

    def clear(self, **script: Any) -> None:
        super().clear(**script)
        self.billed.clear()
        self.draws.clear()

    async def _report(self, request: Request) -> Response:
        return JSONResponse([asdict(billed) for billed in self.billed])

    async def _respond(self, request: Request, seen: Seen, script: Script) -> Response:
        self.seen.clear()  # a long prompt each
        self.check(request, seen.body)
        messages = seen.body["messages"]
        said = sum(len(message["content"]) for message in messages)
        billed = Billed(seen.path, messages[-1]["content"], said // CHARACTERS)
        self.billed.append(billed)
        seconds = script.delay or first_words(self.draws[seen.path])
        hung_up = asyncio.ensure_future(request.receive())  # the body has been read
        await asyncio.wait([hung_up], timeout=seconds)
        if hung_up.done():
            billed.closed_at = time.monotonic()
            return Response(status_code=499)
        hung_up.cancel()
        pieces = stopped(tokens(script.text), self.stops(seen.body))
        frames = self.frames(seen.body, replace(script, pieces=pieces))
        speech = self._speak(frames, len(pieces), billed)
        return StreamingResponse(speech, media_type=self.media_type)

    async def _speak(self, frames: list[bytes], count: int, billed: Billed) -> AsyncIterator[bytes]:
        """The role, then `count` words at their pace, then the end at once."""
        began = time.monotonic()
        try:
            for index, frame in enumerate(frames):
                due = began + max(0, min(index, count) - 1) / TOKENS_PER_S
                await asyncio.sleep(due - time.monotonic())
                billed.tokens_out = min(index, count)
                yield frame
                if index == 1:
                    billed.spoke_at = time.monotonic()
        except (asyncio.CancelledError, GeneratorExit):
            billed.closed_at = time.monotonic()
            raise
