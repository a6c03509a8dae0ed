"""Every stand-in in one program, each below a name of its own: `/groq/openai/v1/…`."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from tests.providers.anthropic import Anthropic
from tests.providers.gemini import Gemini
from tests.providers.ollama import Ollama
from tests.providers.openai import OpenAI
from tests.providers.openai_like import XAI, DeepSeek, Groq, Mistral, OpenRouter

__all__ = ["Everyone"]


class Everyone:
    """The providers of litellm_config.yaml, by LiteLLM's names."""

    def __init__(self) -> None:
        self.app = self
        self.stand_ins = {
            "openai": OpenAI(),
            "anthropic": Anthropic(),
            "gemini": Gemini(),
            "groq": Groq(),
            "mistral": Mistral(),
            "xai": XAI(),
            "deepseek": DeepSeek(),
            "openrouter": OpenRouter(),
            "ollama": Ollama(),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the stand-in that its path begins with."""
        # The stand-ins see the paths that the real APIs have, so this is no `Mount`.
        name, _, path = scope.get("path", "").removeprefix("/").partition("/")
        if name in self.stand_ins:
            await self.stand_ins[name].app({**scope, "path": f"/{path}"}, receive, send)
        else:
            await self.stand_ins["openai"].app(scope, receive, send)
