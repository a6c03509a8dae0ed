"""Two deployments, the first of which is sick: what is heard of a turn, and who was asked."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from vui.serving.stream import llm, llm_backend

from tests.matrix.conversations import TEXT_CHAT, tools
from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.fillers import FILLERS, dead_air
from tests.support.harness import gateway
from tests.support.poll import until
from tests.support.turns import Turns
from vui_litellm import LiteLLMBackend
from vui_litellm.patches.speech import speak_sooner

__all__ = ["FIRST", "SECOND", "Heard", "SickAndWell", "allowed", "sooner", "ward"]

# The first deployment's reply: no word of it is in the second's. Its first sentence is as long as
# one may be that vui doesn't cut.
FIRST = (
    "Ill folk keep telling everybody around them how truly awful mornings feel whenever rain comes "
    "falling down outside.",
    "Nobody sleeps then.",
    "Perhaps tomorrow brings sunshine?",
)
SECOND = ("Yeah, doing alright.", "What about you?")
CONTINUED = ("Anyway, I rested quite well.", "And yourself, my friend?")
PATH = "/v1/chat/completions"
GROUPS = 100
GIVE_UP = 12.0  # seconds: no turn may take that long


@dataclass
class Heard:
    """What reached speech synthesis of one turn, and when (seconds from its begin).

    Attributes:
        fillers: sentences that are no part of the reply, each with its time; not among the chunks.
    """

    chunks: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    finals: list[bool] = field(default_factory=list)
    fillers: list[tuple[str, float]] = field(default_factory=list)
    raised: Exception | None = None
    took: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(self.chunks)

    @property
    def silence(self) -> float:
        """The longest time without anything of the reply to say."""
        return max(b - a for a, b in zip([0.0, *self.at], [*self.at, self.took], strict=True))

    @property
    def dead_air(self) -> float:
        """The longest silence that a listener hears; fillers and the time of speech count."""
        said = [*self.fillers, *zip(self.chunks, self.at, strict=True)]
        return dead_air(sorted(said, key=lambda one: one[1]), self.took)


def allowed(first: bool = False) -> set[str]:
    """The transcripts of a whole answer: one deployment's, or the first's and its continuation.

    first: the first deployment is well enough to be heard to its end.
    """
    joined = {" ".join([*FIRST[:k], *CONTINUED]) for k in range(1, len(FIRST) + 1)}
    return {" ".join(FIRST)} if first else {" ".join(SECOND), *joined}


@dataclass
class SickAndWell(Turns):
    """A gateway with many groups of the same two deployments, so that no test waits for another's
    cooldowns to end; and groups of the first one alone.
    """

    first: OpenAI
    second: OpenAI
    numbers: Iterator[int] = field(default_factory=count)

    def group(self, kind: str = "two") -> str:
        """One that nobody has used."""
        return f"{kind}-{next(self.numbers) % GROUPS}"

    def fall_ill(self, first: dict[str, Any] | None = None, **second: Any) -> None:
        """What is wrong with each from now on; nothing by default."""
        self.first.clear(**{"text": " ".join(FIRST), "arguments": '{"by": 1}', **(first or {})})
        well = {"text": " ".join(SECOND), "continued": " ".join(CONTINUED)}
        self.second.clear(**{**well, "arguments": '{"by": 2}', **second})

    def counts(self) -> tuple[int, int]:
        """How often each was asked."""
        posts = [[s for s in d.seen if s.path == PATH] for d in (self.first, self.second)]
        return len(posts[0]), len(posts[1])

    def barge_in(self) -> None:
        """What vui does when the user speaks."""
        llm_backend.get_backend().barge_in()

    async def turn(
        self,
        group: str,
        conversation: list[dict] = TEXT_CHAT,
        within: float = GIVE_UP,
        before: Callable[[LiteLLMBackend], Awaitable[None]] | None = None,
    ) -> Heard:
        """A streamed reply through vui's own chunker on our own backend.

        before: what happens until vui asks for it.
        """
        backend, heard = self.backend(group), Heard()
        if before:
            await before(backend)
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                async for chunk, final in llm.llm_stream_chunks(
                    conversation[1:], TEXT_CHAT[0]["content"]
                ):
                    now = time.monotonic() - began
                    if chunk in FILLERS:
                        assert not final
                        heard.fillers.append((chunk, now))
                        continue
                    heard.chunks.append(chunk)
                    heard.finals.append(final)
                    heard.at.append(now)
        except (httpx.HTTPError, TimeoutError) as error:
            heard.raised = error
        heard.took = time.monotonic() - began
        await backend.aclose()
        return heard

    async def thoughts(self, group: str) -> tuple[dict | None, float]:
        """Thoughts' answer, None when it failed, and how long it took."""
        backend, began = self.backend(group), time.monotonic()
        try:
            answer = await backend.complete(TEXT_CHAT, tools=tools(), temperature=0.0)
        except httpx.HTTPError:
            answer = None
        await backend.aclose()
        return answer, time.monotonic() - began


@contextmanager
def sooner() -> Iterator[None]:
    """vui's chunker as our launcher patches it, for the length of the block."""
    before, name = llm.llm_stream_chunks, "llm_stream_chunks"
    if hasattr(before, "__wrapped__"):  # by somebody else
        yield
        return
    speak_sooner()
    patched = llm.llm_stream_chunks
    try:
        yield
    finally:
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get(name) is patched:
                setattr(module, name, before)


@contextmanager
def ward(
    folder: Path, router_settings: dict, env: dict[str, str] | None = None, *, thinks: bool = False
) -> Iterator[SickAndWell]:
    """Start it; `thinks`: there is a group of two whose configuration asks for thinking."""
    with ExitStack() as stack:
        stack.enter_context(sooner())
        stand_ins = [OpenAI(), OpenAI()]
        bases = [stack.enter_context(serving(stand_in.app)) for stand_in in stand_ins]

        def entry(group: str, order: int, **params: Any) -> dict:
            own = {"model": "openai/gpt-4.1-mini", "api_base": f"{bases[order - 1]}/v1"}
            entry = {**own, "api_key": "k", "order": order, **params}
            return {"model_name": group, "litellm_params": entry}

        config = {
            "model_list": [
                *(entry(f"two-{n}", order) for n in range(GROUPS) for order in (1, 2)),
                *(entry(f"one-{n}", 1) for n in range(GROUPS)),
                *(entry("thinks", order, reasoning_effort="low") for order in (1, 2) if thinks),
            ],
            "litellm_settings": {"drop_params": True},
            "router_settings": router_settings,
        }
        program = stack.enter_context(gateway(folder, config, env))
        up = SickAndWell(program, stand_ins[0], stand_ins[1])
        up.fall_ill()
        asyncio.run(_warm(up))
        yield up


async def _warm(up: SickAndWell) -> None:
    """The first turn, the first thoughts and the first failure of each take a little longer."""
    await up.turn(up.group())
    up.first.clear(fault=500)
    await up.turn(group := up.group())
    await up.thoughts(group)
    await until(lambda: f"thoughts model={group} " in up.program.log, 10, "the last line of them")
