"""Starts LiteLLM's proxy as a voice needs it, and says when it is ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
import uvloop
import yaml
from starlette.applications import Starlette

from vui_gateway.api.auth import Key, load_key
from vui_gateway.redaction import credentials, redact, redact_log
from vui_gateway.settings import SettingError, Settings
from vui_gateway.watchdog import Watchdog

if TYPE_CHECKING:
    from vui_gateway.config.schema import Config

__all__ = ["serve"]

GRACE = 30  # seconds that running replies get after SIGTERM
# Seconds; vui's client keeps an idle connection for 5. A server that keeps it no longer may close
# it just as the next turn is sent.
KEEP_ALIVE = 60
WARM_UP_SECONDS = 20.0
HUNG_SECONDS = 15.0

log = logging.getLogger("vui_gateway")


def serve(settings: Settings) -> None:
    """Run the gateway until SIGTERM.

    Raises:
        SettingError, ConfigError: what the user wrote can't be used.
    """
    redact_log()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    key = load_key(settings)
    redact.configure([*credentials(settings.env), ("VUI_LITELLM_KEY", key)])
    settings.export(key)  # LiteLLM reads some of it at import

    # Nothing that these imports make is ever freed: looking for garbage among it costs 2 s.
    gc.disable()
    from vui_gateway.config.schema import read_config

    config = read_config(settings.config, settings.env)
    with tempfile.TemporaryDirectory() as folder:
        # LiteLLM starts without models: the first router is put in force as every later one is.
        started_with = {
            "litellm_settings": config.litellm_settings,
            "general_settings": config.general_settings,
            "credential_list": config.credential_list,
        }
        runtime = Path(folder, "litellm.yaml")
        runtime.write_text(yaml.safe_dump(started_with, sort_keys=False), encoding="utf-8")
        os.environ["CONFIG_FILE_PATH"] = str(runtime)
        uvloop.run(_serve(settings, config, key))


async def _serve(settings: Settings, config: Config, key_text: str) -> None:
    from vui_gateway import litellm_api
    from vui_gateway.api.app import create_app
    from vui_gateway.api.chat import Chat
    from vui_gateway.api.connections import Connections
    from vui_gateway.api.page import Page
    from vui_gateway.api.sessions import Sessions
    from vui_gateway.config.defaults import DEFAULT_GROUP, resolved
    from vui_gateway.config.reload import InForce, Reloader
    from vui_gateway.providers import families
    from vui_gateway.providers.caching import PromptCaching
    from vui_gateway.providers.errors import error_code
    from vui_gateway.providers.preconnect import Preconnect
    from vui_gateway.providers.warmup import PREFIX as WARM_UP
    from vui_gateway.providers.warmup import warm_up
    from vui_gateway.turns.attempt import Attempt
    from vui_gateway.turns.candidates import Candidates
    from vui_gateway.turns.cooldown import Cooldown
    from vui_gateway.turns.engine import Engine
    from vui_gateway.turns.hedge import Hedge
    from vui_gateway.turns.proxy import Proxy
    from vui_gateway.turns.usage import Usage

    if version := litellm_api.untested():
        log.warning("LiteLLM %s is untested here: %s is.", version, litellm_api.TESTED)
    key, router, cooldown = Key(key_text), litellm_api.RouterInForce(), Cooldown()
    usage = Usage(settings.key_file.with_name("spend.json"))
    candidates = Candidates(router.choose, router.ids, cooldown)
    caching = PromptCaching()

    def transform(call: dict, provider: str, model: str, attempt: Attempt | None) -> dict:
        call = families.apply(call, provider, model)
        deployment = attempt.deployment.id if attempt else ""
        call, marks = caching.apply(call, provider, model, deployment)
        if attempt:
            attempt.marks = marks
        return call

    hooks = litellm_api.Hooks(candidates.available, transform, caching.billed)
    hooks.register()

    def reserve(attempt: Attempt) -> None:
        if not attempt.body["model"].startswith(WARM_UP):  # which costs nothing
            usage.budget.reserve(attempt)

    proxy = Proxy(litellm_api.app, hooks.attempts, error_code, reserve)
    engine = Engine(proxy.open, candidates, cooldown, Hedge())
    preconnect = Preconnect(lambda model_group: candidates.next(model_group, []))
    in_force = InForce(key, router, candidates, engine, cooldown, usage, preconnect, caching)
    chat = Chat(engine, router, preconnect, usage)
    refused: list[ValueError] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """LiteLLM's own; the configuration is in force before the first request is taken."""
        async with litellm_api.lifespan(litellm_api.app):
            try:
                in_force.apply(settings, config)
            except ValueError as error:  # uvicorn would add a traceback
                refused.append(error)
            yield

    page = Page(Sessions(lambda: key.value))
    app = create_app(litellm_api.app, chat, key, preconnect, usage, page, lifespan)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="error",  # a stranger's nonsense is counted, and fills no log
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http=cast(Any, Connections(usage.registry).protocol),
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
        )
    )
    # uvicorn raises the signal again once all replies have ended: that is a clean end, not a kill.
    signal.signal(signal.SIGTERM, lambda *_: None)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event
        await asyncio.sleep(0.02)
    if not server.started:
        await serving
        raise SettingError("LiteLLM refuses the configuration: the reason is above.")
    if refused:
        server.should_exit = True
        await serving
        raise refused[0]
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        # The first calls take longer than a user's limits may allow.
        engine.configure(WARM_UP_SECONDS, WARM_UP_SECONDS, hedge=False)
        models = resolved(config.model_list, settings.env)
        await warm_up(f"http://127.0.0.1:{port}", key_text, router, models)
    except Exception as error:  # it only saves time: never a reason not to serve
        log.warning("The first turn may be slow: %s", error)
    in_force.apply(settings, config)
    # Without a look for garbage before: there is next to none, and it takes half a second.
    gc.freeze()
    gc.enable()
    watchdog = Watchdog(HUNG_SECONDS)
    watchdog.start()
    page.reloader = Reloader(settings, config, in_force)
    reloading = asyncio.create_task(page.reloader.run())
    app.state.ready = True
    preconnect.open(DEFAULT_GROUP)
    log.info("Ready on port %d", port)
    await serving
    reloading.cancel()
    await chat.recorded()
    watchdog.stop()
