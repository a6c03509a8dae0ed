"""No thinking before a spoken reply, with each provider that needs a way of its own for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from vui.serving.stream import llm_backend

from tests.matrix.conversations import HELLO, STOPS, heard, tools
from tests.providers import thinking
from tests.providers.base import StandIn, serving
from tests.providers.minimax import MiniMax
from tests.support.harness import KEY, gateway
from vui_litellm import LiteLLMBackend

# LiteLLM's name, what stands in for its provider, and the path that its address ends with.
MODELS: dict[str, tuple[type[StandIn], str]] = {
    "openai/gpt-5.2-chat-latest": (thinking.ChatLatest, "/v1"),
    "gemini/gemini-2.5-pro": (thinking.Gemini25Pro, "/v1beta"),
    "ollama_chat/gpt-oss:20b": (thinking.OllamaGptOss, ""),
    "zai/glm-4.5-air": (thinking.Zai, "/api/paas/v4"),
    "zai/glm-4.6": (thinking.Zai, "/api/paas/v4"),
    "zai/glm-5.2": (thinking.Zai, "/api/paas/v4"),
    "zai/glm-5.3": (thinking.Zai, "/api/paas/v4"),
    "moonshot/kimi-k2.5": (thinking.Moonshot, "/v1"),
    "moonshot/kimi-k2.6": (thinking.Moonshot, "/v1"),
    "moonshot/kimi-k3": (thinking.Moonshot, "/v1"),
    "dashscope/qwen3-8b": (thinking.DashScope, "/compatible-mode/v1"),
    "dashscope/qwen3-30b-a3b": (thinking.DashScope, "/compatible-mode/v1"),
    "minimax/MiniMax-M3": (MiniMax, "/v1"),
    "minimax/MiniMax-M3.1-Flash": (MiniMax, "/v1"),
    "cerebras/gpt-oss-120b": (thinking.GptOss, "/v1"),
    "azure_ai/gpt-oss-120b": (thinking.GptOss, "/v1"),
    "openrouter/minimax/minimax-m2.5": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/moonshotai/kimi-k2.6": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/moonshotai/kimi-k3": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/x-ai/grok-4-fast": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/nvidia/nemotron-3-nano-30b-a3b": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/anthropic/claude-opus-5.5": (thinking.OpenRouterAny, "/api/v1"),
    "openrouter/openai/gpt-5-mini": (thinking.OpenRouterAny, "/api/v1"),
    "anthropic/claude-haiku-5-5": (thinking.Claude, ""),
    "anthropic/claude-sonnet-5": (thinking.Claude, ""),
    "anthropic/claude-sonnet-5-5": (thinking.Claude, ""),
    "anthropic/claude-opus-5-5": (thinking.Claude, ""),
}
STOPPED = "hosted_vllm/Qwen/Qwen3-8B"


@dataclass
class Lab:
    """A gateway, and what stands in for each model's provider."""

    url: str
    stand_ins: dict[str, StandIn]

    @asynccontextmanager
    async def backend(self, model: str, **options: Any) -> AsyncIterator[Any]:
        backend = LiteLLMBackend(model, self.url, api_key=KEY, **options)
        llm_backend.set_backend(backend)
        try:
            yield backend
        finally:
            await backend.aclose()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    wanted: dict[str, tuple[type[StandIn], str]] = {
        **MODELS,
        STOPPED: (thinking.StopsInThoughts, "/v1"),
    }
    running = {name: kind() for name, (kind, _) in wanted.items()}
    with ExitStack() as stack:
        models = [
            {
                "model_name": name,
                "litellm_params": {
                    "model": name,
                    "api_key": "k",
                    "api_base": stack.enter_context(serving(running[name].app)) + path,
                },
            }
            for name, (_, path) in wanted.items()
        ]
        config = {"model_list": models, "router_settings": {"cooldown_time": 0}}
        with gateway(tmp_path_factory.mktemp("least"), config) as started:
            yield Lab(started.url, running)


@pytest.mark.parametrize("name", MODELS)
async def test_a_reply_and_its_thoughts_are_had_at_once_and_without_thinking(
    lab: Lab, name: str
) -> None:
    stand_in = lab.stand_ins[name]
    async with lab.backend(name) as backend:
        stand_in.clear(reasoning="Hmm pondering aloud")
        text = " ".join(await heard(HELLO))
        assert "doing alright" in text
        assert "pondering" not in text
        await backend.complete(HELLO, tools=tools(), temperature=0.0)
    assert [seen.status for seen in stand_in.seen] == [200, 200]
    for seen in stand_in.seen:
        assert not stand_in.thinks(seen.body), seen.body


@pytest.mark.parametrize("effort", ["low", "high"])
@pytest.mark.parametrize("name", MODELS)
async def test_an_effort_that_vui_names_is_never_refused(lab: Lab, name: str, effort: str) -> None:
    stand_in = lab.stand_ins[name]
    async with lab.backend(name, reasoning_effort=effort) as backend:
        stand_in.clear(reasoning="Hmm pondering aloud")
        assert "doing alright" in " ".join(await heard(HELLO))
        await backend.complete(HELLO, tools=tools(), temperature=0.0)
    assert [seen.status for seen in stand_in.seen] == [200, 200]


async def test_stop_phrases_arent_sent_to_a_model_that_thinks_and_hold_anyway(lab: Lab) -> None:
    stand_in = lab.stand_ins[STOPPED]
    async with lab.backend(STOPPED):
        stand_in.clear()
        await heard(HELLO)
        assert stand_in.seen[0].body["stop"], "without thinking they save tokens"
    async with lab.backend(STOPPED, reasoning_effort="high"):
        stand_in.clear(pieces=["Yeah. ", STOPS[0], " never heard."])
        text = " ".join(await heard(HELLO))
        assert "never" not in text
        assert [seen.status for seen in stand_in.seen] == [200]
        assert "stop" not in stand_in.seen[0].body
