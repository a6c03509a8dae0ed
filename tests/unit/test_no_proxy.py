"""A company's proxy: providers go through it; this machine, the gateway and home servers don't."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from vui_gateway import no_proxy
from vui_gateway.cli import main
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.settings import Settings

from vui_litellm import no_proxy as vuis

PROXY = "http://proxy.example:3128"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture(autouse=True)
def company(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, PROXY)
    for name in no_proxy.VARIABLES:
        monkeypatch.setenv(name, "intranet.example")


def asks_a_proxy(url: str) -> bool:
    with httpx.Client() as client:
        return client._transport_for_url(httpx.URL(url)) is not client._transport


@pytest.mark.parametrize("ask_directly", [no_proxy.ask_directly, vuis.ask_directly])
def test_this_machine_and_the_gateway_are_asked_directly(ask_directly: Any) -> None:
    assert asks_a_proxy("http://gateway:4000")
    assert asks_a_proxy("http://127.0.0.1:4000")
    ask_directly()
    hosts = ("127.0.0.1:4000", "[::1]:4000", "localhost:8080", "gateway:4000", "intranet.example")
    assert [host for host in hosts if asks_a_proxy(f"http://{host}")] == []
    assert asks_a_proxy("https://api.openai.com/v1")


def test_both_sides_ask_the_same_hosts_directly() -> None:
    assert vuis.OURS == no_proxy.OURS


def entry(identity: str, base: str, model: str = "openai/a") -> dict:
    return {
        "model_name": identity, "model_info": {"id": identity},
        "litellm_params": {"model": model, "api_base": base},
    }  # fmt: skip


def test_a_server_at_home_is_asked_directly_and_a_provider_through_the_proxy() -> None:
    servers = Servers()
    models = [
        entry("1", "http://192.168.1.5:8080/v1"), entry("2", "http://ollama:11434", "ollama/a"),
        entry("3", "https://llm.example.com/v1"),
    ]  # fmt: skip
    servers.configure(models, {}, 0)
    assert not asks_a_proxy("http://192.168.1.5:8080/v1")
    assert not asks_a_proxy("http://ollama:11434")
    assert asks_a_proxy("https://llm.example.com/v1")


async def test_nobody_says_that_a_provider_behind_the_proxy_is_not_there() -> None:
    servers = Servers()
    servers.configure([entry("1", "https://nowhere.example/v1")], {}, 0)
    assert await servers.trouble("1") == ""


@contextmanager
def answering(status: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers each request the same; its address, and the requests."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)


def test_the_health_check_asks_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with answering(b"502 Bad Gateway") as (proxy, passed), answering(b"200 OK") as (own, asked):
        for name in VARIABLES:
            monkeypatch.setenv(name, f"http://{proxy}")
        monkeypatch.setenv("VUI_GATEWAY_PORT", own.rpartition(":")[2])
        monkeypatch.setenv("VUI_GATEWAY_PROJECT", str(tmp_path))
        assert main(["health"]) == 0
    assert (len(asked), passed) == (1, [])


def test_the_env_files_hosts_are_asked_directly_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (*no_proxy.VARIABLES, "VUI_LITELLM_KEY"):
        monkeypatch.setenv(name, "")  # so that it is put back
    (tmp_path / ".env").write_text("NO_PROXY=llm.example.com\n")
    monkeypatch.setenv("VUI_GATEWAY_PROJECT", str(tmp_path))
    Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path)}).export("k" * 20)
    assert not asks_a_proxy("https://llm.example.com/v1")
    assert not asks_a_proxy("http://127.0.0.1:4000")
    assert asks_a_proxy("https://api.openai.com/v1")
