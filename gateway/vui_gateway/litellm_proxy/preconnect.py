"""Opens the connection to a provider before a call needs it: no turn waits for TCP and TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context

from vui_gateway.errors import Ending
from vui_gateway.litellm_proxy.http_clients import http_client
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.providers.endpoints import MODULE_CLIENT, OUT_OF_REACH, Server
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment

__all__ = ["Preconnect"]

# Seconds that an open connection is left alone, and between two requests to one provider at least.
FRESH = 20.0
REQUEST_EVERY = 3.0
CONNECT_SECONDS = 5.0


class Preconnect:
    """One open connection to each provider that is about to answer.

    A `HEAD` without the key and without a body goes through the client whose pool the call's own
    request takes its connection from. It asks for nothing that a provider could bill.

    Args:
        choose: the deployment that a call for a model group would ask now.
        servers: where the deployments are.
    """

    def __init__(
        self,
        choose: Callable[[str], Awaitable[Deployment | None]],
        servers: Servers | None = None,
    ) -> None:
        self.enabled = True
        self._choose, self._servers = choose, servers or Servers()
        self._used: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._opening: set[str] = set()
        self._tasks: set[asyncio.Task] = set()

    def open(self, model_group: str) -> None:
        """Connect to the deployment that this model group would ask now; silent on failure."""
        if self.enabled:
            # In a context of its own: the call that wishes it has asked its deployments already.
            task = asyncio.create_task(self._open(model_group), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def ended(self, call: Call) -> None:
        """Note the open connection that a reply leaves; open a new one after one that broke."""
        # LiteLLM asks for thoughts through another pool.
        if not self.enabled or not call.streamed:
            return
        for attempt in call.attempts:
            endpoint = self._endpoint(attempt.deployment)
            if endpoint and attempt.ended == Ending.OK:
                self._used[endpoint.origin] = time.monotonic()
            elif endpoint:
                self._used.pop(endpoint.origin, None)
        if call.attempts and call.attempts[-1].ended != Ending.OK:
            self.open(call.model_group)

    async def _open(self, model_group: str) -> None:
        with suppress(Exception):
            deployment = await self._choose(model_group)
            if not (deployment and (endpoint := self._endpoint(deployment))):
                return
            provider, origin = endpoint.provider, endpoint.origin
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
                    await client.head(f"{origin}/")
                self._used[origin] = time.monotonic()
            finally:
                self._opening.discard(origin)

    def _endpoint(self, deployment: Deployment) -> Server | None:
        """None where no connection can be opened: for the demo, and out of reach."""
        server = self._servers.of(deployment.id)
        known = server and server.origin and server.provider not in OUT_OF_REACH
        return server if known else None
