"""Keeps the gateway in step with `litellm_config.yaml` and `.env` while it runs."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from vui_gateway import logs
from vui_gateway.api.auth import Keys, load_key
from vui_gateway.api.chat import Chat
from vui_gateway.config.default_group import DEFAULT_GROUP, refused_note
from vui_gateway.config.defaults import resolved
from vui_gateway.config.left_out import summary
from vui_gateway.config.schema import Config, ConfigError, read_config
from vui_gateway.files import write_by_rename
from vui_gateway.litellm_api import RouterInForce
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.providers.caching import PromptCaching
from vui_gateway.providers.preconnect import Preconnect
from vui_gateway.redaction import credentials, redact
from vui_gateway.settings import SettingError, Settings, file_marks
from vui_gateway.turns.candidates import KEY_FALLBACKS, Candidates, Fallbacks
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.labels import Labels, quoted
from vui_gateway.turns.state.sync import Sync
from vui_gateway.turns.usage import Usage
from vui_gateway.user_errors import UserError

__all__ = ["InForce", "Reloader"]

# Seconds between two looks at the files. They are looked at, not watched: inotify sees nothing of a
# bind mount's changes on Docker Desktop.
EVERY = 0.25

log = logging.getLogger("vui_gateway")


@dataclass(frozen=True)
class InForce:
    """What a configuration is put into."""

    keys: Keys
    router: RouterInForce
    candidates: Candidates
    chat: Chat
    cooldown: Cooldown
    usage: Usage
    preconnect: Preconnect
    caching: PromptCaching
    callbacks: Callbacks

    def apply(self, settings: Settings, config: Config, before: Settings | None = None) -> None:
        """Put all of it in force, or raise and change nothing.

        Raises:
            SettingError: the key can't be kept.
            ConfigError: LiteLLM refuses the configuration.
        """
        found = credentials(settings.env, vars(config))
        redact.configure([*found, ("VUI_LITELLM_KEY", self.keys.owner)])
        module = resolved(config.litellm_settings, settings.env)
        try:
            others = [{DEFAULT_GROUP: config.default.others}]
            ours = {KEY_FALLBACKS: others}
            fallbacks = Fallbacks(config.router_settings, config.litellm_settings, ours)
            router = self.router.build(
                resolved(config.model_list, settings.env),
                resolved(config.router_settings, settings.env),
                module,
            )
        except Exception as error:  # whatever LiteLLM raises for an entry
            cure, spoken = "Correct or undo the edit.", "LiteLLM refuses it"
            wrong = f"{spoken} ({error})"
            raise ConfigError(str(settings.config), wrong, cure, spoken) from error
        try:
            key = load_key(settings)
        except SettingError:
            router.discard()
            raise
        settings.export(key, before)
        logs.configure(settings)
        self.keys.owner = key
        self.router.use(router, module)
        self.router.notes = {DEFAULT_GROUP: config.default.note}
        cooldown_time = float(config.router_settings["cooldown_time"])
        self.cooldown.configure(cooldown_time, config.key_variables)
        self.candidates.fallbacks = fallbacks
        limits = [float(config.router_settings[name]) for name in ("stream_timeout", "timeout")]
        self.chat.engine.configure(*limits, hedge=settings.hedge)
        self.chat.limit = settings.calls
        self.usage.budget.limit = settings.budget
        self.usage.labels = Labels([*self.router.model_groups, *config.models.values()])
        installation = f"vui-{sha256(f'prompt cache of {key}'.encode()).hexdigest()[:12]}"
        self.caching.configure(installation, enabled=settings.cache)
        self.preconnect.configure(config.model_list, settings.env, enabled=settings.preconnect)


class Reloader:
    """The configuration in force, and what became of the last edit.

    unusable: what is wrong with the files of the start; the demo answers instead of them.
    """

    def __init__(
        self,
        settings: Settings,
        config: Config,
        in_force: InForce,
        sync: Sync,
        unusable: UserError | None = None,
    ) -> None:
        self.settings = settings
        self.config = config
        self.in_force, self.sync = in_force, sync
        self.error = str(unusable) if unusable else None
        self.edited = False  # since the start
        self._since = time.time()
        self._started = _read_once(settings, config)
        self._reported = -1
        self._told: set[str] = set()

    async def run(self) -> None:
        """Follow the files for ever, and keep the status file up to date."""
        if self.error:
            log.error("%s The demo answers until it is mended.", self.error)
        self.announce()
        self.report()
        await self._extend()
        self._warn()
        async for edited in _edits(self.settings):
            if edited:
                await self.reload()
            version = self.in_force.cooldown.version + self.in_force.usage.version
            version += self.sync.state.version
            if edited or version != self._reported:  # not at once: a call was under way
                self._reported = version
                self.report()

    async def reload(self) -> None:
        """Put the files in force; a broken edit is reported, and the last good one stays."""
        self.edited = True
        try:
            settings = await asyncio.to_thread(Settings.load, self.settings.environ)
            settings = settings.without(self.settings.unusable)
            redact.add(credentials(settings.env))  # the configuration may be refused
            config = await asyncio.to_thread(read_config, settings.config, settings.env)
            self.in_force.apply(settings, config, self.settings)
        except Exception as error:  # an edit never ends the watch over the files
            if not isinstance(error, ConfigError | SettingError):
                log.exception("A bug of ours:")
            if str(error) != self.error:
                log.error("%s The last good configuration stays in force.", error)
            self.error = str(error)
        else:
            self.settings, self.config = settings, config
            self.error, self._since = None, time.time()
            await self._extend()
            self.announce()

    async def _extend(self) -> None:
        """Put the callbacks and the cache in force, while calls go on."""
        own = resolved(self.config.litellm_settings, self.settings.env)
        path, env = self.settings.config, self.settings.unknown
        try:
            await self.in_force.callbacks.apply(own, path, env)
        except Exception:  # none of them ends the watch over the files
            log.exception("A bug of ours:")

    @property
    def needs_restart(self) -> list[str]:
        """The variables that LiteLLM has read before they were in `.env`."""
        now = _read_once(self.settings, self.config)
        names = [n for n in now | self._started if now.get(n) != self._started.get(n)]
        return sorted(names)

    def announce(self) -> None:
        """Say what is served, what is left out and why, and what waits for a restart: once."""
        self._warn()
        served = ", ".join(map(quoted, self.in_force.router.model_groups))
        log.info("Serving %s. %s", served, self.vui)

    def _warn(self) -> None:
        told = self.warnings
        if self.config.left_out:
            told.append(summary(self.config.left_out))
        if names := self.needs_restart:
            told.append(f"{', '.join(names)}: takes effect after docker compose restart gateway")
        for line in told:
            if line not in self._told:
                log.warning(line)
        self._told = set(told)

    @property
    def warnings(self) -> list[str]:
        """What of the files takes no effect."""
        failed = self.in_force.callbacks.failed
        return [*self.settings.warnings, *self.config.warnings, *failed]

    @property
    def vui(self) -> str:
        """Who `vui` is, and why."""
        ids, refused = self.in_force.router.ids(DEFAULT_GROUP), self._refused
        if not ids or set(ids) - set(refused):
            return self.config.default.note
        models = self.config.models
        of_group = [models[i] for i in ids], [self._key_of(i) for i in ids]
        return refused_note(*of_group, self.config.default.others)

    def _key_of(self, deployment: str) -> str:
        """Where a deployment's key is."""
        variable = self.config.key_variables[deployment]
        return f"{variable} of .env" if variable else "its key in litellm_config.yaml"

    @property
    def _refused(self) -> list[str]:
        """The deployments whose key was refused."""
        return [i for i in self.in_force.cooldown.refused if i in self.config.models]

    def status(self) -> dict[str, Any]:
        """What is in force, and what has been spent; nothing of what was said."""
        models, budget = self.config.models, self.in_force.usage.budget
        refused: dict[str, list[str]] = {}
        for deployment in self._refused:
            of_variable = refused.setdefault(self._key_of(deployment), [])
            of_variable += {models[deployment]} - set(of_variable)
        return {
            "served": self.in_force.router.model_groups,
            "vui": self.vui,
            "refused": refused,
            "left_out": list(map(str, self.config.left_out)),
            "warnings": self.warnings,
            "needs_restart": self.needs_restart,
            "since": self._since,
            "error": self.error,
            "edited": self.edited,
            "calls": {
                "running": len(self.in_force.chat.running),
                "limit": self.in_force.chat.limit,
            },
            "session": self.in_force.usage.session,
            "today": self.in_force.usage.budget.today,
            "cache": self.in_force.usage.budget.cache,
            "budget": self.in_force.usage.budget.limit,
            "clients": [
                {"name": one.name, "today": budget.today_of(one.name), "budget": one.budget}
                for one in self.in_force.keys.clients
            ],
            "away": self.sync.away and f"{self.sync.store.name} is away ({self.sync.away}).",
            "cooling": [
                {"model": models[deployment], "until": min(time.time() + seconds, 1e12)}
                for deployment, seconds in self.in_force.cooldown
                if deployment in models
            ],
        }

    def report(self) -> None:
        """Write the status file, which `vui-gateway status` shows."""
        self.in_force.router.notes = {DEFAULT_GROUP: self.vui}
        try:
            write_by_rename(self.settings.status_file, redact(json.dumps(self.status())))
        except OSError as error:
            log.warning("The status can't be written (%s).", error)


async def _edits(settings: Settings) -> AsyncIterator[bool]:
    """At each look: whether the files have changed since they were read, and been still since."""
    seen, changing = settings.marks, False
    yield False
    while True:
        await asyncio.sleep(EVERY)
        now = file_marks(settings.project)
        still, seen = now == seen, now
        yield changing and still
        changing = not still


def _read_once(settings: Settings, config: Config) -> dict[str, str]:
    """What LiteLLM may have read of `.env` at its start, by the names that the user knows."""
    return {
        f"{name} in .env": value
        for name, value in settings.unknown.items()
        if name not in config.env
    }
