"""vuis that talk without a pause for long, and what comes out of their loudspeakers."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from unittest.mock import patch

import httpx

from tests.support.fillers import without_fillers
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SENTENCES, gateway_lost

__all__ = ["HELLO", "TEXT", "Talk", "converse", "counting_repeats", "reply"]

TEXT = "One thing is this. Another thing is that. And one more."
HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
TOOL = {"type": "function", "function": {"name": "no_action", "parameters": {"type": "object"}}}


@dataclass
class Talk:
    """What became of the calls that vuis made."""

    whole: int = 0
    cut: list[str] = field(default_factory=list)  # words, and then our sentence
    lost: list[str] = field(default_factory=list)  # calls that got no word of an answer
    silent: list[str] = field(default_factory=list)  # ended without the rest and without a sentence
    slowest: float = 0.0  # seconds until a reply's first word
    waiting: int = 0  # calls without a word yet

    def __str__(self) -> str:
        calls = self.whole + len(self.cut) + len(self.lost) + len(self.silent)
        cut = f", {len(self.cut)} broken off and said so" if self.cut else ""
        told = f"{len(self.lost)} of {calls} calls lost{cut}"
        return f"{told}, the first word after {self.slowest:.1f} s at the most"

    def heard(self, text: str, first: float, error: str) -> None:
        """Count a reply by what came out of the loudspeaker."""
        self.slowest = max(self.slowest, first)
        said = next((sentence for sentence in SENTENCES if sentence in text), None)
        if said is None and text.split() == TEXT.split():
            self.whole += 1
        elif said is None:
            self.silent.append(f"{text!r}, {error}")
        elif text.split(said)[0].strip(" ."):
            self.cut.append(text)
        else:
            self.lost.append(f"{text!r}, {error}")


async def reply(vui: LiteLLMBackend, talk: Talk) -> None:
    """One reply, counted."""
    heard, error, began, first = "", "", time.monotonic(), 0.0
    talk.waiting += 1
    try:
        async for token in vui.stream(HELLO):
            before, heard = heard, without_fillers(heard + token)
            if heard and not before:
                first = time.monotonic() - began
                talk.waiting -= 1
    except httpx.HTTPError as failure:
        error = repr(failure)
    talk.heard(heard, first, error)


async def converse(vui: LiteLLMBackend, talk: Talk, over: asyncio.Event) -> None:
    """Turn after turn, a reply and its thoughts, until it is over."""
    while not over.is_set():
        await reply(vui, talk)
        talk.waiting += 1
        try:
            await vui.complete(HELLO, tools=[TOOL])
            talk.whole += 1
        except httpx.HTTPError as failure:
            talk.lost.append(f"thoughts: {failure!r}")
        talk.waiting -= 1
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), random.uniform(0.5, 1.5))


@contextmanager
def counting_repeats() -> Iterator[list[Exception]]:
    """What vui's side asks once more after, whether HAProxy says 502 or just closes."""
    repeats: list[Exception] = []

    def look(error: Exception) -> bool:
        if lost := gateway_lost(error):
            repeats.append(error)
        return lost

    with (
        patch("vui_litellm.stream.gateway_lost", look),
        patch("vui_litellm.backend.gateway_lost", look),
    ):
        yield repeats
