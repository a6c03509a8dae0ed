"""The gateway's process: starts LiteLLM, serves, and ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
import uvloop
import yaml
from starlette.applications import Starlette

from vui_gateway import logs
from vui_gateway.drain import DrainingServer
from vui_gateway.errors import UserError
from vui_gateway.keys.owner import load_key
from vui_gateway.redaction import credentials, redact
from vui_gateway.second_start import LEFT_OUT_VARIABLE, LiteLLMFailedError, start_without
from vui_gateway.settings import CONFIG_NAME, ENV_NAME, SettingError, Settings
from vui_gateway.state.entries import State
from vui_gateway.state.files import Files
from vui_gateway.state.sync import Store, Sync
from vui_gateway.variables import REDIS_PREFIX, hidden
from vui_gateway.watchdog import Watchdog

if TYPE_CHECKING:
    from vui_gateway.config.file import Config

__all__ = ["serve"]

GRACE = 30  # seconds that running replies get after SIGTERM
# Seconds; vui's client keeps an idle connection for 5. A server that keeps it no longer may close
# it just as the next turn is sent.
KEEP_ALIVE = 60
WARM_UP_SECONDS = 20.0
HUNG_SECONDS = 15.0

log = logging.getLogger("vui_gateway")


def serve(settings: Settings, unusable: UserError | None = None) -> None:
    """Run the gateway until SIGTERM.

    unusable: what is wrong with `.env`; the demo says it until it is mended.

    Raises:
        SettingError: the key can't be kept.
    """
    logs.configure(settings)
    if settings.project.is_absolute() and settings.key_file.is_absolute():
        with suppress(OSError):
            os.chdir(settings.project)  # where the relative paths of the configuration begin
    state, store = _open(settings)
    key = load_key(settings)
    redact.configure([*credentials(settings.env), ("VUI_LITELLM_KEY", key)])
    left_out = os.environ.pop(LEFT_OUT_VARIABLE, "").split()  # by the start before this one
    settings = settings.without({name: settings.env.get(name, "") for name in left_out})
    # LiteLLM reads some variables at its import; its start would wait for a Redis that is away.
    redis = {name: v for name, v in settings.env.items() if name.startswith(REDIS_PREFIX)}
    settings.without({**settings.unusable, **redis}).export(key)

    # These imports create objects that live for ever: garbage collection among them costs 2 s.
    gc.disable()
    try:
        from vui_gateway.config.defaults import GENERAL, LITELLM_DEFAULTS
        from vui_gateway.config.file import ConfigError, demo_config, read_config
    except Exception as error:  # LiteLLM may fail at any variable
        start_without(settings, error)
    try:
        if unusable:
            config = demo_config(unusable, ENV_NAME)
        else:
            config = read_config(settings.config, settings.env)
            settings = settings.beside(config.environment)
    except ConfigError as error:
        unusable, config = error, demo_config(error, CONFIG_NAME)
    with tempfile.TemporaryDirectory() as folder:
        # LiteLLM starts without the user's models and settings: these are put in force as those of
        # every later edit are.
        started_with = {
            "litellm_settings": LITELLM_DEFAULTS,
            "general_settings": GENERAL,
        }
        runtime = Path(folder, "litellm.yaml")
        runtime.write_text(yaml.safe_dump(started_with, sort_keys=False), encoding="utf-8")
        os.environ["CONFIG_FILE_PATH"] = str(runtime)
        failed: LiteLLMFailedError | None = None
        try:
            uvloop.run(_serve(settings, config, key, state, store, unusable))
        except LiteLLMFailedError as error:
            failed = error
    if failed:
        start_without(settings, failed)


def _open(settings: Settings) -> tuple[State, Store]:
    """The state and its store: a Redis that gateways share, or files."""
    if settings.redis_url:
        from vui_gateway.state.redis import connect

        state = State(uuid.uuid4().hex[:12])
        return state, connect(settings.redis_url, state.clock)
    files = Files(settings.key_file.parent)
    files.lock()
    return State(), files


async def _serve(
    settings: Settings,
    config: Config,
    key: str,
    state: State,
    store: Store,
    unusable: UserError | None,
) -> None:
    from vui_gateway.api.connections import Connections
    from vui_gateway.app import build, create_app
    from vui_gateway.config.default_group import DEFAULT_GROUP
    from vui_gateway.config.env import resolved
    from vui_gateway.config.file import ConfigError, demo_config
    from vui_gateway.litellm_proxy import (
        catalogue,
        environment,
        patches,
        router,
        user_hooks,
        warmup,
    )
    from vui_gateway.litellm_proxy.transport import is_under_way
    from vui_gateway.reload import Reloader

    patches.install()
    logs.adopt(environment.LOGGERS, environment.CALL_LOGGERS, is_under_way, environment.IDLE_TALK)
    if version := catalogue.untested():
        log.warning("LiteLLM %s is not tested with this gateway: %s is.", version, catalogue.TESTED)
    sync = Sync(state, store)
    await sync.exchange()
    gateway = build(key, state, settings.redis_url)
    in_force = gateway.in_force
    refused: list[Exception] = []

    def apply() -> None:
        nonlocal config, unusable
        try:
            config = in_force.apply(settings, config)
        except SettingError:
            raise
        except Exception as error:  # no file ends the process
            if not isinstance(error, ConfigError):
                log.exception("This is a bug in vui-litellm, please report it:")
                why = f"it can't be put in force ({type(error).__name__})"
                error = ConfigError(str(settings.config), why, "Undo its last edit.")
            unusable, config = error, demo_config(error, CONFIG_NAME)
            in_force.apply(settings, config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """LiteLLM's own; the configuration is in force before the first request is taken."""
        async with AsyncExitStack() as stack:  # uvicorn would add a traceback to any exception
            try:
                with hidden(settings.unknown):
                    await stack.enter_async_context(router.lifespan())
            except (Exception, SystemExit) as error:
                refused.append(LiteLLMFailedError(str(error) or type(error).__name__))
            else:
                user_hooks.leave_out_proxys_own()
                try:
                    apply()
                except ValueError as error:
                    refused.append(error)
            yield

    app = create_app(gateway, lifespan)
    server = DrainingServer(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="error",  # malformed requests are counted, not logged
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http=cast(Any, Connections(in_force.usage.registry).protocol),
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
        ),
        app,
        settings.drain_seconds,
    )
    # uvicorn raises the signal again once all replies have ended: that is a clean end, not a kill.
    signal.signal(signal.SIGTERM, lambda *_: None)
    serving, syncing = asyncio.create_task(server.serve()), asyncio.create_task(sync.run())
    while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event
        await asyncio.sleep(0.02)
    if not server.started:
        await serving
        raise SettingError("LiteLLM can't start: the reason is above.")
    if refused:
        server.should_exit = True
        await serving
        raise refused[0]
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        # The first calls take longer than a user's limits may allow.
        in_force.engine.configure(WARM_UP_SECONDS, WARM_UP_SECONDS, hedge=False)
        models = resolved(config.model_list, settings.env)
        own = in_force.keys.owner
        await warmup.warm_up(f"http://127.0.0.1:{port}", own, in_force.router, models)
    except Exception as error:  # it only saves time: never a reason not to serve
        log.warning("The first turn may be slow: %s", error)
    apply()
    # Without a collection before: there is next to no garbage, and it takes half a second.
    gc.freeze()
    gc.enable()
    watchdog = Watchdog(HUNG_SECONDS)
    watchdog.start()
    gateway.page.reloader = Reloader(settings, config, in_force, sync, unusable)
    gateway.page.reloader.begin()
    reloading = asyncio.create_task(gateway.page.reloader.run())
    app.state.ready = not server.should_exit
    in_force.preconnect.open(DEFAULT_GROUP)
    log.info("Ready at %s", settings.address(port))
    await serving
    reloading.cancel()
    await gateway.chat.recorded()
    in_force.usage.telemetry.close()
    syncing.cancel()
    await sync.close()
    watchdog.stop()
