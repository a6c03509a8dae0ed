"""Starts LiteLLM's proxy as a voice needs it, and says when it is ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop
import yaml
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vui_gateway.key import load_key
from vui_gateway.settings import SettingError, Settings

if TYPE_CHECKING:
    from vui_gateway.config import Plan

__all__ = ["serve"]

GRACE = 30  # seconds that running replies get after SIGTERM
HEAD_BYTES = 65536

log = logging.getLogger("vui_gateway")


def serve(settings: Settings) -> None:
    """Run the gateway until SIGTERM.

    Raises:
        SettingError, ConfigError: what the user wrote can't be used.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    key = load_key(settings)
    settings.export(key)

    # Nothing that these imports make is ever freed: looking for garbage among it costs 2 s.
    gc.disable()
    from vui_gateway.config import read_config

    plan = read_config(settings.config, settings.env)
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder, "litellm.yaml")
        runtime.write_text(yaml.safe_dump(plan.runtime, sort_keys=False), encoding="utf-8")
        os.environ["CONFIG_FILE_PATH"] = str(runtime)
        uvloop.run(_serve(settings, plan, key))


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's quick parser reads headers of any size, before anybody can ask for the key: past
    64 KB the connection ends, as it does with uvicorn's other parser.
    """

    head: int | None = 0  # bytes of the headers so far; None within a body

    def on_message_begin(self) -> None:
        self.head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.head = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        within = self.head is not None
        super().data_received(data)
        if within and self.head is not None:  # and no body after them
            self.head += len(data)
            if self.head > HEAD_BYTES:
                self.transport.close()


async def _serve(settings: Settings, plan: Plan, key: str) -> None:
    import litellm
    from litellm.proxy import proxy_server

    from vui_gateway.auth import accepts
    from vui_gateway.doors import Doors
    from vui_gateway.health import hooks
    from vui_gateway.keeper import Keeper
    from vui_gateway.ledger import Ledger
    from vui_gateway.line import Line
    from vui_gateway.overlay import DEFAULT_GROUP
    from vui_gateway.warmup import warm_up

    litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
    line = Line(lambda: proxy_server.llm_router)
    ledger = Ledger(settings.key_file.with_name("spend.json"))
    hooks.book = ledger.book
    doors = Doors(proxy_server.app, accepts, line, ledger)
    server = uvicorn.Server(
        uvicorn.Config(
            doors,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http=BoundedProtocol,
            timeout_graceful_shutdown=GRACE,
        )
    )
    # uvicorn raises the signal again once all replies have ended: that is a clean end, not a kill.
    signal.signal(signal.SIGTERM, lambda *_: None)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event
        await asyncio.sleep(0.02)
    if server.started:
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            await warm_up(f"http://127.0.0.1:{port}", key)
        except Exception as error:  # it only saves time: never a reason not to serve
            log.warning("The first turn may be slow: %s", error)
        # Without a look for garbage before: there is next to none, and it takes half a second.
        gc.freeze()
        gc.enable()
        keeper = Keeper(settings, plan, line, ledger)
        keeper.announce()
        keeper.report()
        keeping = asyncio.create_task(keeper.keep())
        doors.ready = True
        line.warm(DEFAULT_GROUP)
        log.info("Ready on port %d", port)
        await serving
        keeping.cancel()
    else:
        await serving
        raise SettingError("LiteLLM refuses the configuration: the reason is above.")
