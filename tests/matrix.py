"""Every provider family against everything that a vui turn needs.

`make matrix` prints the same table for our stack and for stock LiteLLM with vui's own backend;
`tests/integration/test_matrix.py` runs ours and writes docs/providers.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from vui.serving.stream import llm_backend
from vui.serving.stream.llm import llm_stream_chunks

from tests.harness import KEY, free_port, gateway, http, program
from tests.providers import anthropic, bedrock, gemini, ollama, openai, openai_like
from tests.providers.base import StandIn, serving, wait_until
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SENTENCES

ALL_KNOBS = frozenset({"temperature", "top_p", "presence_penalty"})
NO_PENALTY = ALL_KNOBS - {"presence_penalty"}
STOPS = (
    *(
        "[Results",
        "[You asked",
        "\nUser:",
        "\nYou:",
        "one sec.",
        "One sec.",
        "hold on.",
        "Hold on.",
    ),
    *("give me a sec.", "Give me a sec."),
)
KNOBS = {"temperature": 0.0, "top_p": 0.9, "presence_penalty": 0.3}
MANY = {"temperature": 0.3, "top_p": 0.9, "presence_penalty": 0.3}
SYSTEM = {"role": "system", "content": "You are Vui."}
HELLO = [SYSTEM, {"role": "user", "content": "Hello"}]
CONVERSATIONS = {
    "greeting first": [
        SYSTEM,
        {"role": "assistant", "content": "Hey there, it's Vui, what can I help with?"},
        {"role": "user", "content": "Hello"},
    ],
    "two user turns": [*HELLO, {"role": "user", "content": "Are you there?"}],
    "empty assistant turn": [
        *HELLO,
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Hello again"},
    ],
    "system in the middle": [
        *HELLO,
        {"role": "assistant", "content": "Hi."},
        {"role": "system", "content": "CURRENT TASKS:\n- [running] pasta timer"},
        {"role": "user", "content": "[evaluate]"},
    ],
}


@dataclass(frozen=True)
class Family:
    """One model family of one provider: how LiteLLM reaches it, and what it takes."""

    provider: str
    models: str
    stand_in: type[StandIn]
    model: str
    base: str = "{url}/v1"
    params: dict = field(default_factory=dict)
    takes: frozenset[str] = ALL_KNOBS
    base_name: str = "api_base"
    # LiteLLM marks every chunk of Gemini's as the last one: an early end that is clean at the level
    # of HTTP can't be told from the real one.
    end_is_told: bool = True

    @property
    def name(self) -> str:
        return f"{self.provider} {self.models}"

    def entry(self, url: str) -> dict:
        params = {"model": self.model, self.base_name: self.base.format(url=url)}
        key = {} if self.base_name != "api_base" else {"api_key": "k"}
        return {"model_name": self.name, "litellm_params": {**params, **key, **self.params}}


AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-east-1"}

FAMILIES = (
    Family("OpenAI", "GPT-4.1", openai.OpenAI, "openai/gpt-4.1-mini"),
    Family("OpenAI", "GPT-5", openai_like.Reasoning, "openai/gpt-5-mini", takes=frozenset()),
    Family(
        "OpenAI", "GPT-5.4", openai_like.ReasoningNone, "openai/gpt-5.4-mini",
        takes=NO_PENALTY,
    ),
    Family(
        "Azure", "GPT-4.1", openai_like.Azure, "azure/gpt-4.1-mini", "{url}",
        {"api_version": "2024-10-21"},
    ),
    Family("Groq", "gpt-oss", openai_like.Groq, "groq/openai/gpt-oss-120b", "{url}/openai/v1"),
    Family("Mistral", "Small", openai_like.Mistral, "mistral/mistral-small-latest"),
    Family("xAI", "Grok 4.7", openai_like.XAI, "xai/grok-4.7", takes=NO_PENALTY),
    Family("xAI", "Grok 4.20", openai_like.XAI, "xai/grok-4.20-non-reasoning", takes=NO_PENALTY),
    Family("DeepSeek", "V4", openai_like.DeepSeek, "deepseek/deepseek-v4-flash"),
    Family(
        "OpenRouter", "Llama", openai_like.OpenRouter,
        "openrouter/meta-llama/llama-3.3-70b-instruct", "{url}/api/v1",
    ),
    Family(
        "OpenRouter", "Qwen3", openai_like.OpenRouterOptional,
        "openrouter/qwen/qwen3-235b-a22b-2507", "{url}/api/v1",
    ),
    Family(
        "OpenRouter", "Gemini 3.7", openai_like.OpenRouterMandatory,
        "openrouter/google/gemini-3.7-flash", "{url}/api/v1",
    ),
    Family("vLLM", "Qwen3", openai_like.VLLM, "hosted_vllm/Qwen/Qwen3-8B"),
    Family(
        "Anthropic", "Claude 4.5", anthropic.Anthropic, "anthropic/claude-haiku-4-5", "{url}",
        takes=NO_PENALTY,
    ),
    Family(
        "Anthropic", "Claude 4.6", anthropic.Anthropic, "anthropic/claude-sonnet-4-6", "{url}",
        takes=NO_PENALTY,
    ),
    Family(
        "Anthropic", "Claude 5.5", anthropic.Anthropic, "anthropic/claude-haiku-5-5", "{url}",
        takes=frozenset(),
    ),
    Family(
        "Gemini", "2.5", gemini.Gemini, "gemini/gemini-2.5-flash", "{url}/v1beta",
        takes=NO_PENALTY, end_is_told=False,
    ),
    Family(
        "Gemini", "3.5", gemini.Gemini3, "gemini/gemini-3.5-flash-lite", "{url}/v1beta",
        takes=NO_PENALTY, end_is_told=False,
    ),
    Family("Ollama", "Qwen3.5", ollama.Ollama, "ollama_chat/qwen3.5:4b", "{url}", takes=NO_PENALTY),
    Family(
        "Bedrock", "Claude 4.5", bedrock.Bedrock,
        "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "{url}", AWS, NO_PENALTY,
        "aws_bedrock_runtime_endpoint",
    ),
)  # fmt: skip


@dataclass
class Lab:
    """A running gateway in front of one stand-in for each family, and a way to make backends."""

    url: str
    key: str
    stand_ins: dict[str, StandIn]
    make: Callable[..., llm_backend.LLMBackend]

    @asynccontextmanager
    async def backend(self, family: Family, **options: Any) -> AsyncIterator[Any]:
        backend = self.make(family.name, self.url, api_key=self.key, **options)
        llm_backend.set_backend(backend)
        try:
            yield backend
        finally:
            await backend.aclose()


@contextmanager
def stand_ins() -> Iterator[tuple[dict[str, StandIn], list[dict]]]:
    """One stand-in for each family, and the `model_list` that reaches them."""
    with ExitStack() as stack:
        running = {family.name: family.stand_in() for family in FAMILIES}
        yield (
            running,
            [f.entry(stack.enter_context(serving(running[f.name].app))) for f in FAMILIES],
        )


@contextmanager
def our_lab(folder: Path) -> Iterator[Lab]:
    """Our gateway, our backend."""
    with stand_ins() as (running, models):
        config = {
            "model_list": models,
            "litellm_settings": {"drop_params": True},
            "router_settings": {"cooldown_time": 1},
        }
        with gateway(folder, config) as started:
            yield Lab(started.url, KEY, running, LiteLLMBackend)


@contextmanager
def stock_lab(folder: Path, make: Callable = llm_backend.LiteLLMBackend) -> Iterator[Lab]:
    """Stock LiteLLM on the seed of our config, with vui's own backend (or another)."""
    folder.mkdir(parents=True, exist_ok=True)
    with stand_ins() as (running, models):
        # Without a proxy of its own behaviour: the same models, `drop_params`, no hooks.
        config = {"model_list": models, "litellm_settings": {"drop_params": True}}
        path = folder / "stock.yaml"
        path.write_text(json.dumps(config))
        port = free_port()
        command = ["-m", "litellm.proxy.proxy_cli", "--config", str(path)]
        command += ["--port", str(port), "--host", "127.0.0.1"]
        env = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        # It looks for a tokenizer on the internet, which isn't its fault on a machine without.
        env["HF_HUB_OFFLINE"] = "1"
        with program(command, env, folder / "stock.log", folder) as started:
            url = f"http://127.0.0.1:{port}"

            def ready() -> bool:
                if started.process.poll() is not None:
                    raise RuntimeError(started.log)
                try:
                    return http(f"{url}/health/liveliness")[0] == 200
                except OSError:
                    return False

            wait_until(ready, 90, "stock LiteLLM is up")
            yield Lab(url, KEY, running, make)


def foreign_lab(folder: Path) -> AbstractContextManager[Lab]:
    """Somebody else's LiteLLM, our backend."""
    return stock_lab(folder, LiteLLMBackend)


# ---- what must hold


async def heard(conversation: list[dict], stats: dict | None = None) -> list[str]:
    """What reaches speech synthesis of one reply, through vui's own chunker."""
    system, *turns = conversation
    chunks = llm_stream_chunks(turns, system["content"], stats=stats)
    async with aclosing(chunks):
        return [chunk async for chunk, _final in chunks]


def tools() -> list[dict]:
    from vui.serving.stream import tools as registry

    if not registry.has_tool("no_action"):
        registry.load_tools()
    return registry.tools_list()


async def reply(lab: Lab, family: Family) -> None:
    """The streamed reply arrives whole, with usage for the context gauge."""
    lab.stand_ins[family.name].clear(text="Ça va très bien. And you — how's it going?")
    async with lab.backend(family):
        stats: dict = {}
        chunks = await heard(HELLO, stats)
        assert chunks == ["Ça va très bien.", "And you — how's it going?"], chunks
        assert stats.get("ctx_used") == 1212, f"usage is {stats}"
        assert stats.get("ctx_max"), "the context gauge has no end"


async def stops(lab: Lab, family: Family) -> None:
    """All ten stops hold, split or not; a false start is released; the provider's call ends."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for stop in STOPS:
            middle = len(stop) // 2
            pieces = ["Yeah, ", stop[:middle], stop[middle:], " never", " heard."]
            stand_in.clear(pieces=pieces)
            text = " ".join(await heard(HELLO))
            assert "never" not in text, f"{stop!r} didn't hold: {text!r}"
        stand_in.clear(pieces=["Hold", " on", " to that", " thought."])
        assert await heard(HELLO) == ["Hold on to that thought."]
        stand_in.clear(pieces=["Yeah, one sec."] + [" More and more."] * 300, pace=0.01)
        await heard(HELLO)
        await backend.aclose()
        await asyncio.to_thread(wait_until, lambda: stand_in.seen[0].closed_at, 3, "the call ends")
        assert stand_in.seen[0].sent < 100


async def thoughts(lab: Lab, family: Family) -> None:
    """A tool is picked and its arguments are a dict, whatever the model wrote."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for raw, expected in (('{"text": "Name is Ada"}', {"text": "Name is Ada"}),
                              ("", {}), ('{"text": ', {})):  # fmt: skip
            stand_in.clear(tool="add_memory", arguments=raw)
            # vui's thoughts send the time of each turn along.
            turns = [HELLO[0], {**HELLO[1], "ts": 1.5}]
            result = await backend.complete(turns, tools=tools(), temperature=0.0)
            function = result["tool_calls"][0]["function"]
            assert function["name"] == "add_memory"
            assert function["arguments"] == expected, function
        stand_in.clear(tool="no_action")
        middle = CONVERSATIONS["system in the middle"]
        result = await backend.complete(middle, tools=tools(), temperature=0.0)
        assert result["tool_calls"][0]["function"]["name"] == "no_action"
        assert "pasta timer" in json.dumps(stand_in.seen[-1].body), "the tasks were lost"


async def conversations(lab: Lab, family: Family) -> None:
    """Any conversation that vui has is accepted, in the reply and in the thoughts call."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for name, messages in CONVERSATIONS.items():
            stand_in.clear()
            assert await heard(messages), name
            await backend.complete(messages, tools=tools(), temperature=0.0)
            sent = json.dumps(stand_in.seen[-1].body)
            assert messages[-1]["content"] in sent, name


async def one_request(lab: Lab, family: Family) -> None:
    """The provider sees one request for a call, and accepts it."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        stand_in.clear()
        await heard(HELLO)
        await backend.complete(HELLO, tools=tools(), temperature=0.0)
        assert [seen.status for seen in stand_in.seen] == [200, 200]


async def knobs(lab: Lab, family: Family) -> None:
    """A knob that is named arrives where it is taken, and nowhere else."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for knob, value in KNOBS.items():
            stand_in.clear()
            async for _ in backend.stream(HELLO, **{knob: value}):
                pass
            assert [seen.status for seen in stand_in.seen] == [200], knob
            got = stand_in.knob(stand_in.seen[0].body, knob)
            assert got == (value if knob in family.takes else None), f"{knob}: {got}"
        stand_in.clear()
        async for _ in backend.stream(HELLO, **MANY):
            pass
        assert [seen.status for seen in stand_in.seen] == [200], "all three together"
        stand_in.clear()
        async for _ in backend.stream(HELLO):
            pass
        left = {knob for knob in KNOBS if stand_in.knob(stand_in.seen[0].body, knob) is not None}
        assert not left, f"nobody named {left}"


async def thinking(lab: Lab, family: Family) -> None:
    """No thinking before a spoken reply; none of it is spoken; a named effort is accepted."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family):
        stand_in.clear(reasoning="Hmm pondering aloud")
        text = " ".join(await heard(HELLO))
        assert not stand_in.thinks(stand_in.seen[0].body), stand_in.seen[0].body
        assert "pondering" not in text
    for effort in ("none", "minimal", "low", "high"):
        async with lab.backend(family, reasoning_effort=effort):
            stand_in.clear(reasoning="Hmm pondering aloud")
            text = " ".join(await heard(HELLO))
            assert "doing alright" in text, f"{effort}: {text}"
            assert "pondering" not in text, effort
            assert [seen.status for seen in stand_in.seen] == [200], effort


async def switching(lab: Lab, family: Family) -> None:
    """In mid-conversation to the next family and back; a model that is gone keeps this one."""
    following = FAMILIES[(FAMILIES.index(family) + 1) % len(FAMILIES)]
    conversation = list(HELLO)
    async with lab.backend(family) as backend:
        for member in (family, following, family):
            lab.stand_ins[member.name].clear()
            await backend.set_model(member.name)
            chunks = await heard(conversation)
            assert chunks
            assert len(lab.stand_ins[member.name].seen) == 1
            conversation += [
                {"role": "assistant", "content": " ".join(chunks)},
                {"role": "user", "content": "Go on"},
            ]
        with pytest.raises(ValueError, match="gone/model"):
            await backend.set_model("gone/model")
        assert backend.model == family.name


async def errors(lab: Lab, family: Family) -> None:
    """Each failure raises with the provider's message and ends in one spoken sentence."""
    stand_in = lab.stand_ins[family.name]
    faults: list[tuple[str | int, str]] = [(500, "not well"), ("error-frame", "fell over")]
    faults += [("reset", "")] + ([("end", "before its end")] if family.end_is_told else [])
    for fault, message in faults:
        async with lab.backend(family) as backend:
            stand_in.clear(fault=fault, text="This reply never gets to its proper end at all.")
            chunks: list[str] = []
            raised: Exception | None = None
            try:
                async for chunk, _final in llm_stream_chunks(HELLO[1:], "You are Vui."):
                    chunks.append(chunk)
            except httpx.HTTPError as error:
                raised = error
            assert raised, f"{fault}: the reply just stops: {chunks}"
            assert message in str(raised), f"{fault}: {raised}"
            assert chunks, f"{fault}: nothing was said"
            assert chunks[-1] in SENTENCES, f"{fault}: {chunks}"
            if fault == 500:
                with pytest.raises(httpx.HTTPError, match=message):
                    await backend.complete(HELLO, tools=tools())
        await cool_down(lab)


async def cool_down(lab: Lab) -> None:
    """Wait until a deployment that failed is used again (the labs cool down for a second)."""
    await asyncio.sleep(1.2)


Point = Callable[[Lab, Family], Awaitable[None]]
POINTS: dict[str, Point] = {
    "reply, usage": reply,
    "ten stops": stops,
    "thoughts": thoughts,
    "conversations": conversations,
    "one request": one_request,
    "knobs": knobs,
    "no thinking aloud": thinking,
    "switching": switching,
    "errors heard": errors,
}


async def refused_knobs(lab: Lab, family: Family) -> None:
    """A proxy without our hooks lets a knob through that is refused: the call is repeated once."""
    stand_in = lab.stand_ins[family.name]
    for knob, value in KNOBS.items():
        async with lab.backend(family) as backend:
            for _ in range(2):
                stand_in.clear()
                assert [token async for token in backend.stream(HELLO, **{knob: value})], knob
                requests = len(stand_in.seen)
            assert requests == 1, "what was refused once is not sent again"


# What our backend does alone, before somebody else's LiteLLM.
FOREIGN_POINTS: dict[str, Point] = {
    "reply, usage": reply,
    "ten stops": stops,
    "a refused knob": refused_knobs,
}


async def judge(lab: Lab, family: Family, point: Point) -> str:
    """Empty when the point holds, else why it doesn't."""
    try:
        await asyncio.wait_for(point(lab, family), 60)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
    return ""


async def judge_all(lab: Lab, points: dict[str, Point]) -> dict[str, dict[str, str]]:
    """Every family and point of a lab."""
    table: dict[str, dict[str, str]] = {}
    for family in FAMILIES:
        table[family.name] = {
            name: await judge(lab, family, point) for name, point in points.items()
        }
        print(family.name, {k: v for k, v in table[family.name].items() if v}, file=sys.stderr)
    return table


def render(table: dict[str, dict[str, str]]) -> str:
    """A Markdown table of ticks and crosses."""
    points = list(next(iter(table.values())))
    lines = ["| | " + " | ".join(points) + " |", "| --- |" + " :---: |" * len(points)]
    for name, row in table.items():
        lines.append(f"| {name} | " + " | ".join("✗" if row[p] else "✓" for p in points) + " |")
    return "\n".join(lines)


def main() -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    which = sys.argv[1:] or ["ours", "stock"]
    labs: dict[str, tuple[str, Callable, dict[str, Point]]] = {
        "ours": ("This stack", our_lab, POINTS),
        "stock": ("Stock LiteLLM and vui's own backend", stock_lab, POINTS),
        "foreign": ("Our backend on stock LiteLLM", foreign_lab, FOREIGN_POINTS),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in which:
            title, make_lab, points = labs[name]
            with make_lab(Path(folder, name)) as lab:
                table = asyncio.run(judge_all(lab, points))
            print(f"\n{title}\n\n{render(table)}\n", flush=True)
            for family, row in table.items():
                for point, why in row.items():
                    if why:
                        print(f"- {family}, {point}: {why}")


if __name__ == "__main__":
    main()
