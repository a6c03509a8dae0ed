"""deploy/swarm on a swarm of this machine alone, and vuis that talk through it."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme
import yaml

from tests.support.harness import KEY, ROOT, free_port, http, openai_model, paid
from tests.support.poll import wait_until
from tests.support.talk import TEXT
from vui_litellm import LiteLLMBackend

__all__ = [
    "COOLDOWN",
    "GATEWAYS",
    "PROVIDERS",
    "VUIS",
    "Swarm",
    "docker",
    "swarm",
    "why_not",
]

DEPLOY = ROOT / "deploy" / "swarm"
GATEWAY = "vui-litellm/gateway"
GATEWAYS, VUIS = 3, 20
PROVIDERS = ("first", "second")  # of the group `vui`
COOLDOWN = 60  # seconds, LiteLLM's `cooldown_time`
PASSWORD = KEY[::-1]  # Redis'
PRICE = {"input_cost_per_token": 1e-6, "output_cost_per_token": 0.0}


def docker(*command: str, check: bool = True) -> str:
    """What Docker prints.

    Raises:
        RuntimeError: it failed, with what it said.
    """
    return run(["docker", *command], {}, check)


def run(command: list[str], env: dict[str, str], check: bool = True) -> str:
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=300
    )
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def why_not() -> str:
    """Why this machine's engine can't run the stack; empty when it can."""
    if not shutil.which("docker"):
        return "Docker"
    state = docker("info", "-f", "{{.Swarm.LocalNodeState}}", check=False)
    if state != "inactive":
        return f"an engine that is in no swarm: this is {state or 'none'}"
    others = docker("ps", "--format", "{{.Names}}").split()
    if others and not any(map(os.environ.get, ("CI", "SWARM_BESIDE_OTHERS"))):
        # `docker swarm init` and `leave` restart the engine's name server: running containers no
        # longer find each other by name, until they are made anew.
        return (
            f"an engine on which nothing else runs, or `make swarm`: here run {', '.join(others)}"
        )
    return ""


@dataclass
class Swarm:
    """The stack, up; its files are in `folder`, and an operator's commands are methods."""

    folder: Path
    stack: str
    ca: Path
    port: int = field(default_factory=free_port)
    ports: dict[str, int] = field(default_factory=lambda: {p: free_port() for p in PROVIDERS})
    keys: list[str] = field(default_factory=list)  # the vuis'

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "litellm_config.yaml"

    def roll(self) -> None:
        """`make swarm-config`."""
        files = {"CONFIG": "litellm_config.yaml", "ENV": ".env", "CERTIFICATE": "certificate.pem"}
        files["REDIS_URL"] = "redis_url"
        env = {f"VUI_{name}_FILE": str(self.folder / file) for name, file in files.items()}
        env |= {"VUI_STACK": self.stack, "VUI_SWARM_PORT": str(self.port)}
        env["VUI_IMAGE_TAG"] = self.stack
        run([str(DEPLOY / "roll"), "-c", str(self.folder / "providers.yaml")], env)

    def containers(self, service: str) -> list[str]:
        """Those that are up and, where they have a health check, healthy."""
        named = f"label=com.docker.swarm.service.name={self.stack}_{service}"
        healthy = docker("ps", "-q", "-f", named, "-f", "health=healthy")
        return healthy.split()

    def logs(self) -> str:
        services = docker("stack", "services", "-q", self.stack, check=False).split()
        told = [docker("service", "logs", "--tail", "30", one, check=False) for one in services]
        tasks = docker("stack", "ps", "--no-trunc", self.stack, check=False)
        return "\n".join([tasks, *told])

    def script(self, provider: str, **script: object) -> None:
        """Tell a provider how to answer, and forget what it has seen."""
        http(f"http://127.0.0.1:{self.ports[provider]}/_script", {"text": TEXT, **script})

    def seen(self, provider: str) -> list[dict]:
        return http(f"http://127.0.0.1:{self.ports[provider]}/_seen")[1]

    def gateway(self, command: str, arguments: str = "", where: int = 0) -> str:
        """What `vui-gateway COMMAND` prints in one of the gateways, for each of the arguments."""
        ran = f"for given in {arguments or '-'}; do vui-gateway {command} || exit; done"
        return docker("exec", self.containers("gateway")[where], "sh", "-c", ran)

    def statuses(self) -> list[dict]:
        """What each gateway leaves for `vui-gateway status`."""
        read = ("sh", "-c", "cat /tmp/vui-gateway-*/*.json")
        return [json.loads(docker("exec", one, *read)) for one in self.containers("gateway")]

    def redis(self, *command: str) -> str:
        """What `redis-cli COMMAND` prints."""
        (redis,) = self.containers("redis")
        return docker("exec", "-e", f"REDISCLI_AUTH={PASSWORD}", redis, "redis-cli", *command)

    def booked(self) -> float:
        """What the lines of the gateways that are up come to, in US dollars."""
        logs = [run(["sh", "-c", f"docker logs {c} 2>&1"], {}) for c in self.containers("gateway")]
        return sum(float(usd) for log in logs for usd in re.findall(r" usd=~?([\d.e-]+)", log))

    def vui(self, number: int = 0) -> LiteLLMBackend:
        """vui's side, as vui would build it."""
        backend = LiteLLMBackend("vui", self.url, api_key=self.keys[number])
        context = ssl.create_default_context(cafile=str(self.ca))
        backend._client = httpx.AsyncClient(verify=context)
        return backend


def _files(up: Swarm, certificate: bytes) -> None:
    models = [
        openai_model("vui", f"http://{provider}:9000/v1", order=order, **PRICE)
        for order, provider in enumerate(PROVIDERS)
    ]
    config = {"model_list": models, "router_settings": {"cooldown_time": COOLDOWN}}
    up.config.write_text(yaml.safe_dump(paid(config)))
    for name, content in {
        ".env": f"VUI_LITELLM_KEY={KEY}\n".encode(),
        "certificate.pem": certificate,
        "redis_url": f"redis://:{PASSWORD}@redis:6379/0".encode(),
    }.items():
        (up.folder / name).touch(mode=0o600)
        (up.folder / name).write_bytes(content)
    provider = {
        "image": f"{GATEWAY}:{up.stack}",
        "entrypoint": ["python", "-m", "tests.providers", "openai", "9000"],
        "working_dir": "/srv",
        "volumes": [f"{ROOT / 'tests'}:/srv/tests:ro"],
        "networks": ["front"],
        "healthcheck": {"disable": True},
        "deploy": {"endpoint_mode": "dnsrr"},
    }
    services = {
        name: {**provider, "ports": [{"target": 9000, "published": port, "mode": "host"}]}
        for name, port in up.ports.items()
    }
    (up.folder / "providers.yaml").write_text(yaml.safe_dump({"services": services}))


def _build(tag: str) -> None:
    """The images, as in deploy/swarm/README.md; under a tag that no other run builds."""
    docker("build", "-q", "-t", f"{GATEWAY}:{tag}", "-f", f"{ROOT}/gateway/Dockerfile", str(ROOT))
    for name in ("haproxy", "redis"):
        docker("build", "-q", "-t", f"vui-litellm/{name}:{tag}", str(DEPLOY / name))


@contextmanager
def swarm(folder: Path) -> Iterator[Swarm]:
    """Three gateways, Redis, HAProxy and two providers; the swarm is left again in any case."""
    authority = trustme.CA()
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    issued = authority.issue_cert("127.0.0.1", "localhost")
    up = Swarm(folder, f"vui-test-{os.getpid()}", ca)
    _files(up, issued.private_key_and_cert_chain_pem.bytes())
    _build(up.stack)
    bridge = docker("network", "ls", "-q", "-f", "name=docker_gwbridge")
    docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
    try:
        try:
            up.roll()
            for provider in PROVIDERS:
                wait_until(lambda p=provider: _listens(up, p), 60, up.logs)  # type: ignore[misc]
                up.script(provider, pace=0.03)
            names = " ".join(f"vui-{number}" for number in range(VUIS))
            up.keys = up.gateway("key add $given", names).split()
            # The others have them with their next exchange.
            wait_until(lambda: all(len(s["clients"]) == VUIS for s in up.statuses()), 10, up.logs)
        except (RuntimeError, TimeoutError) as error:
            raise RuntimeError(f"{error}\n{up.logs()}") from error
        yield up
    finally:
        docker("stack", "rm", "--detach=false", up.stack, check=False)
        docker("swarm", "leave", "--force")
        wait_until(lambda: not docker("ps", "-aq", "-f", f"name={up.stack}_"), 60, "it is gone")
        docker("volume", "rm", "-f", f"{up.stack}_redis", check=False)
        if not bridge:  # a swarm leaves its bridge behind
            docker("network", "rm", "docker_gwbridge", check=False)
        for name in ("gateway", "haproxy", "redis"):
            docker("rmi", f"vui-litellm/{name}:{up.stack}", check=False)


def _listens(up: Swarm, provider: str) -> bool:
    try:
        up.seen(provider)
    except OSError:
        return False
    return True
