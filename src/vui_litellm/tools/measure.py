"""A real turn with a model, measured as a listener would."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
from vui.serving.stream import llm_backend, tools
from vui.serving.stream.llm import llm_stream_chunks

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.errors import spoken_message
from vui_litellm.tools.groups import ModelGroup
from vui_litellm.tools.leaks import TAG, THINKS_ALOUD, leak
from vui_litellm.tools.report import GOOD_MS, USABLE_MS
from vui_litellm.tools.thoughts import ThoughtsHost

__all__ = ["REQUESTS", "Estimate", "InstrumentedBackend", "ModelResult", "estimate", "measure"]

# Two ordinary replies, and one that runs into a stop phrase of vui's if the model obeys.
ORDINARY = "Hello there, how are you doing today?"
STOP_PROMPT = "Say exactly this and nothing else: Alpha. Hold on. Omega."
REPLIES = (ORDINARY, ORDINARY, STOP_PROMPT)
REMEMBER = "Please remember that my name is Ada."  # vui's tool for it: add_memory
THOUGHTS = 2  # the second as in mid-conversation, when the provider may know the prompt
REQUESTS = len(REPLIES) + THOUGHTS
REPLY_TOKENS, CALL_TOKENS = 40, 30  # about the length of such a reply, and of such a call
CHARACTERS = 4  # a token's, about
# A reply's tokens, by its bytes: some twice as many as they make. Beyond that it was thought about,
# where nobody reports it: our gateway takes thinking between tags out, and its provider bills it.
MOST_TOKENS, TOKENS_PER_BYTE = 16, 0.5


@dataclass
class ModelResult:
    """The measurements of a model. Milliseconds, tokens per second, US dollars; None if unknown.

    `cold_ms` is the first reply's, the others are a conversation's; `note` is the gateway's.
    """

    model: str
    provider: str
    first_token_ms: float | None = None
    cold_ms: float | None = None
    tokens_per_s: float | None = None
    tool_call: bool | None = None
    stops_held: bool | None = None
    thinking: bool | None = None
    usd_per_turn: float | None = None
    verdict: str = ""
    note: str = ""


@dataclass
class Timing:
    """The times of a reply and of its tokens, its text, and its usage."""

    began: float = field(default_factory=time.perf_counter)
    first: float = 0.0
    last: float = 0.0
    text: str = ""
    usage: dict = field(default_factory=dict)

    @property
    def thought(self) -> bool:
        """Whether it thought first: its provider says so, or bills far more tokens than came."""
        details = self.usage.get("completion_tokens_details") or {}
        most = MOST_TOKENS + TOKENS_PER_BYTE * len(self.text.encode())
        billed = self.usage.get("completion_tokens") or 0
        return bool(details.get("reasoning_tokens") or billed > most)

    def take_usage(self, usage: dict) -> None:
        """Take the usage, with the first and last token's times where our gateway reports them."""
        self.usage = usage
        self.first = self._reported("first_token_ms") or self.first
        self.last = self._reported("last_token_ms") or self.last

    def _reported(self, name: str) -> float:
        return self.began + self.usage[name] / 1000 if name in self.usage else 0.0


class InstrumentedBackend(LiteLLMBackend):
    """Our backend under observation; a tool that the model calls is not carried out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_usage: dict = {}  # whole, as the gateway reported it; vui keeps the sums
        self.replies: list[Timing] = []
        self.calls: list[dict] = []
        self.call_usage: dict = {}
        self.problem: Exception | None = None

    def _record_stats(self, stats: dict | None, usage: dict | None) -> None:
        super()._record_stats(stats, usage)
        self.last_usage = usage or {}

    async def stream(self, messages: list[dict], **kwargs: Any) -> AsyncGenerator[str]:
        self.replies.append(timing := Timing())
        self.last_usage = {}
        async with aclosing(super().stream(messages, **kwargs)) as tokens:
            async for token in tokens:
                timing.last = time.perf_counter()
                timing.first = timing.first or timing.last
                timing.text += token
                yield token
        timing.take_usage(self.last_usage)

    async def complete(self, messages: list[dict], **kwargs: Any) -> dict:
        try:
            answer = await super().complete(messages, **kwargs)
        except Exception as problem:  # vui's thoughts only log it
            self.problem = problem
            raise
        self.calls, self.call_usage = answer["tool_calls"] or [], self.last_usage
        return {**answer, "tool_calls": None}


def _host() -> ThoughtsHost:
    """vui's thoughts about nobody in particular: no memories are sent to every provider."""

    async def speak(*_: object) -> str:
        return ""

    host = ThoughtsHost(speak, lambda _: None, memory=False, all_tools=True)
    host.session.conversation.append({"role": "user", "content": REMEMBER})
    return host


async def measure(
    backend: InstrumentedBackend, group: ModelGroup, turn: asyncio.Lock, done: Callable[[], None]
) -> ModelResult:
    """Measure a model. Its replies wait their turn: no first token waits for another model's."""
    result = ModelResult(group.model, group.provider, note=group.note)
    try:
        host = _host()
        for said in REPLIES:
            async with turn:
                held = await _reply(backend, host.session.soul, said)
            done()
        result.stops_held = held  # of the last, which is asked for a stop phrase
        llm_backend.set_backend(backend)  # vui's thoughts take it before they wait for anything
        for _ in range(THOUGHTS):
            await host.think(REMEMBER)
            if backend.problem:
                raise backend.problem
            done()
        result.tool_call = _right(backend.calls)
    except httpx.HTTPError as error:
        cure = spoken_message(error).removeprefix("Sorry, ").removesuffix(".")
        result.verdict = f"broken: {cure} ({str(error)[:160] or type(error).__name__})"
    except Exception as error:  # a report about all models doesn't end at one of them
        result.verdict = f"broken: {error!r}"
    finally:
        await backend.aclose()
    return result if result.verdict else _judged(result, backend, group)


async def _reply(backend: InstrumentedBackend, soul: str, said: str) -> bool | None:
    """Whether the stop held; None when the model didn't come to say it."""
    llm_backend.set_backend(backend)
    async with aclosing(llm_stream_chunks([{"role": "user", "content": said}], soul)) as chunks:
        text = " ".join([chunk async for chunk, _final in chunks])
    if not backend.replies[-1].first:
        raise httpx.ReadError("it answered without a word")
    return ("Hold" not in text and "Omega" not in text) if "Alpha" in text else None


def _tokens_in(usage: dict) -> tuple[int, int, int]:
    """Tokens of the input, those that the provider's cache had, and those that it took."""
    details = usage.get("prompt_tokens_details") or {}
    kept = (details.get(f"{how}_tokens") or 0 for how in ("cached", "cache_creation"))
    return usage.get("prompt_tokens", 0), *kept


def _right(calls: list[dict]) -> bool:
    """Whether the call is of vui's own tool for it, with the argument that it needs."""
    function = calls[0]["function"] if calls else {}
    return function.get("name") == "add_memory" and bool(function["arguments"].get("text"))


def _judged(result: ModelResult, backend: InstrumentedBackend, group: ModelGroup) -> ModelResult:
    firsts = [(timing.first - timing.began) * 1000 for timing in backend.replies]
    cold, *warm = firsts
    result.first_token_ms, result.cold_ms = round(statistics.median(warm)), round(cold)
    whole = [timing for timing in backend.replies if timing.usage]
    if whole:
        out = [timing.usage.get("completion_tokens", 0) for timing in whole]
        speeds = [
            n / (w.last - w.first)
            for n, w in zip(out, whole, strict=True)
            if w.last - w.first > 0.02  # else it came in one piece
        ]
        result.tokens_per_s = round(statistics.median(speeds)) if speeds else None
        result.thinking = any(timing.thought for timing in whole)
        turn = (whole[-1].usage, backend.call_usage)
        used, read, wrote = (
            sum(counted) for counted in zip(*(_tokens_in(usage) for usage in turn), strict=True)
        )
        made = statistics.mean(out) + backend.call_usage.get("completion_tokens", 0)
        result.usd_per_turn = group.usd(used, made, read, wrote)
    if group.demo:
        result.verdict = "demo: put a provider's key into .env"
    elif any(TAG.search(timing.text) for timing in backend.replies):
        result.thinking, result.verdict = True, THINKS_ALOUD
    elif result.first_token_ms <= GOOD_MS:
        result.verdict = "good for voice"
    else:
        result.verdict = "usable" if result.first_token_ms <= USABLE_MS else "slow"
        result.verdict += ": it thinks before it answers" if result.thinking else ""
    if leaked := leak(group.provider, [timing.usage for timing in whole]):
        result.verdict += f"{'; ' if ':' in result.verdict else ': '}{leaked}"
    return result


class Estimate(NamedTuple):
    """The estimated cost of a check.

    Attributes:
        usd: US dollars, of the models whose price is known.
        unpriced: the names of the others.
    """

    tokens_in: int
    tokens_out: int
    usd: float
    unpriced: list[str]


def estimate(chosen: list[ModelGroup]) -> Estimate:
    """The tokens for measuring them; the demo needs none."""
    host = _host()
    call = host.thoughts_prompt + json.dumps(tools.tools_list())
    into = (len(REPLIES) * len(host.session.soul) + THOUGHTS * len(call)) // CHARACTERS
    out = len(REPLIES) * REPLY_TOKENS + THOUGHTS * CALL_TOKENS
    asked = [group for group in chosen if not group.demo]
    usd = sum(group.usd(into, out) or 0 for group in asked)
    unpriced = [group.model for group in asked if not group.price]
    return Estimate(len(asked) * into, len(asked) * out, usd, unpriced)
