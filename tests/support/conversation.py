"""A gateway with three providers behind it, and a conversation that has good and bad moments."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.providers.anthropic import Anthropic
from tests.providers.base import StandIn, serving
from tests.providers.cache import PromptCache
from tests.providers.gemini import Gemini
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http

__all__ = ["GPT", "HAIKU", "Conversation", "conversation"]

GPT, HAIKU, LITE = (
    "openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash-lite",
)  # fmt: skip
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")
SYSTEM = "You are a voice. " * 1200
TOOL = {"type": "function", "function": {"name": "no_action", "parameters": {"type": "object"}}}
COOLDOWN = 2.0  # seconds, where a picture shouldn't take half a minute
TURNS = 46


@dataclass
class Conversation:
    """The gateway, and the stand-ins in the order in which the group `vui` asks them."""

    program: Program
    config: dict
    gpt: OpenAI
    haiku: Anthropic
    lite: Gemini

    def save(self) -> None:
        """Write the configuration."""
        path = self.program.project / "litellm_config.yaml"
        path.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def say(self, text: str = "hi", *, stream: bool = True, model: str = "vui") -> int:
        """One call; returns its status."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        body = {"model": model, "messages": messages, "stream": stream}
        body |= {} if stream else {"tools": [TOOL]}
        return http(f"{self.program.url}/v1/chat/completions", body, key=self.program.key)[0]

    def go_on(self) -> None:
        """Replies and thoughts, as a morning brings them."""
        chance = random.Random(7)
        for turn in range(TURNS):
            self.gpt.clear(delay=chance.lognormvariate(-1.05, 0.3), pace=0.004)
            self.haiku.clear(delay=chance.lognormvariate(-0.6, 0.2), pace=0.004)
            self.lite.clear(fault=401)
            if turn in (13, 14, 30):
                self.gpt.clear(fault=503)
            if turn == 22:
                self.gpt.clear(delay=6)
            if turn == 34:
                self.gpt.clear(fault=429)
                self.haiku.clear(fault=529)
            self.say()
            self.say(stream=False)
        self.haiku.clear(fault=529)
        self.say(model=HAIKU)


@contextmanager
def conversation(folder: Path) -> Iterator[Conversation]:
    """A gateway on them, with a budget, and models that lack their keys."""
    stand_ins: list[StandIn] = [OpenAI(), Anthropic(), Gemini()]
    for stand_in in stand_ins:
        stand_in.cache = PromptCache()
    with (
        serving(stand_ins[0].app) as gpt,
        serving(stand_ins[1].app) as haiku,
        serving(stand_ins[2].app) as lite,
    ):
        bases = (f"{gpt}/v1", haiku, f"{lite}/v1beta")
        served = [
            {"model": model, "api_base": base, "api_key": f"os.environ/{key}"}
            for model, base, key in zip((GPT, HAIKU, LITE), bases, KEYS, strict=True)
        ]
        missing = [
            {"model": model, "api_key": f"os.environ/{key}"}
            for model, key in {
                "groq/openai/gpt-oss-120b": "GROQ_API_KEY",
                "mistral/mistral-small-latest": "MISTRAL_API_KEY",
                "xai/grok-4.20-non-reasoning": "XAI_API_KEY",
            }.items()
        ]
        group = [
            {"model_name": "vui", "litellm_params": {**params, "order": order}}
            for order, params in enumerate([*served, missing[0]], start=1)
        ]
        single = [
            {"model_name": params["model"], "litellm_params": params}
            for params in (*served[:2], *missing)
        ]
        config = {
            "model_list": [*group, *single],
            "router_settings": {"cooldown_time": COOLDOWN},
        }
        env = {"VUI_LITELLM_BUDGET": "0.50", **{name: f"sk-{name}-58d1e3b7c9f2" for name in KEYS}}
        with gateway(folder, config, env) as program:
            yield Conversation(program, config, *stand_ins)  # type: ignore[arg-type]
