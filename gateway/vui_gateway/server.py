"""Starts LiteLLM's proxy as a voice needs it, and says when it is ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import tempfile
from pathlib import Path

import uvicorn
import yaml

from vui_gateway.key import load_key
from vui_gateway.settings import LITELLM_ENVIRONMENT, Settings

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
    for line in [*plan.warnings, *map(str, plan.left_out)]:
        log.warning(line)
    log.info("Serving %s", ", ".join(plan.served))
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder, "litellm.yaml")
        runtime.write_text(yaml.safe_dump(plan.runtime, sort_keys=False), encoding="utf-8")
        os.environ["CONFIG_FILE_PATH"] = str(runtime)
        asyncio.run(_serve(settings, key))


async def _serve(settings: Settings, key: str) -> None:
    from litellm.proxy.proxy_server import app

    from vui_gateway.auth import accepts
    from vui_gateway.doors import Doors
    from vui_gateway.warmup import warm_up

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
        await warm_up(f"http://127.0.0.1:{port}", key)
        gc.collect()
        gc.freeze()
        gc.enable()
        doors.ready = True
        log.info("Ready on port %d", port)
    await serving
