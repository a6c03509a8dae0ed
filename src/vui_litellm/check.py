"""Which model can I talk to? A real turn with each, measured as a listener would."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import statistics
import sys
import time
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress
from vui.serving.stream import llm_backend, tools
from vui.serving.stream.llm import llm_stream_chunks

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.chat import TextServer
from vui_litellm.errors import spoken
from vui_litellm.launcher import GatewayUnusable, preflight
from vui_litellm.report import GOOD_MS, USABLE_MS, page, table
from vui_litellm.settings import Settings

__all__ = ["Row", "check"]

# Two ordinary replies, and one that runs into a stop phrase of vui's if it does as it is told.
ORDINARY = "Hello there, how are you doing today?"
FILLER = "Say exactly this and nothing else: Alpha. Hold on. Omega."
REPLIES = (ORDINARY, ORDINARY, FILLER)
REMEMBER = "Please remember that my name is Ada."  # vui's tool for it: add_memory
REPLY_TOKENS, CALL_TOKENS = 40, 30  # about what such a reply, and such a call, is long
CHARACTERS = 4  # a token's, about


@dataclass
class Row:
    """What a model did. Milliseconds, tokens per second, US dollars; None where it isn't known."""

    model: str
    provider: str
    first_token_ms: float | None = None
    worst_ms: float | None = None
    tokens_per_s: float | None = None
    tool_call: bool | None = None
    stops_held: bool | None = None
    thinking: bool | None = None
    usd_per_turn: float | None = None
    verdict: str = ""


@dataclass
class Offer:
    """A model group of the gateway's: who answers, and at what price per token."""

    model: str
    provider: str
    price: tuple[float, float] | None
    demo: bool

    def usd(self, tokens_in: float, tokens_out: float) -> float | None:
        return self.price and tokens_in * self.price[0] + tokens_out * self.price[1]


@dataclass
class Watch:
    """A stop-watch on one reply."""

    began: float = field(default_factory=time.perf_counter)
    first: float = 0.0
    last: float = 0.0
    usage: dict = field(default_factory=dict)


class Probe(LiteLLMBackend):
    """Our backend under observation; a tool that the model calls is not carried out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replies: list[Watch] = []
        self._watch: Watch | None = None
        self.calls: list[dict] = []
        self.call_usage: dict = {}
        self.problem: Exception | None = None

    async def stream(self, messages: list[dict], **kwargs: Any) -> AsyncGenerator[str]:
        self._watch = watch = Watch()
        self.replies.append(watch)
        async with aclosing(super().stream(messages, **kwargs)) as tokens:
            async for token in tokens:
                watch.last = time.perf_counter()
                watch.first = watch.first or watch.last
                yield token
        self._watch = None

    def _record_stats(self, stats: dict | None, usage: dict | None) -> None:
        super()._record_stats(stats, usage)
        if self._watch:
            self._watch.usage = usage or {}

    async def complete(self, messages: list[dict], **kwargs: Any) -> dict:
        try:
            answer = await super().complete(messages, **kwargs)
        except Exception as problem:  # vui's thoughts only log it
            self.problem = problem
            raise
        self.calls, self.call_usage = answer["tool_calls"] or [], answer["usage"]
        return {**answer, "tool_calls": None}


class Server(TextServer):
    """vui's thoughts about nobody in particular: no memories are sent to every provider."""

    def __init__(self, probe: Probe) -> None:
        super().__init__(probe, io.StringIO())
        self._memories_store, self._memories = [], []
        self._task_server_available = True  # all of vui's tools
        self.session.conversation.append({"role": "user", "content": REMEMBER})


async def offers(probe: Probe) -> dict[str, Offer]:
    """What the gateway serves, from its `/model/info`: of a group, the deployment asked first.

    Raises:
        GatewayUnusable: it doesn't tell.

    Source: https://docs.litellm.ai/docs/proxy/model_management
    """
    url = f"{probe.base_url.removesuffix('/v1')}/model/info"
    try:
        answer = await probe._client_inst().get(url, headers=probe._headers)
        entries = answer.raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise GatewayUnusable(
            f"The gateway doesn't tell about its models at {url} ({error!r}). Use a key that may."
        ) from error
    found: dict[str, Offer] = {}
    for entry in sorted(entries, key=lambda e: e["litellm_params"].get("order") or 0):
        params, info = entry["litellm_params"], entry["model_info"]
        costs = info.get("input_cost_per_token"), info.get("output_cost_per_token")
        demo = bool(params.get("mock_response"))
        price = (0.0, 0.0) if demo else None if None in costs else costs
        offer = Offer(entry["model_name"], params["model"], price, demo)
        found.setdefault(entry["model_name"], offer)
    return {name: found[name] for name in dict.fromkeys(e["model_name"] for e in entries)}


async def measure(probe: Probe, offer: Offer, turn: asyncio.Lock, done: Callable[[], None]) -> Row:
    """One model's row; its replies wait their turn, so that no first token waits for another's."""
    row = Row(offer.model, offer.provider)
    try:
        server = Server(probe)
        for said in REPLIES:
            async with turn:
                held = await _reply(probe, server.session.soul, said)
            done()
        row.stops_held = held  # of the last, which is asked for a stop phrase
        llm_backend.set_backend(probe)  # vui's thoughts take it before they wait for anything
        await server._thoughts._evaluate(REMEMBER)
        if probe.problem:
            raise probe.problem
        row.tool_call = _right(probe.calls)
        done()
    except httpx.HTTPError as error:
        cure = spoken(error).removeprefix("Sorry, ").removesuffix(".")
        row.verdict = f"broken: {cure} ({str(error)[:160] or type(error).__name__})"
    except Exception as error:  # a report about all models doesn't end at one of them
        row.verdict = f"broken: {error!r}"
    finally:
        await probe.aclose()
    return row if row.verdict else _judged(row, probe, offer)


async def _reply(probe: Probe, soul: str, said: str) -> bool | None:
    """Whether the stop held; None when the model didn't come to say it."""
    llm_backend.set_backend(probe)
    async with aclosing(llm_stream_chunks([{"role": "user", "content": said}], soul)) as chunks:
        text = " ".join([chunk async for chunk, _final in chunks])
    if not probe.replies[-1].first:
        raise httpx.ReadError("it answered without a word")
    return ("Hold" not in text and "Omega" not in text) if "Alpha" in text else None


def _right(calls: list[dict]) -> bool:
    """vui's own tool for it, with the argument that it needs."""
    function = calls[0]["function"] if calls else {}
    return function.get("name") == "add_memory" and bool(function["arguments"].get("text"))


def _judged(row: Row, probe: Probe, offer: Offer) -> Row:
    firsts = [(watch.first - watch.began) * 1000 for watch in probe.replies]
    row.first_token_ms, row.worst_ms = round(statistics.median(firsts)), round(max(firsts))
    whole = [watch for watch in probe.replies if watch.usage]
    if whole:
        out = [watch.usage.get("completion_tokens", 0) for watch in whole]
        speeds = [
            n / (w.last - w.first)
            for n, w in zip(out, whole, strict=True)
            if w.last - w.first > 0.02  # else it came in one piece
        ]
        row.tokens_per_s = round(statistics.median(speeds)) if speeds else None
        details = [watch.usage.get("completion_tokens_details") or {} for watch in whole]
        row.thinking = any(detail.get("reasoning_tokens") for detail in details)
        used = whole[0].usage.get("prompt_tokens", 0) + probe.call_usage.get("prompt", 0)
        made = statistics.mean(out) + probe.call_usage.get("completion", 0)
        row.usd_per_turn = offer.usd(used, made)
    if offer.demo:
        row.verdict = "demo: put a provider's key into .env"
    elif row.first_token_ms <= GOOD_MS:
        row.verdict = "good for voice"
    else:
        row.verdict = "usable" if row.first_token_ms <= USABLE_MS else "slow"
    return row


def bill(chosen: list[Offer]) -> tuple[int, int, float]:
    """About how many tokens go in and come out, and their price where it is known."""
    server = Server(Probe())
    call = server._thoughts._build_system_prompt() + json.dumps(tools.tools_list())
    into = (len(REPLIES) * len(server.session.soul) + len(call)) // CHARACTERS
    out = len(REPLIES) * REPLY_TOKENS + CALL_TOKENS
    asked = [offer for offer in chosen if not offer.demo]
    return len(asked) * into, len(asked) * out, sum(o.usd(into, out) or 0 for o in asked)


async def check(options: Namespace) -> int:
    """Measure, and show it; 1 when a model that was asked for, or the default one, is broken.

    Raises:
        SettingError: a setting has a bad value.
        GatewayUnusable: see `launcher.preflight`; or a `--model` that isn't served.
    """
    settings, stdout, console = Settings.from_env(), sys.stdout, Console(stderr=True)
    with contextlib.redirect_stdout(io.StringIO()):  # vui prints its log there
        first = Probe.from_settings(settings)
        await preflight(first)
        served = await offers(first)
        await first.aclose()
        names = options.model or list(served)
        if unknown := [name for name in names if name not in served]:
            raise GatewayUnusable(
                f"The gateway doesn't serve {unknown[0]!r}. Choose from: {', '.join(served)}."
            )
        chosen = [served[name] for name in names]
        into, out, usd = bill(chosen)
        console.print(
            f"{len(chosen)} model{'s'[: len(chosen) != 1]}, {len(REPLIES) + 1} requests each: "
            f"about {into} tokens in, {out} out, {usd:.4f} USD where the price is known.",
            highlight=False,
        )
        if options.dry_run or not _agreed(options, console):
            return 0
        lock = asyncio.Lock()
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("Asking", total=len(chosen) * (len(REPLIES) + 1))
            probes = [Probe.from_settings(settings, offer.model) for offer in chosen]
            rows = await asyncio.gather(
                *(
                    measure(probe, offer, lock, lambda: progress.advance(task))
                    for probe, offer in zip(probes, chosen, strict=True)
                )
            )
    _show(rows, options, stdout)
    wanted = options.model or [settings.model]
    return int(any(row.model in wanted and row.verdict.startswith("broken") for row in rows))


def _agreed(options: Namespace, console: Console) -> bool:
    if options.yes or not (sys.stdin.isatty() and console.is_terminal):
        return True
    return console.input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _show(rows: list[Row], options: Namespace, stdout: Any) -> None:
    told = [asdict(row) for row in rows]
    if options.report == "-":
        print(page(told), file=stdout)
    elif options.report:
        try:
            Path(options.report).write_text(page(told), encoding="utf-8")
        except OSError as error:
            raise GatewayUnusable(
                f"{options.report} can't be written ({error.strerror}). Write the report to your "
                "own file instead: `... check --report - > report.html`."
            ) from error
    if options.json:
        print(json.dumps(told, indent=2), file=stdout)
    elif options.report != "-":
        # A file has no width of its own: nothing is folded there.
        Console(file=stdout, width=None if stdout.isatty() else 160).print(table(told))
