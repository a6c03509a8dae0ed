"""Starts LiteLLM's proxy as a voice needs it, and says when it is ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import uvicorn
import uvloop
import yaml
from starlette.applications import Starlette

from vui_gateway import logs
from vui_gateway.api.auth import Keys, load_key
from vui_gateway.redaction import credentials, redact
from vui_gateway.settings import CONFIG_NAME, ENV_NAME, SettingError, Settings
from vui_gateway.turns.state.entries import State
from vui_gateway.turns.state.files import Files
from vui_gateway.turns.state.sync import Store, Sync
from vui_gateway.user_errors import UserError
from vui_gateway.watchdog import Watchdog

if TYPE_CHECKING:
    from vui_gateway.config.schema import Config

__all__ = ["serve"]

GRACE = 30  # seconds that running replies get after SIGTERM
# Seconds; vui's client keeps an idle connection for 5. A server that keeps it no longer may close
# it just as the next turn is sent.
KEEP_ALIVE = 60
WARM_UP_SECONDS = 20.0
MAX_WHY = 200  # characters of what LiteLLM fails with
REDIS = "REDIS_"
SHORT = 5  # characters of a value that may stand in any message
LEFT_OUT = "VUI_GATEWAY_LEFT_OUT"  # names of variables
HUNG_SECONDS = 15.0

log = logging.getLogger("vui_gateway")


def serve(settings: Settings, unusable: UserError | None = None) -> None:
    """Run the gateway until SIGTERM.

    unusable: what is wrong with `.env`; the demo says it until it is mended.

    Raises:
        SettingError: the key can't be kept.
    """
    logs.configure(settings)
    state, store = _open(settings)
    key = load_key(settings)
    redact.configure([*credentials(settings.env), ("VUI_LITELLM_KEY", key)])
    left_out = os.environ.pop(LEFT_OUT, "").split()  # by the start before this one
    settings = settings.without({name: settings.env.get(name, "") for name in left_out})
    # LiteLLM reads some of it at its import; and its start would wait for a Redis that is away.
    redis = {name: v for name, v in settings.env.items() if name.startswith(REDIS)}
    settings.without({**settings.unusable, **redis}).export(key)

    # Nothing that these imports make is ever freed: looking for garbage among it costs 2 s.
    gc.disable()
    try:
        from vui_gateway.config.defaults import LITELLM_DEFAULTS
        from vui_gateway.config.schema import ConfigError, demo_config, read_config
    except Exception as error:  # whatever LiteLLM makes of a variable
        _start_without(settings, error)
    try:
        if unusable:
            config = demo_config(unusable, ENV_NAME)
        else:
            config = read_config(settings.config, settings.env)
    except ConfigError as error:
        unusable, config = error, demo_config(error, CONFIG_NAME)
    with tempfile.TemporaryDirectory() as folder:
        # LiteLLM starts without the user's models and settings: these are put in force as those of
        # every later edit are.
        started_with = {
            "litellm_settings": LITELLM_DEFAULTS,
            "general_settings": config.general_settings,
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
        _start_without(settings, failed)


class LiteLLMFailedError(Exception):
    """LiteLLM can't start; the message says why."""


def _start_without(settings: Settings, error: Exception) -> NoReturn:
    """Start once more without the variables of `.env` with which LiteLLM can't start.

    Raises:
        SettingError: there are none, and nothing else is the user's.
    """
    unknown, why = settings.unknown, logs.words(error, MAX_WHY)
    if not unknown:
        raise SettingError(f"LiteLLM can't start ({why}).") from error
    said = str(error)
    words = set(re.findall(r"\w+", said))
    names = [n for n, v in unknown.items() if n in words or (len(v) > SHORT and v in said)]
    names = names or list(unknown)
    many = "are left out, LiteLLM can't start with them"
    which = "is left out, LiteLLM can't start with it" if len(names) == 1 else many
    log.warning("%s in .env %s (%s).", ", ".join(names), which, why)
    left_out = {LEFT_OUT: " ".join([*settings.unusable, *names])}
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "vui_gateway", "serve"]
    # Not this process's environment: `.env` is in it, and would be the environment's from then on.
    os.execve(sys.executable, command, {**settings.environ, **left_out})  # noqa: S606


def _open(settings: Settings) -> tuple[State, Store]:
    """What is shared with other gateways, or kept in files of one's own."""
    if settings.redis_url:
        from vui_gateway.turns.state.redis_store import connect

        state = State(uuid.uuid4().hex[:12])
        return state, connect(settings.redis_url, state.clock)
    files = Files(settings.key_file.parent)
    files.lock()
    return State(), files


async def _serve(
    settings: Settings,
    config: Config,
    key_text: str,
    state: State,
    store: Store,
    unusable: UserError | None,
) -> None:
    from vui_gateway import litellm_api
    from vui_gateway.api.app import create_app
    from vui_gateway.api.chat import Chat
    from vui_gateway.api.connections import Connections
    from vui_gateway.api.drain import DrainingServer
    from vui_gateway.api.page import Page
    from vui_gateway.api.sessions import Sessions
    from vui_gateway.config.default_group import DEFAULT_GROUP
    from vui_gateway.config.defaults import resolved
    from vui_gateway.config.reload import InForce, Reloader
    from vui_gateway.config.schema import ConfigError, demo_config
    from vui_gateway.litellm_proxy.callbacks import Callbacks
    from vui_gateway.litellm_proxy.transport import Transport, is_under_way
    from vui_gateway.litellm_proxy.user_hooks import leave_out_proxys_own
    from vui_gateway.providers import families
    from vui_gateway.providers.caching import PromptCaching
    from vui_gateway.providers.preconnect import Preconnect
    from vui_gateway.providers.warmup import PREFIX as WARM_UP
    from vui_gateway.providers.warmup import warm_up
    from vui_gateway.turns.attempt import Attempt
    from vui_gateway.turns.candidates import Candidates
    from vui_gateway.turns.cooldown import Cooldown
    from vui_gateway.turns.engine import Engine
    from vui_gateway.turns.hedge import Hedge
    from vui_gateway.turns.usage import Usage

    unheard = (litellm_api.LOGGERS, litellm_api.CALL_LOGGERS, is_under_way, litellm_api.IDLE_TALK)
    logs.adopt(*unheard)
    if version := litellm_api.untested():
        log.warning("LiteLLM %s is untested here: %s is.", version, litellm_api.TESTED)
    sync = Sync(state, store)
    await sync.exchange()
    keys, router, cooldown = Keys(key_text, state), litellm_api.RouterInForce(), Cooldown(state)
    if settings.redis_url:
        router.redis = await asyncio.to_thread(litellm_api.RouterRedis, settings.redis_url)
    usage = Usage(state)
    usage.budget.limits = keys.budget
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

    transport = Transport(hooks.attempts, reserve)
    engine = Engine(transport.open, candidates, cooldown, Hedge(state))
    preconnect = Preconnect(lambda model_group: candidates.next(model_group, []))
    chat = Chat(engine, router, preconnect, usage)
    callbacks = Callbacks()
    parts = keys, router, candidates, chat, cooldown, usage, preconnect, caching, callbacks
    in_force = InForce(*parts)
    keys.on_revoked = chat.revoke
    refused: list[Exception] = []

    def apply() -> None:
        nonlocal config, unusable
        try:
            in_force.apply(settings, config)
        except ConfigError as error:  # LiteLLM refuses it
            unusable, config = error, demo_config(error, CONFIG_NAME)
            in_force.apply(settings, config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """LiteLLM's own; the configuration is in force before the first request is taken."""
        async with AsyncExitStack() as stack:  # uvicorn would add a traceback to what is raised
            try:
                await stack.enter_async_context(litellm_api.lifespan(litellm_api.app))
            except (Exception, SystemExit) as error:
                refused.append(LiteLLMFailedError(str(error) or type(error).__name__))
            else:
                leave_out_proxys_own()
                try:
                    apply()
                except ValueError as error:
                    refused.append(error)
            yield

    page = Page(Sessions(lambda: keys.owner))
    app = create_app(chat, keys, preconnect, usage, page, lifespan)
    server = DrainingServer(
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
        engine.configure(WARM_UP_SECONDS, WARM_UP_SECONDS, hedge=False)
        models = resolved(config.model_list, settings.env)
        await warm_up(f"http://127.0.0.1:{port}", key_text, router, models)
    except Exception as error:  # it only saves time: never a reason not to serve
        log.warning("The first turn may be slow: %s", error)
    apply()
    # Without a look for garbage before: there is next to none, and it takes half a second.
    gc.freeze()
    gc.enable()
    watchdog = Watchdog(HUNG_SECONDS)
    watchdog.start()
    page.reloader = Reloader(settings, config, in_force, sync, unusable)
    reloading = asyncio.create_task(page.reloader.run())
    app.state.ready = not server.should_exit
    preconnect.open(DEFAULT_GROUP)
    log.info("Ready at %s", settings.address(port))
    await serving
    reloading.cancel()
    await chat.recorded()
    syncing.cancel()
    await sync.close()
    watchdog.stop()
