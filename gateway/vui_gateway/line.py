"""Keeps the line to a provider open between turns: no turn waits for TCP and TLS."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any
from urllib.parse import urlsplit

import litellm
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, get_async_httpx_client
from litellm.types.utils import LlmProviders

from vui_gateway.turn import Turn

__all__ = ["Line"]

# Seconds that an open line is left alone, and between two requests to one provider in any case.
FRESH = 20.0
EVERY = 3.0
TIMEOUT = 5.0

# Where LiteLLM asks when neither the configuration nor `get_llm_provider` says it.
# https://docs.litellm.ai/docs/providers
HOSTS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "openrouter": "https://openrouter.ai",
}

# LiteLLM streams these through its module's own client, and most others through one for each
# provider. The pools of Azure (OpenAI's SDK) and Bedrock are out of reach.
OWN_CLIENT = frozenset({"anthropic", "gemini", "vertex_ai"})
OUT_OF_REACH = frozenset({"azure", "bedrock"})


class Line:
    """One open connection to each provider that is about to answer.

    A `HEAD` without the key and without a body goes through the client whose pool the turn's own
    request takes its connection from. It asks for nothing that a provider could bill.
    """

    def __init__(self, router: Callable[[], Any]) -> None:
        self.on = True
        self._router = router
        self._used: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._opening: set[str] = set()
        self._tasks: set[asyncio.Task] = set()

    def warm(self, group: str) -> None:
        """Open the line to whoever would answer for this model group now; silent on failure."""
        if self.on:
            # In a context of its own: the turn that wishes it has asked its deployments already.
            task = asyncio.create_task(self._warm(group), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def ended(self, turn: Turn) -> None:
        """A reply leaves its connection behind, unless it broke off: then a new one is needed."""
        if not self.on or not turn.streamed:  # LiteLLM asks for thoughts through another pool
            return
        _, origin = self._where(turn.last)
        if turn.outcome == "ok":
            self._used[origin] = time.monotonic()
        else:
            self._used.pop(origin, None)
            self.warm(turn.group)

    async def _warm(self, group: str) -> None:
        with suppress(Exception):
            found = await self._router().async_get_available_deployment(group, request_kwargs={})
            provider, origin = self._where(found["model_info"]["id"])
            fresh = time.monotonic() - self._used.get(origin, -FRESH) < FRESH
            if not origin or fresh or origin in self._opening:
                return
            self._opening.add(origin)
            try:
                await asyncio.sleep(EVERY - (time.monotonic() - self._asked.get(origin, -EVERY)))
                self._asked[origin] = time.monotonic()
                async with asyncio.timeout(TIMEOUT):
                    await self._client(provider).client.head(origin)
                self._used[origin] = time.monotonic()
            finally:
                self._opening.discard(origin)

    def _client(self, provider: str) -> AsyncHTTPHandler:
        """The client that this provider's streamed replies come through: each has its own pool."""
        if provider in OWN_CLIENT:
            return litellm.module_level_aclient
        return get_async_httpx_client(LlmProviders(provider), params={"ssl_verify": None})

    def _where(self, deployment_id: str | None) -> tuple[str, str]:
        """A deployment's provider and its scheme, host, port; empty where none is asked."""
        deployment = deployment_id and self._router().get_deployment(model_id=deployment_id)
        if not deployment or getattr(deployment.litellm_params, "mock_response", None):
            return "", ""  # the demo's
        params = deployment.litellm_params
        _, provider, _, base = litellm.get_llm_provider(
            params.model, params.custom_llm_provider, params.api_base
        )
        base = base or os.environ.get(f"{provider.upper()}_API_BASE") or HOSTS.get(provider)
        parts = urlsplit(base or "")
        reached = parts.netloc and provider not in OUT_OF_REACH
        return provider, f"{parts.scheme}://{parts.netloc}/" if reached else ""
