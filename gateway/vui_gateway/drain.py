"""Shutdown behind a balancer: readiness fails first, so that no call is lost."""

from __future__ import annotations

import logging
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette

__all__ = ["DrainingServer"]

log = logging.getLogger("vui_gateway")


class DrainingServer(uvicorn.Server):
    """After SIGTERM it is unready at once, serves on for a while, and then ends as uvicorn does.

    uvicorn takes no new connection then, and waits for the replies under way. Until then each
    answer closes its connection, so that a client finds another gateway for its next call.

    Args:
        seconds: how long the slowest balancer takes to see that it isn't ready.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, seconds: float) -> None:
        super().__init__(config)
        self._app, self._seconds = app, seconds
        self._until = 0.0

    def handle_exit(self, *signalled: Any) -> None:
        super().handle_exit(*signalled)
        self._app.state.ready = False

    async def on_tick(self, counter: int) -> bool:
        if self.should_exit and not self._until:
            self._until = time.monotonic() + self._seconds
            log.info(
                "Stopping: the readiness check fails, and new calls are refused in %g s.",
                self._seconds,
            )
            self.config.encoded_headers.append((b"connection", b"close"))
            counter = 0  # uvicorn looks at its headers once a second
        over = await super().on_tick(counter)
        return over and (self.force_exit or time.monotonic() >= self._until)
