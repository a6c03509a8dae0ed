"""Keeps LiteLLM in step with `litellm_config.yaml` and `.env` while it runs."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import litellm
from litellm.types.router import Deployment

from vui_gateway.config import ConfigError, Plan, read_config
from vui_gateway.health import hooks
from vui_gateway.key import load_key
from vui_gateway.ledger import Ledger
from vui_gateway.line import Line
from vui_gateway.overlay import env_values
from vui_gateway.settings import SettingError, Settings, write_whole

__all__ = ["Keeper"]

# Seconds between two looks at the files. They are looked at, not watched: inotify sees nothing of a
# bind mount's changes on Docker Desktop.
EVERY = 0.25

log = logging.getLogger("vui_gateway")


class Keeper:
    """The plan in force, and what became of the last edit."""

    def __init__(self, settings: Settings, plan: Plan, line: Line, ledger: Ledger):
        self.settings = settings
        self.plan = plan
        self.line = line
        self.ledger = ledger
        self.error: str | None = None
        self.since = time.time()
        self._seen = self._look()
        self._adopt(plan)
        self._set(settings)
        self._stale = False
        hooks.changed = ledger.changed = self._outdate

    async def keep(self) -> None:
        """Follow the files for ever; a change counts once it has been still for one look."""
        changing = False
        while True:
            await asyncio.sleep(EVERY)
            if self._stale:
                self.report()
            now = self._look()
            if now != self._seen:
                self._seen, changing = now, True
            elif changing:
                changing = False
                await self.reload()

    async def reload(self) -> None:
        """Put the files in force; a broken edit is reported, and the last good one stays."""
        try:
            settings = await asyncio.to_thread(Settings.load, self.settings.environ)
            plan = await asyncio.to_thread(read_config, settings.config, settings.env)
            settings.export(load_key(settings))
            self._apply(plan)
            self._set(settings)
        except (ConfigError, SettingError) as error:
            if str(error) != self.error:
                log.error("%s The last good configuration stays in force.", error)
            self.error = str(error)
        except Exception as error:  # whatever LiteLLM raises for an entry: never the end of us
            self.error = f"{self.settings.config}: LiteLLM refuses it ({error}). Undo the edit."
            log.error(self.error)
        else:
            self.error, self.since = None, time.time()
            self.announce()
        self.report()

    def announce(self) -> None:
        """Say what is served, and what is left out and why."""
        for line in [*self.plan.warnings, *map(str, self.plan.left_out)]:
            log.warning(line)
        log.info("Serving %s", ", ".join(self.plan.served))

    def _apply(self, plan: Plan) -> None:
        from litellm.proxy.proxy_server import llm_router as router

        assert router is not None
        old = {entry["model_info"]["id"] for entry in self.plan.runtime["model_list"]}
        new = {entry["model_info"]["id"]: entry for entry in plan.runtime["model_list"]}
        for identity, entry in new.items():
            if identity not in old:
                router.add_deployment(Deployment(**_resolved(copy.deepcopy(entry))))
        for identity in old - set(new):
            router.delete_deployment(identity)
            hooks.cooling.pop(identity, None)
        router.update_settings(**plan.runtime["router_settings"])
        router.stream_timeout = plan.runtime["router_settings"]["stream_timeout"]
        for name, value in plan.runtime["litellm_settings"].items():
            if name != "callbacks":
                setattr(litellm, name, value)
        self._adopt(plan)

    def _adopt(self, plan: Plan) -> None:
        self.plan = plan
        self.ledger.names = {
            entry["model_info"]["id"]: entry["litellm_params"]["model"]
            for entry in plan.runtime["model_list"]
        }
        hooks.seconds = float(plan.runtime["router_settings"]["cooldown_time"])
        hooks.variables = {
            entry["model_info"]["id"]: ", ".join(env_values(entry, {})) or "its key"
            for entry in plan.runtime["model_list"]
        }

    def _set(self, settings: Settings) -> None:
        self.line.on = settings.warm
        self.ledger.budget = settings.budget

    def _look(self) -> tuple:
        def mark(path: Path) -> tuple:
            try:
                found = path.stat()
                return (found.st_ino, found.st_size, found.st_mtime_ns)
            except OSError:
                return ()

        return (mark(self.settings.config), mark(self.settings.env_file))

    def _outdate(self) -> None:
        self._stale = True  # not written at once: a turn is under way

    def report(self) -> None:
        """Write the status down."""
        self._stale = False
        names = self.ledger.names
        clock = time.time() - time.monotonic()
        status = {
            "served": self.plan.served,
            "left_out": list(map(str, self.plan.left_out)),
            "since": self.since,
            "error": self.error,
            "session": self.ledger.session,
            "today": self.ledger.today,
            "budget": self.ledger.budget,
            "cooling": [
                {"model": names[i], "until": min(clock + until, 1e12)}
                for i, until in hooks.cooling.items()
                if i in names
            ],
        }
        try:
            write_whole(self.settings.status_file, json.dumps(status))
        except OSError as error:
            log.warning("The status can't be written (%s).", error)


def _resolved(value: Any) -> Any:
    # LiteLLM resolves `os.environ/X` when it reads a file, not when a deployment is added.
    if isinstance(value, dict):
        return {name: _resolved(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    found = env_values(value, os.environ)
    return next(iter(found.values())) if found else value
