"""The servers of the deployments in force: whose they are, and whether they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from vui_gateway.litellm_proxy.servers import Servers, listens, servers_of
from vui_gateway.providers.endpoints import server_of

from tests.support.harness import free_port


def entry(identity: str, **params: Any) -> dict:
    info = params.pop("info", {})
    return {
        "model_name": identity,
        "litellm_params": params,
        "model_info": {"id": identity, **info},
    }


def test_the_servers_of_a_configuration_are_where_litellm_would_ask() -> None:
    models = [
        entry("a", model="ollama_chat/qwen3.5:4b"),
        entry("b", model="openai/gpt-4.1-mini", api_key="k"),
        entry("c", model="openai/x", api_base="http://nas:1234/v1"),
        entry("d", model="openai/x", mock_response="Hi."),
        entry("e", model="hosted_vllm/x", api_base="https://gpu.example.com/v1"),
        entry("f", model="openai/x", api_base="http://nas:1234/v1", info={"local": False}),
        entry("g", model="openai/x", input_cost_per_token=0, output_cost_per_token=0),
        entry("h", model="nobodys/x"),
    ]
    found = servers_of(models, {"OLLAMA_CHAT_API_BASE": "http://box:1/"})
    assert {name for name, server in found.items() if server.local} == {"a", "c", "e", "g"}
    assert "d" not in found
    assert found["a"].origin == "http://box:1"
    assert found["b"].origin == "https://api.openai.com"


@asynccontextmanager
async def listening() -> AsyncIterator[str]:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_ones_own_servers_that_arent_there_are_named_once() -> None:
    servers, nobody = Servers(), f"http://127.0.0.1:{free_port()}/v1"
    async with listening() as there:
        models = [entry(n, model="openai/x", api_base=nobody) for n in "ab"]
        models.append(entry("c", model="openai/x", api_base=there))
        servers.configure(models, {}, 8192)
        assert await listens(server_of("openai", there))
        found = await servers.away()
        assert len(found) == 1
        assert nobody.removesuffix("/v1") in found[0]
        assert await servers.trouble("a") == found[0]
        assert not await servers.trouble("c")
        assert not await servers.trouble("unknown")


@pytest.mark.parametrize(
    ("params", "cure"),
    [
        ({"model": "openai/qwen3:4b", "api_base": "http://localhost:11434/v1"},
         "model: ollama_chat/qwen3:4b and api_base: http://localhost:11434."),
        ({"model": "openai/hf.co/a/b:Q4", "api_base": "http://ollama:8080/v1"},
         "model: ollama_chat/hf.co/a/b:Q4 and api_base: http://ollama:8080."),
        ({"model": "ollama_chat/qwen3:4b", "api_base": "http://localhost:11434"}, ""),
        ({"model": "openai/x", "api_base": "http://localhost:8080/v1"}, ""),
    ],
)  # fmt: skip
def test_ollama_behind_openais_format_is_named_with_its_cure(params: dict, cure: str) -> None:
    servers = Servers()
    servers.configure([entry("a", **params)], {}, 8192)
    assert [cure in one for one in servers.warnings] == [True] * bool(cure)


def test_ollama_is_known_by_its_answers_too_and_said_once() -> None:
    servers = Servers()
    servers.configure([entry("a", model="openai/x", api_base="http://box:80/v1")], {}, 8192)
    assert "ollama_chat/x" in servers.found_ollama("a", "openai/x")
    assert not servers.found_ollama("a", "openai/x")
    assert len(servers.warnings) == 1
