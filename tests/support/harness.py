"""The real programs, started for a test and ended after it."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from vui_gateway.cli import _status
from vui_gateway.settings import Settings

from tests.support.forked import Forked, may_fork
from tests.support.poll import wait_until

ROOT = Path(__file__).parent.parent.parent
KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
# Below those that the kernel gives to connections (32768 and up), and none for two of xdist's
# workers: a port that was free is still free when the program that it was found for takes it.
_PORTS = range(10_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]), 32_000, 16)
_ports = iter(random.SystemRandom().sample(_PORTS, len(_PORTS)))


def free_port() -> int:
    """A port that nothing listens on, and that nobody else is given."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port is left of {_PORTS}")


def http(
    url: str, body: Any = None, *, key: str | None = None, method: str | None = None
) -> tuple[int, Any]:
    """Status and decoded JSON (or text) of one request."""
    request = urllib.request.Request(url, method=method)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode(errors="replace")


def openai_model(name: str, base: str, **params: Any) -> dict:
    """An entry of `model_list` for an OpenAI-format stand-in."""
    return {
        "model_name": name,
        "litellm_params": {"model": f"openai/{name}", "api_base": base, "api_key": "k", **params},
    }


@dataclass
class Program:
    """A child process with its log in a file."""

    process: subprocess.Popen | Forked
    log_path: Path
    url: str = ""
    key: str = KEY
    project: Path = field(default_factory=Path)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def _env(self) -> dict[str, str]:
        own = {
            "VUI_GATEWAY_PROJECT": str(self.project),
            "VUI_GATEWAY_PORT": self.url.rsplit(":")[-1],
            "VUI_LITELLM_KEY_FILE": str(self.project / "key"),
        }
        return {**os.environ, **own}

    def status(self) -> subprocess.CompletedProcess[str]:
        """The result of `vui-gateway status` beside a running gateway, in this process: a process
        of its own (`cli`) takes 0.3 s.
        """
        with io.StringIO() as printed, redirect_stdout(printed):
            code, wrong = 2, ""
            try:
                code = _status(Settings.load_usable(self._env)[0])
            except (ValueError, OSError) as error:
                wrong = f"vui-gateway: {error}\n"
            return subprocess.CompletedProcess(["status"], code, printed.getvalue(), wrong)

    def cli(self, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A command of `vui-gateway` beside a running gateway."""
        return subprocess.run(
            [sys.executable, "-m", "vui_gateway", command],
            env={**self._env, **env},
            capture_output=True,
            text=True,
            cwd=ROOT,
        )

    def await_ready(self, ready: Callable[[], Any], seconds: float) -> None:
        """Wait until it is up.

        Raises:
            RuntimeError: it ended, or was too slow; with its log.
        """

        def alive_and_ready() -> Any:
            if self.process.poll() is not None:
                raise RuntimeError(f"it ended:\n{self.log}")
            return ready()

        try:
            wait_until(alive_and_ready, seconds, f"{self.log_path.stem} is up")
        except TimeoutError as error:
            raise RuntimeError(f"{error}:\n{self.log}") from error

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 40) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(seconds)


@contextmanager
def program(
    command: list[str], env: dict[str, str], log_path: Path, cwd: Path, **options: Any
) -> Iterator[Program]:
    """`python COMMAND`, ended at the end of the block; `options` are Popen's."""
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=_environment(env),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            **options,
        )
    with ended(process, log_path) as started:
        yield started


def _environment(env: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **env}


@contextmanager
def ended(process: subprocess.Popen | Forked, log_path: Path) -> Iterator[Program]:
    """A program that is ended at the end of the block."""
    try:
        yield Program(process, log_path)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def gateway(
    project: Path,
    config: dict | str,
    env: dict[str, str] | None = None,
    key: str | None = KEY,
    *,
    fresh: bool = False,
    own_servers: bool = False,
    **options: Any,
) -> Iterator[Program]:
    """A real gateway on `config`, ready for a turn; `options` are Popen's.

    It is forked where that makes no difference, unless it is to be fresh. Its stand-ins are paid
    providers, unless they are own servers.
    """
    project.mkdir(parents=True, exist_ok=True)
    if isinstance(config, dict) and not own_servers:
        paid(config)
    text = config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)
    (project / "litellm_config.yaml").write_text(text)
    port = free_port()
    settings = {
        "VUI_GATEWAY_PROJECT": str(project),
        "VUI_GATEWAY_HOST": "127.0.0.1",
        "VUI_GATEWAY_PORT": str(port),
        "VUI_LITELLM_KEY_FILE": str(project / "key"),
        **({"VUI_LITELLM_KEY": key} if key else {}),
        **(env or {}),
    }
    log, forks = project / "gateway.log", may_fork(env or {}, project / ".env")
    if forks and not (options or fresh):
        running = ended(Forked(_environment(settings), log, project), log)
    else:
        running = program(["-m", "vui_gateway", "serve"], settings, log, project, **options)
    with running as started:
        started.url, started.project = f"http://127.0.0.1:{port}", project
        started.key = key or ""
        started.await_ready(lambda: is_ready(started.url), 90)
        started.key = (project / "key").read_text().strip()
        yield started


def paid(config: dict) -> dict:
    """Mark a configuration's deployments: stand-ins on loopback aren't the user's own servers."""
    for entry in config.get("model_list") or ():
        if isinstance(entry, dict) and isinstance(entry.get("model_info", {}), dict):
            entry["model_info"] = {"local": False, **entry.get("model_info", {})}
    return config


def is_ready(url: str, path: str = "/health/readiness") -> bool:
    try:
        return http(f"{url}{path}")[0] == 200
    except OSError:
        return False


def stock_options(config: Path | str, port: int) -> list[str]:
    """Options of stock LiteLLM's own command, on loopback."""
    return ["--config", str(config), "--port", str(port), "--host", "127.0.0.1"]


def vui_env(gateway_url: str, model: str, key: str = KEY) -> dict[str, str]:
    """What vui's side needs to talk to a gateway."""
    return {"VUI_LITELLM_URL": gateway_url, "VUI_LITELLM_KEY": key, "VUI_LITELLM_MODEL": model}


@dataclass
class Vui:
    """A running speechless vui."""

    program: Program
    url: str
    control: str

    def hear(self, text: str) -> None:
        http(f"{self.control}/hear", {"text": text})

    def said(self) -> list[str]:
        return [entry["text"] for entry in self.spoken()]

    def spoken(self) -> list[dict]:
        """The sentences that reached speech synthesis, and when."""
        return http(f"{self.control}/said")[1]


@contextmanager
def vui_behind(up: Program, folder: Path, **env: str) -> Iterator[Vui]:
    """vui's real server without its speech workers, with a gateway that was started before."""
    with speechless_vui(folder, vui_env(up.url, "gpt-4.1-mini", up.key) | env) as running:
        yield running


@contextmanager
def speechless_vui(folder: Path, env: dict[str, str]) -> Iterator[Vui]:
    """vui's real server without its speech workers."""
    folder.mkdir(parents=True, exist_ok=True)
    web, control = free_port(), free_port()
    prompts = folder / "prompts"
    prompts.mkdir(exist_ok=True)
    (prompts / "maeve.wav").touch()  # so that vui fetches no voice
    settings = {
        "HOME": str(folder),
        "VUI_HTTP_PORT": str(web),
        "VUI_TLS": "0",
        "VUI_TELEMETRY": "0",
        "VUI_SPEECHLESS_PORT": str(control),
        **env,
    }
    with program(
        ["-m", "tests.support.speechless"], settings, folder / "vui.log", folder
    ) as started:
        vui = Vui(started, f"http://127.0.0.1:{web}", f"http://127.0.0.1:{control}")
        up = ("Server running", "[main] LLM probe")
        started.await_ready(lambda: all(line in started.log for line in up), 60)
        yield vui
