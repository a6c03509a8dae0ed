"""Watches `litellm_config.yaml` and `.env`, puts edits in force, and reports."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator

from vui_gateway.apply import InForce
from vui_gateway.config.default_group import DEFAULT_GROUP
from vui_gateway.config.file import Config, ConfigError, read_config
from vui_gateway.config.left_out import summary
from vui_gateway.config.values import few
from vui_gateway.errors import UserError
from vui_gateway.private_files import write_by_rename
from vui_gateway.providers.sign_in import SUBSCRIPTIONS, token_file
from vui_gateway.redaction import credentials, redact
from vui_gateway.settings import SettingError, Settings, file_marks, named_files
from vui_gateway.state.sync import Sync
from vui_gateway.status import Status, make
from vui_gateway.usage.labels import quoted
from vui_gateway.variables import read_at_start

__all__ = ["Reloader"]

# Seconds between two looks at the files. They are looked at, not watched: inotify sees nothing of a
# bind mount's changes on Docker Desktop.
LOOK_EVERY = 0.25
# Seconds after which a server of one's own that wasn't there is looked for again.
LOOK_AGAIN = 10.0
# Seconds that an edit waits for its callbacks and servers.
EXTEND_SECONDS = 2.0
# Instead of files that can't be used.
DEMO_ANSWERS = "The demo answers until it is mended."
STAYS = "The last good configuration stays in force."

LINE_NUMBER = re.compile(r":[0-9]+:")

log = logging.getLogger("vui_gateway")


class Reloader:
    """The configuration in force, and the result of the last edit.

    Args:
        unusable: why the files of the start can't be used; the demo answers instead of them.
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
        self._instead = DEMO_ANSWERS if unusable else STAYS
        self._since = time.time()
        self._started = _read_once(settings, config)
        self._reported = -1
        self._said: set[str] = set()
        self._away: list[str] = []  # one's own servers where nothing answers
        self._looked = time.monotonic()
        self._extending: asyncio.Task | None = None

    def begin(self) -> None:
        """Say what is in force at the start."""
        self.report()
        if self.error:
            log.error("%s %s", self.error, self._instead)
        self.announce()

    async def run(self) -> None:
        """Follow the files for ever, and keep the status file up to date."""
        await self._extend()
        async for edited in _edits(self.settings):
            if edited:
                await self.reload()
            changed = False
            if self._away and time.monotonic() - self._looked > LOOK_AGAIN:
                changed = await self._look()
            version = self.in_force.version + self.sync.state.version
            if changed or version != self._reported:  # not at once: a call was under way
                self._reported = version
                self.report()

    async def reload(self) -> None:
        """Put the files in force; a broken edit is reported, and the last good one stays.

        The status is written before the log: a reader of the line finds the edit in the status.
        """
        self.edited = True
        try:
            settings = await asyncio.to_thread(Settings.load, self.settings.environ)
            settings = settings.without(self.settings.unusable)
            redact.add(credentials(settings.env))  # the configuration may be refused
            config = await asyncio.to_thread(read_config, settings.config, settings.env)
            settings = settings.beside(config.environment)
            config = self.in_force.apply(settings, config, self.settings)
        except Exception as error:  # an edit never ends the watch over the files
            if not isinstance(error, ConfigError | SettingError):
                log.exception("This is a bug in vui-litellm, please report it:")
            before, self.error = self.error, str(error)
            self.report()
            if self.error != before:
                log.error("%s %s", error, self._instead)
        else:
            self.settings, self.config, self._instead = settings, config, STAYS
            self.error, self._since = None, time.time()
            await self._extend()
            self.report()
            self.announce()

    async def _look(self) -> bool:
        """Look for one's own servers; true when something is different."""
        before, self._looked = self._away, time.monotonic()
        self._away = await self.in_force.router.servers.away()
        return self._away != before

    async def _extend(self) -> None:
        """Look for servers and callbacks; the next edit doesn't wait for one that hangs."""
        self._extending = asyncio.create_task(self._extended(self._extending))
        await asyncio.wait([self._extending], timeout=EXTEND_SECONDS)

    async def _extended(self, before: asyncio.Task | None) -> None:
        if before:
            await asyncio.wait([before])
        await self._look()
        try:
            await self.in_force.extend(self.settings, self.config)
        except Exception:  # no callback ends the watch over the files
            log.exception("This is a bug in vui-litellm, please report it:")
        self.report()
        self._warn()

    @property
    def needs_restart(self) -> list[str]:
        """The variables that LiteLLM has read before they were in `.env`."""
        now = _read_once(self.settings, self.config)
        names = [n for n in now | self._started if now.get(n) != self._started.get(n)]
        return sorted(names)

    def announce(self) -> None:
        """Say what is served, what is left out and why, and what waits for a restart: once."""
        self._warn()
        served = few([quoted(name) for name in self.in_force.router.model_groups])
        log.info("Serving %s. %s", served, self.in_force.vui(self.config))

    def _warn(self) -> None:
        said = self.warnings
        if self.config.left_out:
            said.append(summary(self.config.left_out))
        if names := self.needs_restart:
            said.append(f"{few(names)}: takes effect after docker compose restart gateway")
        now = {LINE_NUMBER.sub(":", line): line for line in said}
        for key, line in now.items():
            if key not in self._said:
                log.warning(line)
        self._said = set(now)

    @property
    def warnings(self) -> list[str]:
        """Settings and lines of the files that have no effect."""
        failed = [*self.in_force.callbacks.failed, *self.in_force.usage.telemetry.failed]
        return [*self.settings.warnings, *self.config.warnings, *failed, *self._own_servers]

    @property
    def _own_servers(self) -> list[str]:
        return [*self.in_force.router.servers.warnings, *self._away]

    def status(self) -> Status:
        """The status of now."""
        return make(
            self.in_force,
            self.config,
            since=self._since,
            error=self.error,
            edited=self.edited,
            needs_restart=self.needs_restart,
            warnings=[*self.warnings, *self.config.details],
            away=self.sync.away and f"{self.sync.store.name} is away ({self.sync.away}).",
        )

    def report(self) -> None:
        """Write the status file, which `vui-gateway status` shows."""
        self.in_force.router.notes = {DEFAULT_GROUP: self.in_force.vui(self.config)}
        try:
            write_by_rename(self.settings.status_file, redact(self.status().model_dump_json()))
        except OSError as error:
            log.warning("The status can't be written (%s).", error)
        except Exception:  # no status ends the watch over the files
            log.exception("This is a bug in vui-litellm, please report it:")


async def _edits(settings: Settings) -> AsyncIterator[bool]:
    """At each look: whether the files have changed since they were read, and been still since."""
    tokens = [token_file(name, settings.env) for name in SUBSCRIPTIONS]
    named, changing = [*named_files(settings.project), *tokens], False
    seen = {**file_marks(settings.project, named), **settings.marks}
    yield False
    while True:
        await asyncio.sleep(LOOK_EVERY)
        now = file_marks(settings.project, named)
        still, seen = now == seen, now
        if not still:
            named = [*named_files(settings.project), *tokens]
            seen = file_marks(settings.project, named)
        yield changing and still
        changing = not still


def _read_once(settings: Settings, config: Config) -> dict[str, str]:
    """The variables of `.env` that LiteLLM may have read at its start, by the user's names."""
    return {
        f"{name} in .env": value
        for name, value in read_at_start(settings.unknown).items()
        if name not in {**config.env, **config.environment}
    }
