"""The whole compose stack, as a new user gets it: a fresh copy of the repository, one command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.harness import ROOT, Vui, free_port, http, paid

PROVIDER_KEY = "sk-provider-0f3b6c1d9e8a7b5c4d2e"


def fresh_copy(target: Path) -> Path:
    """What a clone of the working tree would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@dataclass
class Stack:
    """One compose project of its own, on ports of its own."""

    folder: Path
    name: str
    overlay: bool = False
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for port in ("VUI_LITELLM_PORT", "STAND_IN_PORT", "SPEECHLESS_PORT", "VUI_HTTP_PORT"):
            self.env.setdefault(port, str(free_port()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['VUI_LITELLM_PORT']}"

    @property
    def provider(self) -> str:
        return f"http://127.0.0.1:{self.env['STAND_IN_PORT']}"

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.env['VUI_HTTP_PORT']}"

    def compose(
        self, *command: str, check: bool = True, seconds: int = 600, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        files = ["-f", "compose.yaml"]
        if self.overlay:
            files += ["-f", "tests/e2e/compose.yaml"]
        result = subprocess.run(
            ["docker", "compose", "-p", self.name, "--project-directory", ".", *files, *command],
            cwd=self.folder,
            env={**os.environ, **self.env},
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if check and result.returncode:
            logs = "" if command[0] == "logs" else self.logs()
            raise RuntimeError(f"{command}: {result.stdout}\n{result.stderr}\n{logs}")
        return result

    def logs(self) -> str:
        result = self.compose("logs", "--no-color", check=False)
        return result.stdout + result.stderr

    def chat(self, *text: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        options = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        return self.compose("run", "--rm", "-T", *options, "chat", *text, check=check)

    def key(self) -> str:
        return self.compose("exec", "-T", "gateway", "vui-gateway", "key").stdout.strip()

    def script(self, **script: object) -> None:
        """Tell the stand-in how to answer, and forget what it has seen."""
        http(f"{self.provider}/_script", script)

    def seen(self) -> list[dict]:
        return http(f"{self.provider}/_seen")[1]

    def vui(self) -> Vui:
        control = f"http://127.0.0.1:{self.env['SPEECHLESS_PORT']}"
        return Vui(None, self.page, control)  # type: ignore[arg-type]


def one_provider(folder: Path) -> None:
    """Three model groups at the stand-in for OpenAI, with its key in `.env`."""
    config = yaml.safe_load((folder / "litellm_config.yaml").read_text())
    params = {"api_base": "http://provider:9000/v1", "api_key": "os.environ/STAND_IN_API_KEY"}
    config["model_list"] = [
        {"model_name": model, "litellm_params": {"model": f"openai/{model}", **params}}
        for model in ("vui", "gpt-4.1-mini", "other")
    ] + [entry for entry in config["model_list"] if entry["model_name"] == "demo"]
    (folder / "litellm_config.yaml").write_text(yaml.safe_dump(paid(config)))
    (folder / ".env").touch(mode=0o600)
    (folder / ".env").write_text(f"STAND_IN_API_KEY={PROVIDER_KEY}\n")


@contextmanager
def stack(
    folder: Path,
    name: str,
    services: list[str],
    overlay: bool = False,
    prepare: Callable[[Path], None] = one_provider,
    **env: str,
) -> Iterator[Stack]:
    """Bring the services up from a fresh copy; take everything down again, volumes too.

    prepare: writes the overlay's files. env: of Compose, which needn't be in `.env`.
    """
    one = Stack(fresh_copy(folder), f"{name}-{os.getpid()}", overlay, env)
    if overlay:
        prepare(folder)
    built = [service for service in ("vui",) if service in services]
    try:
        one.compose("build", "gateway", "chat", *built, seconds=1500)
        one.compose("up", "-d", "--wait", *services)
        yield one
    finally:
        one.compose("--profile", "*", "down", "-v", "-t", "5", check=False)
        images = [f"{one.name}-{image}" for image in ("gateway", "text", "vui")]
        subprocess.run(["docker", "image", "rm", *images], capture_output=True)  # only their names
