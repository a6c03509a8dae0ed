"""`environment_variables` of a file: in force as if they stood in `.env`, which wins.

https://docs.litellm.ai/docs/proxy/config_settings
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from vui_gateway.config.env import env_values, looked_up, resolved
from vui_gateway.named_files import missing
from vui_gateway.providers.content import whole_characters
from vui_gateway.variables import has_no_effect

__all__ = ["SECTION", "take_environment"]

SECTION = "environment_variables"
# They are read from `.env` before the file is, or by Compose.
OUR_VARIABLES = ("VUI_", "COMPOSE_")
# They would change what this process loads, where it leaves its status, or whom it asks through
# a proxy.
OF_PROCESS = re.compile(
    r"(?:LD|DYLD)_\w+|PYTHON[A-Z]\w*|PATH|HOME|USER|SHELL|LOGNAME|TMPDIR|XDG_RUNTIME_DIR|NO_PROXY"
    r"|no_proxy|PROMETHEUS_MULTIPROC_DIR|prometheus_multiproc_dir|CONFIG_FILE_PATH|LITELLM_MODE"
)


def take_environment(
    file: dict, env: Mapping[str, str], place: Callable[..., str], folder: Path
) -> tuple[dict[str, str], list[str]]:
    """The variables that a file sets, and a sentence for each group of those that it can't.

    Those without an effect stay in the file. A file that isn't there has a sentence.

    folder: where a relative path begins.
    """
    section = file.get(SECTION)
    if not isinstance(section, dict):
        return {}, []
    settings = file.get("litellm_settings")
    with_cache = isinstance(settings, dict) and bool(resolved(settings.get("cache"), env))
    found: dict[str, str] = {}
    lost: dict[str, list[str]] = {}
    for name, given in list(section.items()):
        if has_no_effect(name, with_cache):
            continue
        del section[name]
        value = looked_up(given, env)
        if name.startswith(OUR_VARIABLES):
            lost.setdefault("are ours: put them into .env", []).append(name)
        elif OF_PROCESS.fullmatch(name):
            lost.setdefault("would change the gateway itself: remove them", []).append(name)
        elif isinstance(value, dict | list) or not _fits(name, str(value)):
            lost.setdefault("are no text: write `NAME: value`", []).append(name)
        elif env.get(name) not in (None, "", str(value)):
            lost.setdefault("are in .env, or in the environment, which wins", []).append(name)
        elif value not in (None, "") or not env_values(given, env):
            found[name] = "" if value is None else str(value)
    paths = [
        f"{place(SECTION, name)}: {name}: {value} isn't there. {cure}"
        for name, value in found.items()
        if (cure := missing(value, folder))
    ]
    where = f"{place(SECTION)}: these of {SECTION} are ignored"
    ignored = [f"{where}: {', '.join(of)}. They {why}." for why, of in lost.items()]
    return found, [*paths, *ignored]


def _fits(name: str, value: str) -> bool:
    """A process's environment can hold it: a name without `=`, no NUL, no half a character."""
    text = name + value
    return bool(name) and "=" not in name and "\0" not in text and whole_characters(text) == text
