"""What is compared, on one machine: a provider, our gateway, that of before, stock LiteLLM."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import trustme
import yaml
from vui.serving.stream import llm, llm_backend, prompts

from bench import before
from tests.support.harness import KEY, ROOT, free_port, is_ready, paid, program, stock_options
from tests.support.poll import wait_until
from tests.support.report import processor_seconds
from vui_litellm import LiteLLMBackend

GATEWAY, STOCK = "vui-litellm/gateway", "vui-litellm/stock"  # images
PROVIDER_KEY = "sk-stand-in"
MODEL = "vui"
RTT = 0.06  # seconds


def vui_request() -> tuple[list[dict], dict[str, Any]]:
    """What vui's own chunker asks a backend for at the start of a conversation."""
    asked: dict[str, Any] = {}

    class Ear:
        async def stream(self, messages: list[dict], **options: Any) -> AsyncIterator[str]:
            asked.update(options, messages=messages)
            yield "."

    async def speak() -> None:
        soul = prompts.build_soul(with_claude=False)
        said = {"role": "user", "content": "Hello there, how are you doing today?"}
        async for _ in llm.llm_stream_chunks([said], soul):
            pass

    with patch.object(llm, "get_backend", Ear):
        asyncio.run(speak())
    return asked.pop("messages"), asked


CONVERSATION, OPTIONS = vui_request()


def seed(bases: dict[str, str]) -> dict:
    """The repository's own configuration, with its OpenAI models at a stand-in.

    bases: name of a further model → its address; the address of "" is that of the seed's.
    """
    config = yaml.safe_load((ROOT / "litellm_config.yaml").read_text())
    for entry in config["model_list"]:
        params = entry["litellm_params"]
        if params["model"].startswith("openai/") and "mock_response" not in params:
            params["api_base"] = bases[""]
    for name, base in bases.items():
        if name:
            params = {"model": "openai/gpt-4.1-mini", "api_base": base, "api_key": PROVIDER_KEY}
            config["model_list"].append({"model_name": name, "litellm_params": params})
    return config


@contextmanager
def provider(folder: Path, *options: str, name: str = "openai") -> Iterator[int]:
    """A strict stand-in in a process of its own; yields its port."""
    port = free_port()
    command = ["-m", "tests.providers", name, str(port), "--keep-alive", "600", *options]
    with program(command, {}, folder / f"provider-{port}.log", folder):
        wait_until(lambda: _listens(port), 20, "the stand-in is up")
        yield port


@contextmanager
def far_away(folder: Path, count: int) -> Iterator[tuple[list[str], Path]]:
    """A provider behind TLS and a round trip of 60 ms: `count` addresses of it, and its CA."""
    authority = trustme.CA()
    certificate, ca = folder / "provider.pem", folder / "ca.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca)
    ca.chmod(0o644)
    with provider(folder, "--certificate", str(certificate)) as port:
        ports = [free_port() for _ in range(count)]
        command = ["-m", "bench.wan", str(RTT), str(port), *map(str, ports)]
        with program(command, {}, folder / "wan.log", folder):
            wait_until(lambda: all(map(_listens, ports)), 20, "the long line is up")
            yield [f"https://localhost:{port}/v1" for port in ports], ca


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Arm:
    """A running container. start_s: from `docker run` until it says that it is ready."""

    container: str
    url: str
    start_s: float

    @cached_property
    def processes(self) -> list[int]:
        """Its init and what that started: not Docker's health checks, which come and go."""
        found = [int(docker("inspect", "-f", "{{.State.Pid}}", self.container))]
        for pid in found:  # it grows meanwhile
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    @property
    def rss_mb(self) -> float:
        listed = docker("top", self.container, "-o", "pid,rss").splitlines()[1:]
        memory = {int(pid): int(kb) for pid, kb in map(str.split, listed)}
        return sum(memory[pid] for pid in self.processes) * 1024 / 1e6

    @property
    def cpu_s(self) -> float:
        """Seconds of processor so far, user and system."""
        return sum(map(processor_seconds, self.processes))


def docker(*command: str) -> str:
    return subprocess.run(
        ["docker", *command], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def _container(options: list[str], image: str, arguments: list[str], port: int) -> Iterator[Arm]:
    url, began = f"http://127.0.0.1:{port}", time.perf_counter()
    # The host's network: no forwarding of Docker's between the arms.
    name = docker("run", "-d", "--network", "host", "--init", *options, image, *arguments)
    try:
        try:
            wait_until(lambda: is_ready(url), 90, f"{image} is ready")
        except TimeoutError as error:
            raise RuntimeError(docker("logs", name)) from error
        yield Arm(name, url, time.perf_counter() - began)
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)


@contextmanager
def ours(
    folder: Path,
    config: dict,
    ca: Path | None = None,
    *,
    image: str = GATEWAY,
    env: dict[str, str] | None = None,
) -> Iterator[Arm]:
    """Our gateway's image, as compose.yaml runs it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "litellm_config.yaml").write_text(yaml.safe_dump(paid(config), sort_keys=False))
    port = free_port()
    own = {"VUI_GATEWAY_HOST": "127.0.0.1", "VUI_GATEWAY_PORT": str(port), "VUI_LITELLM_KEY": KEY}
    mounts = ["-v", f"{folder}:/project:ro", "--read-only", "--tmpfs", "/tmp"]
    mounts += ["--tmpfs", "/run/vui-litellm:uid=10001", "--cap-drop", "ALL"]
    options = _options({**own, **(env or {})}, ca) + mounts
    with _container(options, image, [], port) as arm:
        yield arm


@contextmanager
def ours_before(folder: Path, config: dict) -> Iterator[Arm | None]:
    """The gateway of the commit before; None where there is no image of it."""
    command = ["docker", "image", "inspect", before.IMAGE]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        print(f"skipped: there is no image {before.IMAGE} (python -m bench.before)", flush=True)
        yield None
        return
    with ours(folder, config, image=before.IMAGE) as arm:
        yield arm


@contextmanager
def stock(folder: Path, config: dict, ca: Path | None = None) -> Iterator[Arm]:
    """`litellm --config` with the same file: the same version and base image, byte-compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(paid(config), sort_keys=False))
    port = free_port()
    # Without the price table of the package its start would wait for the internet.
    env = {"VUI_LITELLM_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    options = [*_options(env, ca), "-v", f"{folder}:/project:ro"]
    arguments = stock_options("/project/config.yaml", port)
    with _container(options, STOCK, arguments, port) as arm:
        yield arm


def _options(env: dict[str, str], ca: Path | None) -> list[str]:
    env = {"OPENAI_API_KEY": PROVIDER_KEY, **env, **({"SSL_CERT_FILE": "/ca.pem"} if ca else {})}
    named = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
    return [*named, *(["-v", f"{ca}:/ca.pem:ro"] if ca else [])]


def direct_client(base: str) -> Any:
    """vui's own client, straight to the provider."""
    return llm_backend.LiteLLMBackend("gpt-4.1-mini", base, api_key=PROVIDER_KEY)


def stock_client(arm: Arm) -> Any:
    """vui's own client for LiteLLM."""
    return llm_backend.LiteLLMBackend(MODEL, arm.url, api_key=KEY)


def our_client(arm: Arm, model: str = MODEL) -> LiteLLMBackend:
    return LiteLLMBackend(model, arm.url, api_key=KEY)


async def first_token(backend: Any) -> float:
    """Milliseconds until the first token of one whole reply."""
    began = time.perf_counter()
    first = 0.0
    async with aclosing(backend.stream(CONVERSATION, **OPTIONS)) as tokens:
        async for _ in tokens:
            first = first or time.perf_counter() - began
    if not first:
        sys.exit("a reply came without a word: the figures would be worthless")
    return first * 1000
