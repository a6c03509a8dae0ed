"""A real turn with a model, measured as a listener would."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
from vui.serving.stream import llm_backend, tools
from vui.serving.stream.llm import llm_stream_chunks

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.errors import spoken_message
from vui_litellm.tools.preflight import GatewayUnusable
from vui_litellm.tools.report import GOOD_MS, USABLE_MS
from vui_litellm.tools.thoughts import ThoughtsHost

__all__ = [
    "REQUESTS", "InstrumentedBackend", "ModelGroup", "ModelResult", "estimate", "measure",
    "model_groups",
]  # fmt: skip

# Two ordinary replies, and one that runs into a stop phrase of vui's if it does as it is told.
ORDINARY = "Hello there, how are you doing today?"
FILLER = "Say exactly this and nothing else: Alpha. Hold on. Omega."
REPLIES = (ORDINARY, ORDINARY, FILLER)
REMEMBER = "Please remember that my name is Ada."  # vui's tool for it: add_memory
THOUGHTS = 2  # the second as in mid-conversation, when the provider may know the prompt
REQUESTS = len(REPLIES) + THOUGHTS
REPLY_TOKENS, CALL_TOKENS = 40, 30  # about what such a reply, and such a call, is long
CHARACTERS = 4  # a token's, about


@dataclass
class ModelResult:
    """What a model did. Milliseconds, tokens per second, US dollars; None where it isn't known.

    `cold_ms` is the first reply's; the other figures are those of a conversation that goes on.
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


@dataclass
class ModelGroup:
    """A model group of the gateway's: who answers, and at what price per token.

    price: US dollars for a token in, out, read from the provider's prompt cache, and written to it.
    """

    model: str
    provider: str
    price: tuple[float, float, float, float] | None
    demo: bool

    def usd(
        self, tokens_in: float, tokens_out: float, cached: float = 0, written: float = 0
    ) -> float | None:
        """Of the tokens in some may have been read from the cache, or written to it."""
        if not self.price:
            return None
        tokens = (tokens_in - cached - written, tokens_out, cached, written)
        return sum(n * usd for n, usd in zip(tokens, self.price, strict=True))


@dataclass
class Timing:
    """When a reply was asked for, when its tokens came, and what it used."""

    began: float = field(default_factory=time.perf_counter)
    first: float = 0.0
    last: float = 0.0
    usage: dict = field(default_factory=dict)

    def take_usage(self, usage: dict) -> None:
        """With the times of the first and the last token, where our gateway tells them."""
        self.usage = usage
        self.first = self._told("first_token_ms") or self.first
        self.last = self._told("last_token_ms") or self.last

    def _told(self, name: str) -> float:
        return self.began + self.usage[name] / 1000 if name in self.usage else 0.0


class InstrumentedBackend(LiteLLMBackend):
    """Our backend under observation; a tool that the model calls is not carried out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_usage: dict = {}  # whole, as the gateway told it; vui keeps the sums
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


async def model_groups(backend: LiteLLMBackend) -> dict[str, ModelGroup]:
    """What the gateway serves, from its `/model/info`: of a group, the deployment asked first.

    Raises:
        GatewayUnusable: it doesn't tell.

    Source: https://docs.litellm.ai/docs/proxy/model_management
    """
    try:
        answer = await backend.request("GET", "/model/info")
        entries = answer.raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise GatewayUnusable(
            f"The gateway at {backend.base_url} doesn't tell about its models, at /model/info "
            f"({error!r}). Use a key that may."
        ) from error
    found: dict[str, ModelGroup] = {}
    for entry in sorted(entries, key=lambda e: e["litellm_params"].get("order") or 0):
        params, info = entry["litellm_params"], entry["model_info"]
        costs = info.get("input_cost_per_token"), info.get("output_cost_per_token")
        demo = bool(params.get("mock_response"))
        into, out = (0, 0) if demo else costs
        read, write = (info.get(f"cache_{how}_input_token_cost") for how in ("read", "creation"))
        price = None if into is None or out is None else (into, out, read or into, write or into)
        group = ModelGroup(entry["model_name"], params["model"], price, demo)
        found.setdefault(entry["model_name"], group)
    return {name: found[name] for name in dict.fromkeys(e["model_name"] for e in entries)}


async def measure(
    backend: InstrumentedBackend, group: ModelGroup, turn: asyncio.Lock, done: Callable[[], None]
) -> ModelResult:
    """Its replies wait their turn, so that no model's first token waits for another's."""
    result = ModelResult(group.model, group.provider)
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
    """All that went in, and of it what the provider's cache had, and what it took."""
    details = usage.get("prompt_tokens_details") or {}
    kept = (details.get(f"{how}_tokens") or 0 for how in ("cached", "cache_creation"))
    return usage.get("prompt_tokens", 0), *kept


def _right(calls: list[dict]) -> bool:
    """vui's own tool for it, with the argument that it needs."""
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
        details = [timing.usage.get("completion_tokens_details") or {} for timing in whole]
        result.thinking = any(detail.get("reasoning_tokens") for detail in details)
        turn = (whole[-1].usage, backend.call_usage)
        used, read, wrote = (
            sum(counted) for counted in zip(*(_tokens_in(usage) for usage in turn), strict=True)
        )
        made = statistics.mean(out) + backend.call_usage.get("completion_tokens", 0)
        result.usd_per_turn = group.usd(used, made, read, wrote)
    if group.demo:
        result.verdict = "demo: put a provider's key into .env"
    elif result.first_token_ms <= GOOD_MS:
        result.verdict = "good for voice"
    else:
        result.verdict = "usable" if result.first_token_ms <= USABLE_MS else "slow"
    return result


def estimate(chosen: list[ModelGroup]) -> tuple[int, int, float]:
    """About how many tokens go in and come out, and their price where it is known."""
    host = _host()
    call = host.thoughts_prompt + json.dumps(tools.tools_list())
    into = (len(REPLIES) * len(host.session.soul) + THOUGHTS * len(call)) // CHARACTERS
    out = len(REPLIES) * REPLY_TOKENS + THOUGHTS * CALL_TOKENS
    asked = [group for group in chosen if not group.demo]
    return len(asked) * into, len(asked) * out, sum(o.usd(into, out) or 0 for o in asked)
