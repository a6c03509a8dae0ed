"""Opens the connection to a provider before a call needs it: no turn waits for TCP and TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import Context
from typing import NamedTuple
from urllib.parse import urlsplit

from vui_gateway.errors import Ending
from vui_gateway.litellm_proxy.catalogue import resolve_model
from vui_gateway.litellm_proxy.http_clients import http_client
from vui_gateway.providers.endpoints import HOSTS, MODULE_CLIENT, OUT_OF_REACH
from vui_gateway.turns.call import Call, Deployment

__all__ = ["Preconnect"]

# Seconds that an open connection is left alone, and between two requests to one provider at least.
FRESH = 20.0
REQUEST_EVERY = 3.0
CONNECT_SECONDS = 5.0


class Endpoint(NamedTuple):
    """A deployment's server: LiteLLM's name of the provider, and scheme, host and port."""

    provider: str
    origin: str


class Preconnect:
    """One open connection to each provider that is about to answer.

    A `HEAD` without the key and without a body goes through the client whose pool the call's own
    request takes its connection from. It asks for nothing that a provider could bill.
    """

    def __init__(self, choose: Callable[[str], Awaitable[Deployment | None]]) -> None:
        self.enabled = True
        self._choose = choose  # the deployment that a call for a model group would ask now
        self._endpoints: dict[str, Endpoint] = {}
        self._used: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._opening: set[str] = set()
        self._tasks: set[asyncio.Task] = set()

    def configure(self, model_list: list[dict], env: Mapping[str, str], *, enabled: bool) -> None:
        """Take a new configuration, whose variables are looked up."""
        self.enabled = enabled
        found = {d["model_info"]["id"]: _endpoint(d["litellm_params"], env) for d in model_list}
        self._endpoints = {i: endpoint for i, endpoint in found.items() if endpoint}

    def open(self, model_group: str) -> None:
        """Connect to whoever would answer for this model group now; silent on failure."""
        if self.enabled:
            # In a context of its own: the call that wishes it has asked its deployments already.
            task = asyncio.create_task(self._open(model_group), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def ended(self, call: Call) -> None:
        """A reply leaves its connection behind, unless it broke off: then a new one is needed."""
        # LiteLLM asks for thoughts through another pool.
        if not self.enabled or not call.streamed:
            return
        for attempt in call.attempts:
            endpoint = self._endpoints.get(attempt.deployment.id)
            if endpoint and attempt.ended == Ending.OK:
                self._used[endpoint.origin] = time.monotonic()
            elif endpoint:
                self._used.pop(endpoint.origin, None)
        if call.attempts and call.attempts[-1].ended != Ending.OK:
            self.open(call.model_group)

    async def _open(self, model_group: str) -> None:
        with suppress(Exception):
            deployment = await self._choose(model_group)
            provider, origin = self._endpoints[deployment.id if deployment else ""]
            fresh = time.monotonic() - self._used.get(origin, -FRESH) < FRESH
            if fresh or origin in self._opening:
                return
            self._opening.add(origin)
            try:
                since = time.monotonic() - self._asked.get(origin, -REQUEST_EVERY)
                await asyncio.sleep(REQUEST_EVERY - since)
                self._asked[origin] = time.monotonic()
                own = provider not in MODULE_CLIENT
                client = http_client(provider if own else None)
                async with asyncio.timeout(CONNECT_SECONDS):
                    await client.head(origin)
                self._used[origin] = time.monotonic()
            finally:
                self._opening.discard(origin)


def _endpoint(params: dict, env: Mapping[str, str]) -> Endpoint | None:
    """None where no connection can be opened: for the demo, and out of reach."""
    _, provider, base = resolve_model(params)
    base = base or env.get(f"{provider.upper()}_API_BASE") or HOSTS.get(provider, "")
    try:
        parts = urlsplit(base)
    except ValueError:  # an address that LiteLLM will fail at, too
        return None
    if params.get("mock_response") or not parts.netloc or provider in OUT_OF_REACH:
        return None
    return Endpoint(provider, f"{parts.scheme}://{parts.netloc}/")
