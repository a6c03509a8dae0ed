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
import yaml

from vui_gateway.key import load_key
from vui_gateway.settings import LITELLM_ENVIRONMENT, SettingError, Settings

if TYPE_CHECKING:
    from vui_gateway.config import Plan

__all__ = ["serve"]

GRACE = 30  # seconds that running replies get after SIGTERM

log = logging.getLogger("vui_gateway")


def serve(settings: Settings) -> None:
    """Run the gateway until SIGTERM.

    Raises:
        SettingError, ConfigError: what the user wrote can't be used.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    key = load_key(settings)
    for name, value in LITELLM_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ.update(settings.env)
    os.environ["VUI_LITELLM_KEY"] = key

    # Nothing that these imports make is ever freed: looking for garbage among it costs 2 s.
    gc.disable()
    from vui_gateway.config import read_config

    plan = read_config(settings.config, settings.env)
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder, "litellm.yaml")
        runtime.write_text(yaml.safe_dump(plan.runtime, sort_keys=False), encoding="utf-8")
        os.environ["CONFIG_FILE_PATH"] = str(runtime)
        asyncio.run(_serve(settings, plan, key))


async def _serve(settings: Settings, plan: Plan, key: str) -> None:
    import litellm
    from litellm.proxy.proxy_server import app

    from vui_gateway.auth import accepts
    from vui_gateway.doors import Doors
    from vui_gateway.keeper import Keeper
    from vui_gateway.warmup import warm_up

    litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
    doors = Doors(app, accepts)
    server = uvicorn.Server(
        uvicorn.Config(
            doors,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
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
        gc.collect()
        gc.freeze()
        gc.enable()
        keeper = Keeper(settings, plan)
        keeper.announce()
        keeper.report()
        keeping = asyncio.create_task(keeper.keep())
        doors.ready = True
        log.info("Ready on port %d", port)
        await serving
        keeping.cancel()
    else:
        await serving
        raise SettingError("LiteLLM refuses the configuration: the reason is above.")
