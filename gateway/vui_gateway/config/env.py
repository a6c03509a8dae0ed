"""Variables that a configuration names, as `os.environ/NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ENV_PREFIX", "env_values", "looked_up", "resolved", "unset_in"]

ENV_PREFIX = "os.environ/"
BOOLEANS = {"true": True, "false": False}  # of LiteLLM's; 1 and 0 stay text


def env_values(value: Any, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that an entry names (`os.environ/X`), with their values."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return {k: v for item in items for k, v in env_values(item, env).items()}
    if isinstance(value, str) and value.startswith(ENV_PREFIX):
        name = value.removeprefix(ENV_PREFIX).strip()
        return {name: env.get(name, "")}
    return {}


def unset_in(value: Any, env: Mapping[str, str]) -> list[str]:
    """The variables that a value names and that aren't set."""
    return [name for name, found in env_values(value, env).items() if not found]


def looked_up(value: Any, env: Mapping[str, str]) -> Any:
    """The text of the variable that a value names; any other value as it is."""
    found = env_values(value, env) if isinstance(value, str) else {}
    return next(iter(found.values()), value)


def resolved(value: Any, env: Mapping[str, str]) -> Any:
    """The value with its `os.environ/X` looked up, as LiteLLM does when it reads a file."""
    if isinstance(value, dict):
        return {name: resolved(item, env) for name, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, env) for item in value]
    if (text := looked_up(value, env)) is not value:
        return BOOLEANS.get(text.strip().lower(), text)
    return value
