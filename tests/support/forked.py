"""Gateways forked from a process that has imported LiteLLM: up in two seconds instead of ten.

One whose environment LiteLLM may read at its import is started anew instead (`harness.gateway`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from vui_gateway.env_file import read_env_file
from vui_gateway.errors import SettingError

__all__ = ["Forked", "may_fork"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["vui_gateway.cli", "vui_gateway.server", "vui_gateway.app"])
# Variables that are read when they are needed, or that `_serve` puts in force.
LATE = ("PYTHONPATH", "TZ")
LATE_PREFIXES, LATE_SUFFIXES = ("VUI_", "STAND_IN_", "OTEL_"), ("_API_KEY", "_API_BASE")


def may_fork(env: dict[str, str], env_file: Path) -> bool:
    """Whether LiteLLM's import reads none of these variables."""
    try:
        names = [*env, *read_env_file(env_file)[0]]
    except SettingError:
        return False
    return all(n in LATE or n.startswith(LATE_PREFIXES) or n.endswith(LATE_SUFFIXES) for n in names)


class Forked:
    """As much of a `subprocess.Popen` as tests use."""

    def __init__(self, env: dict[str, str], log: Path, cwd: Path) -> None:
        self._process = _CONTEXT.Process(target=_serve, args=(env, log, cwd))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("gateway", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _serve(env: dict[str, str], log: Path, cwd: Path) -> None:
    from vui_gateway import cli
    from vui_gateway.litellm_proxy.environment import ENVIRONMENT

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(ENVIRONMENT | env)
    os.chdir(cwd)
    sys.path[:0] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    time.tzset()
    random.seed()  # or all would choose alike
    sys.exit(cli.main(["serve"]))
