"""What a conversation's input costs: our gateway and stock LiteLLM before providers with a cache.

Tokens and USD only, no time: the programs run without containers, and the clock is the bench's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vui.serving.stream import llm, llm_backend, prompts

from tests.matrix.arms import stock_proxy
from tests.matrix.families import AWS, Family
from tests.providers import anthropic, bedrock, gemini, openai, openai_like
from tests.providers.base import StandIn, serving
from tests.providers.cache import Bill, PromptCache
from tests.support.clock import WallClock
from tests.support.harness import KEY, gateway
from vui_litellm import LiteLLMBackend
from vui_litellm.tools.thoughts import ThoughtsHost

__all__ = ["ALL", "NAMES"]

Keys = dict[str, float]

# Who is measured. The key is replaced by the arm's, whose account it is.
FAMILIES = {
    "claude_sonnet": Family(
        "Anthropic", "Sonnet 4.6", anthropic.Anthropic, "anthropic/claude-sonnet-4-6", "{url}"
    ),
    "claude_haiku_4_5": Family(
        "Anthropic", "Haiku 4.5", anthropic.Anthropic, "anthropic/claude-haiku-4-5", "{url}"
    ),
    "bedrock_claude": Family(
        "Bedrock", "Sonnet 4.6", bedrock.Bedrock, "bedrock/us.anthropic.claude-sonnet-4-6", "{url}",
        AWS, base_name="aws_bedrock_runtime_endpoint",
    ),
    "mistral": Family("Mistral", "Small", openai_like.Mistral, "mistral/mistral-small-latest"),
    "openai": Family("OpenAI", "GPT-4.1", openai.OpenAI, "openai/gpt-4.1-mini"),
    "gemini": Family("Gemini", "2.5", gemini.Gemini, "gemini/gemini-2.5-flash", "{url}/v1beta"),
    "groq": Family(
        "Groq", "gpt-oss", openai_like.Groq, "groq/openai/gpt-oss-120b", "{url}/openai/v1"
    ),
    "deepseek": Family("DeepSeek", "V4", openai_like.DeepSeek, "deepseek/deepseek-v4-flash"),
    "xai": Family("xAI", "Grok 4.20", openai_like.XAI, "xai/grok-4.20-non-reasoning"),
}  # fmt: skip
NAMES = tuple(FAMILIES)

# Seconds: 20 turns in ten minutes, of which one is followed by a pause; then vui starts anew.
TURNS, AFTER_RESTART = 20, 5
BETWEEN, PAUSE, RESTART = 30.0, 6 * 60.0, 60.0
# The evening of a summer's day: no start falls on the minute, no restart on the next day.
BEGAN = 1_784_572_215.0
REMEMBERED = (
    "Name is Ada", "Lives in Leeds with her partner Tom", "Has a rescue dog called Biscuit",
    "Works as a nurse on night shifts",
)  # fmt: skip
# After so many quarters of the conversation.
LEARNED = {1: "Is allergic to peanuts", 3: "Is training for a half marathon"}
TOPICS = (
    "growing tomatoes on a balcony", "why cats purr", "the tides at Whitby", "learning the cello",
    "a film for tonight", "how bread rises", "sleeping after a night shift", "the rings of Saturn",
    "running up hills", "painting a shelf", "the best time to visit Skye", "making soup from leeks",
    "how bridges stay up", "a present for my mum", "what to do about slugs", "old radio plays",
    "keeping a dog calm in a storm", "the history of tea", "a name for a boat", "folding a map",
    "how owls hear", "mending a bicycle tyre", "the colour of the sea", "a game for two",
    "getting up early",
)  # fmt: skip
ASKED = "So I was thinking about {} the other day, what would you tell me about that, roughly?"
ANSWERED = (
    "Oh nice, {}! Yeah um, honestly it's simpler than people make out. You start small, see what "
    "happens, and then you change one thing at a time. Want me to go on?"
)

AT_ONCE = 4  # listeners: more, and the first calls would be given up on a small machine
_speaking: ContextVar[Any] = ContextVar("the backend of the listener whose task this is")


class CurrentBackend:
    """vui has one backend in a process: here it is that of the listener whose task runs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_speaking.get(), name)


class StockBackend(llm_backend.LiteLLMBackend):
    """vui's own client for LiteLLM.

    In favour of stock, its thoughts go out without the time of each turn, which vui leaves in them
    and most providers refuse (https://github.com/ServiceStack/llms/issues/17), and vui's prefill,
    a paid call of one token with the whole prompt, isn't called.
    """

    def _body(self, messages: list[dict], **options: Any) -> dict:
        plain = [{k: v for k, v in m.items() if k != "ts"} for m in messages]
        return super()._body(plain, **options)

    async def prefill(self, messages: list[dict]) -> None:
        return


class Vui(ThoughtsHost):
    """A vui from its start on: its prompts, its history, its trimming, its thoughts."""

    def __init__(self, remembered: list[dict]) -> None:
        super().__init__(self.say, lambda _: None, memory=False)
        from vui.serving.stream import memories, voice_turn  # makes a folder where it is imported

        self.memories, self.voice_turn = memories, voice_turn
        self.session.settings["context_minutes"] = 3.0  # vui's default
        self._memories_store = remembered
        self._memories = memories.memories_to_strings(remembered)

    async def turn(self, text: str) -> None:
        """One call for the reply, one for the thoughts, as vui's voice_turn makes them."""
        host: Any = self
        self.voice_turn.append_turn(host, "user", text)
        prompt = "\n\n".join(filter(None, (self.session.soul, prompts.build_memory_context(self))))
        said = await self.say(self.voice_turn.recent_conversation(host), prompt, keep=True)
        self.voice_turn.append_turn(host, "assistant", said)
        await self.think(text)

    async def say(self, conversation: list[dict], prompt: str, keep: bool) -> str:
        async with aclosing(llm.llm_stream_chunks(conversation, prompt)) as chunks:
            return " ".join([chunk async for chunk, _ in chunks])

    def remember(self, text: str) -> None:
        host: Any = self
        self.memories.add_memory(host, text)


class Listener:
    """One family through one gateway."""

    def __init__(self, backend: Any, stand_in: StandIn, account: str, bills: list[Bill]) -> None:
        self.backend, self.stand_in, self.account, self.bills = backend, stand_in, account, bills
        self.vui = Vui([{"text": text, "created": BEGAN} for text in REMEMBERED])
        self.restarted_at = 0

    async def start(self) -> None:
        """A new process: what vui remembers is all that is left."""
        _speaking.set(self.backend)
        self.vui, self.restarted_at = Vui(self.vui._memories_store), len(self.bills)
        await llm.llm_prefill_system(self.vui.session.soul)

    async def turn(self, said: str) -> None:
        _speaking.set(self.backend)
        before = len(self.bills)
        await self.vui.turn(said)
        # A call that failed costs nothing, and a second attempt is a third call.
        if (new := len(self.bills) - before) != 2:
            statuses = [seen.status for seen in self.stand_in.seen]
            sys.exit(f"{self.backend.model}, {self.account}: {new} bills, {statuses}: no figures")


async def converse(
    listeners: list[Listener], clock: WallClock, turns: int, *, always_remember: bool = False
) -> None:
    """The same conversation through all of them at once: the clock stands still during a turn."""

    few = asyncio.Semaphore(AT_ONCE)

    async def everybody(act: Callable[[Listener], Coroutine[Any, Any, None]]) -> None:
        async def one(listener: Listener) -> None:
            async with few:
                await act(listener)

        await asyncio.gather(*map(one, listeners))

    await everybody(Listener.start)
    for number in range(turns + AFTER_RESTART):
        clock.now += PAUSE if number == turns // 2 else RESTART if number == turns else BETWEEN
        if number == turns:
            await everybody(Listener.start)
        topic = TOPICS[number % len(TOPICS)]
        new = f"Was curious about {topic}" if always_remember else LEARNED.get(4 * number // turns)
        if new and (always_remember or 4 * number % turns == 0):
            for listener in listeners:
                listener.vui.remember(new)
        for stand_in in {id(one.stand_in): one.stand_in for one in listeners}.values():
            stand_in.clear(text=ANSWERED.format(topic))
        await everybody(partial(Listener.turn, said=ASKED.format(topic)))


# ---- prices


def prices(model: str) -> tuple[float, float, float]:
    """USD of a token: of the input, read from a cache, written to one.

    LiteLLM's table, whose figures are the providers' own: https://openai.com/api/pricing,
    https://platform.claude.com/docs/en/about-claude/pricing, https://aws.amazon.com/bedrock/pricing,
    https://mistral.ai/pricing, https://ai.google.dev/gemini-api/docs/pricing,
    https://groq.com/pricing, https://api-docs.deepseek.com/quick_start/pricing,
    https://docs.x.ai/docs/models.
    """
    spec = importlib.util.find_spec("litellm")
    assert spec
    assert spec.origin
    path = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
    table = json.loads(path.read_text(encoding="utf-8"))
    known = table.get(model) or table[model.partition("/")[2]]
    usual = known["input_cost_per_token"]
    # A provider that doesn't charge for writing charges such a token as any other.
    return usual, known["cache_read_input_token_cost"], (
        known.get("cache_creation_input_token_cost") or usual
    )  # fmt: skip


@dataclass
class Spent:
    """Of some calls: USD, and the share of the input that was read from a cache."""

    usd: float = 0.0
    tokens: int = 0
    read: int = 0

    @property
    def share(self) -> float:
        return self.read / self.tokens


def spent(bills: list[Bill], model: str) -> Spent:
    usual, read, written = prices(model)
    total = Spent()
    for bill in bills:
        # A written hour costs twice the input:
        # https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
        short = bill.written - bill.written_hour
        total.usd += bill.fresh * usual + bill.read * read
        total.usd += short * written + bill.written_hour * 2 * usual
        total.tokens += bill.tokens
        total.read += bill.read
    return total


# ---- the measure


@dataclass
class Compared:
    """The providers, and the gateways before them."""

    clock: WallClock
    stand_ins: dict[str, StandIn]
    urls: dict[str, str] = field(default_factory=dict)  # of the families' stand-ins
    arms: dict[str, str] = field(default_factory=dict)  # of the gateways

    def models(self, arm: str) -> list[dict]:
        """A `model_list` with keys of the arm's own."""
        entries = []
        for name, family in FAMILIES.items():
            entry = family.entry(self.urls[name])
            which = "aws_access_key_id" if name.startswith("bedrock") else "api_key"
            entry["litellm_params"][which] = arm
            entries.append({**entry, "model_name": name})
        return entries

    def hear(
        self, arms: tuple[str, ...], turns: int, *, always_remember: bool = False
    ) -> dict[tuple[str, str], Listener]:
        """One conversation with every family through these arms."""
        self.clock.now = BEGAN
        caches = {name: PromptCache(self.clock) for name in FAMILIES}
        listeners = {}
        for name, stand_in in self.stand_ins.items():
            stand_in.cache = caches[name]
            for arm in arms:
                make = StockBackend if arm == "stock" else LiteLLMBackend
                backend = make(name, self.arms[arm], api_key=KEY)
                listeners[arm, name] = Listener(backend, stand_in, arm, caches[name].bills[arm])

        async def run() -> None:
            await converse(
                list(listeners.values()), self.clock, turns, always_remember=always_remember
            )
            for listener in listeners.values():
                await listener.backend.aclose()

        asyncio.run(run())
        return listeners


@contextmanager
def lab(folder: Path) -> Iterator[Compared]:
    """Our gateway, the same with its caching off, and stock LiteLLM."""
    built = Compared(
        WallClock(BEGAN), {name: family.stand_in() for name, family in FAMILIES.items()}
    )
    with ExitStack() as stack:
        for name, stand_in in built.stand_ins.items():
            built.urls[name] = stack.enter_context(serving(stand_in.app))
        for arm, env in (("ours", {}), ("none", {"VUI_LITELLM_CACHE": "0"})):
            config = {
                "model_list": built.models(arm), "litellm_settings": {"drop_params": True},
                # A slow machine is no reason for a second attempt, which would be a second bill.
                "router_settings": {"stream_timeout": 60, "timeout": 60},
            }  # fmt: skip
            env = {**env, "VUI_LITELLM_HEDGE": "0"}
            built.arms[arm] = stack.enter_context(
                gateway(folder / arm, config, env, fresh=True)
            ).url
        built.arms["stock"] = stack.enter_context(
            stock_proxy(folder / "stock", built.models("stock"))
        )
        stored = "vui.serving.stream.memories.MEMORIES_PATH"
        stack.enter_context(patch(stored, folder / "vui" / "memories.json"))
        stack.enter_context(patch.object(llm_backend, "_BACKEND", CurrentBackend()))
        stack.enter_context(built.clock.set())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))  # vui's log
        yield built


def caching(folder: Path, turns: int = TURNS) -> Keys:
    """USD of the input: a conversation with a pause, two new memories, and a restart after it.

    Then another one, with a new memory at each turn, beside our gateway without its caching.
    """
    with lab(folder) as built:
        usual = built.hear(("ours", "stock", "none"), turns)
        found = {
            (arm, name): (
                spent(listener.bills, FAMILIES[name].model),
                spent(listener.bills[listener.restarted_at :], FAMILIES[name].model),
            )
            for (arm, name), listener in usual.items()
        }
        restless = {
            place: spent(listener.bills, FAMILIES[place[1]].model)
            for place, listener in built.hear(("ours", "none"), turns, always_remember=True).items()
        }
    keys: Keys = {}
    over_none: Keys = {}
    for name in FAMILIES:
        ours, ours_after = found["ours", name]
        stock, stock_after = found["stock", name]
        none, _ = found["none", name]
        keys |= {
            f"input_usd_vs_stock_{name}": ours.usd / stock.usd,
            f"input_usd_vs_stock_after_restart_{name}": ours_after.usd / stock_after.usd,
            f"input_cached_{name}": ours.share,
            f"input_cached_stock_{name}": stock.share,
            f"input_usd_per_100_turns_{name}": 100 * ours.usd / (turns + AFTER_RESTART),
            f"input_usd_per_100_turns_stock_{name}": 100 * stock.usd / (turns + AFTER_RESTART),
        }
        over_none[name] = ours.usd / none.usd
        over_none[f"{name}, a new memory at each turn"] = (
            restless["ours", name].usd / restless["none", name].usd
        )
    worst = max(over_none, key=lambda name: over_none[name])
    print(f"the worst beside no caching: {worst}")
    return {**keys, "input_usd_vs_none_worst": over_none[worst]}


ALL = (caching,)
