"""Tries out, in a process of its own, what LiteLLM reads at its start: a callback or a cache that
fails would end the gateway, and a start that ends is tried again for ever.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vui_gateway.redaction import credentials, redact

if TYPE_CHECKING:
    from vui_gateway.config.schema import Config
    from vui_gateway.settings import Settings

__all__ = ["tried_settings", "unusable_variables"]

SECONDS = 60.0  # for one start of LiteLLM's: usually four
REASON = "\x00"  # before it, in what the process prints
LITELLM = "litellm_settings"
# A value without more to it than on, off, or a number is only set.
PLAIN = (bool, int, float, type(None))
# LiteLLM doesn't start without one, and the gateway's is nobody's business here.
TRIAL_KEY = {"VUI_LITELLM_KEY": "sk-only-for-a-trial"}
# One setting in two keys.
BELONGS_TO = {"cache_params": "cache"}


def tried_settings(config: Config, settings: Settings) -> Config:
    """The configuration without those of its `litellm_settings` with which LiteLLM fails."""
    from vui_gateway.litellm_api import RELOADABLE_SETTINGS

    own = {
        name: value
        for name, value in config.litellm_settings.items()
        if name == "cache" or not isinstance(value, PLAIN)
    }
    names = {BELONGS_TO.get(name, name) for name in own} - set(RELOADABLE_SETTINGS)
    groups = {
        name: {key: own[key] for key in own if name in (key, BELONGS_TO.get(key))}
        for name in sorted(names)
    }
    redact.add(credentials(settings.env, vars(config)))  # what fails may quote them
    failed = _failing(groups, settings.env)
    if not failed:
        return config
    told = [
        f"{settings.config}: {LITELLM}.{name} is left out, LiteLLM can't start with it ({why}). "
        "Correct or remove it."
        for name, why in failed.items()
    ]
    left = {
        name: value
        for name, value in config.litellm_settings.items()
        if BELONGS_TO.get(name, name) not in failed
    }
    return replace(config, litellm_settings=left, warnings=[*config.warnings, *told])


def unusable_variables(variables: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Of a `.env`'s variables those with which LiteLLM can't start, and why."""
    rest = {name: value for name, value in env.items() if name not in variables}
    return _failing({}, rest, variables)


def _failing(
    groups: Mapping[str, dict], env: Mapping[str, str], variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which of the groups of settings, and of the variables, fail by themselves, and why."""
    alone: list[tuple[str, dict, dict]] = [(name, of, {}) for name, of in groups.items()]
    alone += [(name, {}, {name: value}) for name, value in (variables or {}).items()]
    if not alone:
        return {}
    together: dict[str, Any] = {key: value for of in groups.values() for key, value in of.items()}
    if not (why := _try(together, {**env, **(variables or {})})):
        return {}
    with ThreadPoolExecutor(2) as pool:
        tried = list(pool.map(lambda one: (one[0], _try(one[1], {**env, **one[2]})), alone))
    return {name: reason for name, reason in tried if reason} or dict.fromkeys(
        (name for name, *_ in alone), why
    )


def _try(litellm_settings: dict, env: Mapping[str, str]) -> str:
    text = json.dumps(litellm_settings, sort_keys=True, default=str)
    return _tried(text, tuple(sorted(env.items())))


@lru_cache(32)
def _tried(text: str, env: tuple[tuple[str, str], ...]) -> str:
    """Why LiteLLM doesn't start; empty when it does."""
    command = [sys.executable, "-m", "vui_gateway.config.trial"]
    given = {**os.environ, **dict(env), **TRIAL_KEY}
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": SECONDS}
    try:
        done = subprocess.run(command, input=text, env=given, check=False, **options)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"it takes more than {SECONDS:.0f} seconds"
    if not done.returncode:
        return ""
    told = done.stdout.rpartition(REASON)[2].strip() if REASON in done.stdout else ""
    # Redacted before it is cut: half a credential is known by nobody.
    return redact(told.splitlines()[0])[:300] if told else f"it ends with {done.returncode}"


async def _start() -> None:
    from vui_gateway import litellm_api

    async with litellm_api.lifespan(litellm_api.app):
        await litellm_api.try_start_settings()


def main() -> int:
    """Start LiteLLM with the settings on stdin; 1 when it fails."""
    logging.disable()
    try:
        with tempfile.TemporaryDirectory() as folder:
            from vui_gateway.config.defaults import GENERAL

            file = Path(folder, "litellm.yaml")
            started_with = {"litellm_settings": json.load(sys.stdin), "general_settings": GENERAL}
            file.write_text(yaml.safe_dump(started_with, sort_keys=False), encoding="utf-8")
            os.environ["CONFIG_FILE_PATH"] = str(file)
            asyncio.run(_start())
    except BaseException as error:  # whatever LiteLLM, or what it imports, raises
        print(REASON + (str(error).strip() or type(error).__name__), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    os._exit(main())  # a callback may have left threads behind
