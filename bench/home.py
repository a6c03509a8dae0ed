"""A real llama.cpp server at home: first words through this gateway, and of vui straight to it."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from vui.serving.stream import llm, llm_backend, prompts
from vui.serving.stream.thoughts import ThoughtsStream

from bench.measures import Keys
from tests.matrix.conversations import tools
from tests.support import llama
from tests.support.harness import Program, gateway
from tests.support.llama import LlamaServer, llama_server
from vui_litellm import LiteLLMBackend
from vui_litellm.patches.speech import speak_sooner

__all__ = ["ALL"]

WIDTH, LAYERS = 512, 8
REPLY = " Oh, good question. The moon pulls at the sea."
QUESTIONS = ("Why are there tides?", "And when there is no moon?", "Thank you.")
# Two slots, as vui's two prompts need; each holds a prompt with all tools, and a short talk.
OPTIONS = ("-c", "32768", "-np", "2", "--jinja", "--threads", "2")


async def _talk(
    client: Any, spoken: Any, server: LlamaServer, mark: str
) -> tuple[list[float], int]:
    """Seconds until TTS gets the first words of three turns, and the server's requests meanwhile.

    spoken: vui's chunker, as it comes or with our patches.
    mark: begins both prompts, so that no arm finds another's in the server's cache.
    """
    soul = f"{mark} {prompts.build_soul(with_claude=False)}"
    tools()  # whose rules are a part of the prompt
    alone: Any = SimpleNamespace(srv=SimpleNamespace())
    thoughts = f"{mark} {ThoughtsStream._build_system_prompt(alone)}"
    first = [[{"role": "system", "content": text}] for text in (soul, thoughts)]
    await asyncio.gather(*map(client.prefill, first))
    before, history, found = server.requests, [], []
    for question in QUESTIONS:
        history.append({"role": "user", "content": question})
        began, heard = time.perf_counter(), 0.0
        with patch.object(llm_backend, "_BACKEND", client):
            async for _ in spoken(history, soul):
                heard = heard or time.perf_counter() - began
        found.append(heard)
        history.append({"role": "assistant", "content": REPLY.strip()})
        await client.complete([*first[1], *history], tools=tools())
    return found, server.requests - before


def local(folder: Path, rounds: int = 2) -> Keys:
    """Alternates between vui's own client for such a server, and ours through the gateway."""
    gguf = llama.model(prompts.build_soul(with_claude=False), WIDTH, LAYERS)
    with llama_server(folder, gguf, *OPTIONS, grammar=llama.says(REPLY)) as server:
        own = {"model": "openai/tiny", "api_base": f"{server.url}/v1"}
        config = {"model_list": [{"model_name": "vui", "litellm_params": own}]}
        with gateway(folder / "gateway", config, fresh=True, own_servers=True) as program:
            return asyncio.run(_alternate(server, program, rounds))


async def _alternate(server: LlamaServer, program: Program, rounds: int) -> Keys:
    found: dict[str, list[list[float]]] = {"direct": [], "ours": []}
    chunkers = {"direct": llm.llm_stream_chunks}  # vui as it comes
    speak_sooner()
    chunkers["ours"] = llm.llm_stream_chunks
    requests = 0
    for number in range(rounds):
        for name in found if number % 2 else reversed(found):
            ours = LiteLLMBackend("vui", program.url, api_key=program.key)
            direct = llm_backend.VLLMBackend("tiny", server.url)
            client = ours if name == "ours" else direct
            times, asked = await _talk(client, chunkers[name], server, f"{name}{number}")
            found[name].append(times)
            requests += asked if name == "ours" else 0
            await ours.aclose()
            await direct.aclose()
    keys: Keys = {"local_requests_per_turn": requests / (rounds * len(QUESTIONS))}
    for what, turn in (("first_turn", 0), ("turn", 2)):
        seconds = {name: statistics.median(t[turn] for t in found[name]) for name in found}
        keys |= {f"local_{what}_{name}_ms": 1000 * took for name, took in seconds.items()}
        keys[f"local_{what}_vs_direct"] = seconds["ours"] / seconds["direct"]
    return keys


ALL = (local,)
