"""`vui-gateway check-config`: the outcome of a file, without starting anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from vui_gateway.apply import built
from vui_gateway.config.file import Config, ConfigError, read_config
from vui_gateway.config.left_out import by_reason
from vui_gateway.config.unsupported import IN_STATUS
from vui_gateway.litellm_proxy.router import RouterInForce

__all__ = ["check"]


def check(path: Path, env: Mapping[str, str]) -> tuple[list[str], bool]:
    """A line for each model that is served or left out, and for each setting without an effect; and
    whether the file is good. A model that lacks nothing but its key is no fault of the file's.

    env: the variables that the file may name.
    """
    try:
        config = asyncio.run(_read(path, env))
    except ConfigError as error:
        return [str(error)], False
    faults = [*config.warnings, *(one for one in config.left_out if not one.is_unset)]
    served = ", ".join(config.served)
    lines = [f"Serves {served}.", config.default.note, *by_reason(config.left_out)]
    warnings = [line.removesuffix(IN_STATUS) for line in config.warnings]  # the details follow
    return [*lines, *warnings, *config.details], not faults and not config.default.demo


async def _read(path: Path, env: Mapping[str, str]) -> Config:
    config = read_config(path, env)
    env = {**env, **config.environment}
    config, _, router = built(config, path, env, RouterInForce())  # which wants a loop
    router.discard()
    return config
