"""A second start, without the variables of `.env` with which LiteLLM can't start."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import NoReturn

from vui_gateway import logs
from vui_gateway.errors import SettingError
from vui_gateway.settings import Settings

__all__ = ["LEFT_OUT_VARIABLE", "LiteLLMFailedError", "start_without"]

LEFT_OUT_VARIABLE = "VUI_GATEWAY_LEFT_OUT"  # names of variables
SHORT = 5  # characters of a value that may stand in any message

log = logging.getLogger("vui_gateway")


class LiteLLMFailedError(Exception):
    """LiteLLM can't start; the message says why."""


def start_without(settings: Settings, error: Exception) -> NoReturn:
    """Start once more without the variables of `.env` with which LiteLLM can't start.

    Raises:
        SettingError: there are none, and nothing else is the user's.
    """
    unknown, why = settings.unknown, logs.words(error)
    if not unknown:
        raise SettingError(f"LiteLLM can't start ({why}).") from error
    said = str(error)
    words = set(re.findall(r"\w+", said))
    names = [n for n, v in unknown.items() if n in words or (len(v) > SHORT and v in said)]
    if settings.unusable or not names:  # each start takes seconds: there is no third one
        names = list(unknown)
    many = "are left out, LiteLLM can't start with them"
    which = "is left out, LiteLLM can't start with it" if len(names) == 1 else many
    log.warning("%s in .env %s (%s). Correct or remove it.", ", ".join(names), which, why)
    left_out = {LEFT_OUT_VARIABLE: " ".join([*settings.unusable, *names])}
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "vui_gateway", "serve"]
    # Not this process's environment: it contains `.env`, whose edits would no longer count.
    os.execve(sys.executable, command, {**settings.environ, **left_out})  # noqa: S606
