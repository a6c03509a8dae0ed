"""The servers of the deployments in force: which are one's own, and whether one is there at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.no_proxy import ask_directly, goes_by_proxy
from vui_gateway.providers.endpoints import HOSTS, Server, is_own_host, is_paid, server_of
from vui_gateway.providers.server_errors import unreachable, use_ollama_chat

__all__ = ["CHECK_SECONDS", "Servers", "servers_of"]

CHECK_SECONDS = 1.0
PRICES = ("input_cost_per_token", "output_cost_per_token")
# Docker's and Podman's marks; Kubernetes and compose.yaml set a variable.
CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
CONTAINER_VARIABLES = ("KUBERNETES_SERVICE_HOST", "VUI_GATEWAY_PUBLISHED_PORT")


def servers_of(model_list: list[dict], env: Mapping[str, str]) -> dict[str, Server]:
    """By deployment id, in a configuration whose variables are looked up; the demo has none."""
    entries = [entry for entry in model_list if not entry["litellm_params"].get("mock_response")]
    container = _in_container()
    return {entry["model_info"]["id"]: _server(entry, env, container) for entry in entries}


def _server(entry: dict, env: Mapping[str, str], container: bool) -> Server:
    params, info = entry["litellm_params"], entry["model_info"]
    provider = base = ""
    with suppress(UnknownProvider):
        _, provider, base = resolve_model(params)
    base = base or env.get(f"{provider.upper()}_API_BASE") or HOSTS.get(provider, "")
    prices = [info.get(name) if params.get(name) is None else params[name] for name in PRICES]
    return server_of(
        provider,
        base,
        model=params["model"],
        prices=(prices[0], prices[1]),
        paid=any(is_paid(params.get(name)) for name in PRICES),
        local=info.get("local"),
        container=container,
    )


def _in_container() -> bool:
    return any(map(os.environ.get, CONTAINER_VARIABLES)) or any(
        Path(file).exists() for file in CONTAINER_FILES
    )


class Servers:
    """The servers in force.

    Attributes:
        context: tokens that vui needs one of them to hold.
    """

    def __init__(self) -> None:
        self.context = 0
        self._servers: dict[str, Server] = {}
        self._ollama: dict[str, str] = {}  # behind OpenAI's format, and the sentence about it

    def configure(self, model_list: list[dict], env: Mapping[str, str], context: int) -> None:
        """Take a new configuration, whose variables are looked up."""
        self.context, self._servers = context, servers_of(model_list, env)
        self._ollama = {}
        ask_directly(s.host for s in self._servers.values() if is_own_host(s.host))
        for entry in model_list:
            if (server := self.of(entry["model_info"]["id"])) and server.is_ollama:
                self.found_ollama(entry["model_info"]["id"], entry["litellm_params"]["model"])

    def of(self, deployment: str) -> Server | None:
        """The server of a deployment id."""
        return self._servers.get(deployment)

    def is_local(self, deployment: str) -> bool:
        """Whether a deployment id is on a server of one's own."""
        server = self._servers.get(deployment)
        return bool(server and server.local)

    @property
    def local(self) -> list[Server]:
        """One's own servers, each once."""
        return list(dict.fromkeys(one for one in self._servers.values() if one.local))

    def found_ollama(self, deployment: str, model: str) -> str:
        """Remember that Ollama answers in OpenAI's format. Returns the sentence about it, once."""
        server = self._servers.get(deployment)
        if not server or deployment in self._ollama:
            return ""
        self._ollama[deployment] = use_ollama_chat(model, server)
        return self._ollama[deployment]

    @property
    def warnings(self) -> list[str]:
        """Sentences about servers that are asked in a way that doesn't suit them."""
        return list(dict.fromkeys(self._ollama.values()))

    async def trouble(self, deployment: str) -> str:
        """Why a deployment's server can't be reached; empty when it can, or nobody knows where."""
        server = self._servers.get(deployment)
        if server and goes_by_proxy(urlsplit(server.origin).scheme, server.host):
            return ""
        away = server and server.origin and not await listens(server)
        return unreachable(server) if server and away else ""

    async def away(self) -> list[str]:
        """A sentence for each of one's own servers where nothing answers."""
        servers = [server for server in self.local if server.origin]
        there = await asyncio.gather(*map(listens, servers))
        found = [server for server, answers in zip(servers, there, strict=True) if not answers]
        return list(dict.fromkeys(map(unreachable, found)))


async def listens(server: Server) -> bool:
    """Whether a server takes connections within a second."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            _, writer = await asyncio.open_connection(server.host, server.port)
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
