"""What a stranger, or a client gone astray, can make the gateway do: nothing."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.providers.base import serving
from tests.providers.openai import FIELDS, OpenAI
from tests.support.harness import ROOT, Program, gateway, http, openai_model
from tests.support.report import LONG, record, rss_mb

CHAT = "/v1/chat/completions"
PAGE = {"/", "/status", "/page/session"}
HEALTH = {"/health/readiness", "/health/liveliness"}
OPEN = {"/v1/models", "/model/info", "/metrics", CHAT, *HEALTH, *PAGE}
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD")
HELLO = [{"role": "user", "content": "hi"}]
BODY: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": HELLO}

LIST_ROUTES = """
import json, os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
from litellm.proxy.proxy_server import app
found = {r.path for r in app.routes if hasattr(r, "path")} | set(app.openapi()["paths"])
print("ROUTES" + json.dumps(sorted(found)))
"""


@pytest.fixture(scope="module")
def routes() -> list[str]:
    """Every route of the installed LiteLLM: of its router and of its OpenAPI schema."""
    printed = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    return json.loads(printed.split("ROUTES")[1])


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    """An address that no configuration names, and what it has been asked."""
    asked: list[str] = []

    async def sing(request: Request) -> JSONResponse:
        asked.append(str(request.url))
        return JSONResponse({})

    app = Starlette(routes=[Route("/{path:path}", sing, methods=["GET", "POST", "HEAD", "PUT"])])
    with serving(app) as url:
        yield url, asked


def test_every_route_of_litellm_but_the_named_ones_is_closed(
    shared_gateway: Program, routes: list[str]
) -> None:
    """Each route in each way with `make fuzz`, in four ways of its seventy otherwise."""
    assert len(routes) > 300
    tried, choice = 0, random.Random(3)
    forwarded = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Prefix": "/v1"}
    own = {**forwarded, "Authorization": f"Bearer {shared_gateway.key}"}
    with httpx.Client(timeout=20) as client:
        for route in routes:
            path = route.replace("{", "").replace("}", "").replace(":path", "")
            spelled = (path, path + "/", "/" + path, path.replace("e", "%65", 1), path + "?x=1")
            closed = [one for one in dict.fromkeys(spelled) if one.split("?")[0] not in OPEN]
            ways = list(product(closed, METHODS, (own, forwarded)))
            for spelling, method, headers in ways if LONG else choice.sample(ways, 4):
                answer = client.request(method, shared_gateway.url + spelling, headers=headers)
                tried += 1
                assert answer.status_code == 404, (method, spelling, headers)
    seen = f"{len(routes)}, {tried} requests, all 404"
    record("doors", "routes of the installed LiteLLM", seen, LONG)


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1:4000"])
def test_a_forged_host_opens_nothing(shared_gateway: Program, host: str) -> None:
    headers = {"Host": host, "X-Forwarded-Host": "admin", "X-Original-URL": "/key/generate"}
    assert httpx.get(f"{shared_gateway.url}/ui", headers=headers).status_code == 404
    assert httpx.get(f"{shared_gateway.url}/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ],
)
def test_a_smuggled_request_reaches_nothing(shared_gateway: Program, head: str) -> None:
    host, port = shared_gateway.url.removeprefix("http://").split(":")
    own = f"Authorization: Bearer {shared_gateway.key}"
    inner = f"GET /v1/models HTTP/1.1\r\nHost: x\r\n{own}\r\n\r\n"
    outer = f"POST /v1/models HTTP/1.1\r\nHost: x\r\n{head}\r\n0\r\n\r\n{inner}"
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(outer.encode())
        connection.settimeout(1)
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except TimeoutError:
            pass
    assert b" 200 " not in answer


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
@pytest.mark.parametrize("length", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_the_body_of_an_upgrade_is_no_request_of_its_own(
    shared_gateway: Program, upgrade: str, length: str
) -> None:
    host, port = shared_gateway.url.removeprefix("http://").split(":")
    inner = b"GET /health/liveliness HTTP/1.1\r\nHost: x\r\n\r\n"
    asked = f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n{length.format(len(inner))}\r\n\r\n"
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"POST /v1/models HTTP/1.1\r\nHost: x\r\n" + asked.encode())
        connection.settimeout(1)
        answer = connection.recv(65536)
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(inner)  # what a proxy passes on in a packet of its own
            while data := connection.recv(65536):
                answer += data
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_upgrade_without_a_body_is_answered_as_if_it_were_none(
    shared_gateway: Program,
) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "h2c", "Content-Length": "0"}
    assert httpx.get(f"{shared_gateway.url}/health/liveliness", headers=headers).is_success


def switches(url: str) -> list[dict]:
    """Fields of LiteLLM's that choose an address, a key, a hook or an answer."""
    entry = {"model": "openai/x", "api_base": url, "api_key": "k"}
    image = {"type": "image_url", "image_url": {"url": f"{url}/cat.png"}}
    return [
        {"api_base": url}, {"base_url": url}, {"api_key": "sk-mine"}, {"api_version": "9"},
        {"extra_headers": {"x-evil": "1"}}, {"headers": {"x-evil": "1"}},
        {"extra_body": {"evil": 1}}, {"litellm_params": entry}, {"model_list": [entry]},
        {"user_config": {"model_list": [{"model_name": "x", "litellm_params": entry}]}},
        {"mock_response": "owned"}, {"mock_testing_fallbacks": True}, {"mock_timeout": True},
        {"callbacks": ["langfuse"]}, {"success_callback": [url]}, {"guardrails": ["x"]},
        {"metadata": {"guardrails": ["x"], "user_api_key": "x", "model_info": {"id": "x"}}},
        {"litellm_metadata": {"api_base": url}}, {"proxy_server_request": {"url": url}},
        {"fallbacks": [entry]}, {"context_window_fallback_dict": {"x": "y"}},
        {"custom_llm_provider": "ollama"}, {"aws_bedrock_runtime_endpoint": url},
        {"vertex_credentials": url}, {"azure_ad_token": "x"}, {"timeout": 999}, {"cache": {"x": 1}},
        {"prompt_id": "x", "prompt_variables": {}}, {"web_search_options": {"url": url}},
        {"_target_order": 9}, {"num_retries": 9}, {"allowed_openai_params": ["evil"]},
        {"messages": [{"role": "user", "content": [image]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": url}}]}]},
        {"tools": [{"type": "mcp", "server_label": "x", "server_url": url}]},
        {"tools": [{"type": "web_search"}]}, {"functions": [{"name": "x"}]},
        {"model": f"openai/x@{url}"}, {"model": ["gpt-4.1-mini"]}, {"model": "ollama/llama3"},
        {"model": "gpt-4.1-mini,other"}, {"model": "*"},
    ]  # fmt: skip


def test_no_request_chooses_its_upstream_key_or_hooks(
    shared_gateway: Program, openai: OpenAI, canary: tuple[str, list[str]]
) -> None:
    url, asked = canary
    cases = switches(url)
    for extra in cases:
        openai.clear()
        status, body = http(
            f"{shared_gateway.url}{CHAT}", {**BODY, **extra}, key=shared_gateway.key
        )
        assert status in (200, 400, 404), (extra, body)
        assert "owned" not in json.dumps(body)
        for seen in openai.seen:
            assert seen.headers["authorization"] == "Bearer k", extra
            assert "x-evil" not in seen.headers
            assert not set(seen.body) - FIELDS
            assert "evil" not in json.dumps(seen.body)
    assert not asked
    record("doors", "fields that choose an address, key or hook", f"{len(cases)}, none got through")


@pytest.mark.parametrize(
    "header",
    ["x-litellm-api-key", "x-litellm-timeout", "x-litellm-tags", "x-litellm-model", "api-key",
     "x-litellm-enable-message-redaction", "litellm-changed-by", "x-litellm-num-retries",
     "anthropic-beta", "openai-organization", "x-api-key", "x-goog-api-key", "cookie"],
)  # fmt: skip
def test_no_header_switches_anything(shared_gateway: Program, openai: OpenAI, header: str) -> None:
    headers = {"Authorization": f"Bearer {shared_gateway.key}", header: "sk-evil"}
    answer = httpx.post(f"{shared_gateway.url}{CHAT}", json=BODY, headers=headers, timeout=20)
    assert answer.status_code == 200
    assert "sk-evil" not in json.dumps(openai.seen[0].headers)
    only = httpx.post(
        f"{shared_gateway.url}{CHAT}", json=BODY, headers={header: shared_gateway.key}
    )
    assert only.status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"[" * 100_000, 400), (b'{"a":' * 50_000, 400),
        (b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * 2_100_000 + b'"}]}', 413),
        (json.dumps({"model": "no-such-model", "messages": HELLO}).encode(), 404),
    ],
)  # fmt: skip
def test_what_is_past_a_limit_gets_a_clear_answer(
    shared_gateway: Program, body: bytes, status: int
) -> None:
    headers = {"Authorization": f"Bearer {shared_gateway.key}", "Content-Type": "application/json"}
    answer = httpx.post(f"{shared_gateway.url}{CHAT}", content=body, headers=headers, timeout=20)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.fixture
def narrow_gateway(_openai: tuple[OpenAI, str], tmp_path: Path) -> Iterator[Program]:
    """A gateway that takes 32 calls at once."""
    config = {"model_list": [openai_model("gpt-4.1-mini", f"{_openai[1]}/v1")]}
    with gateway(tmp_path, config, {"VUI_LITELLM_CALLS": "32"}) as running:
        yield running


async def test_too_many_calls_at_once_make_way_for_the_newest(
    narrow_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(delay=3)
    headers = {"Authorization": f"Bearer {narrow_gateway.key}"}
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=narrow_gateway.url, headers=headers, timeout=20, limits=limits
    ) as client:
        flood = [asyncio.create_task(client.post(CHAT, json=BODY)) for _ in range(60)]
        await asyncio.sleep(1)
        metrics = (await client.get("/metrics")).text
        assert "vui_calls_running 32.0" in metrics
        assert "vui_calls_limit 32.0" in metrics
        status = await asyncio.to_thread(narrow_gateway.status)
        assert "Calls at once: " in status.stdout
        assert " of 32." in status.stdout
        openai.script = type(openai.script)()
        began = time.monotonic()
        own = await client.post(CHAT, json=BODY)
        took = time.monotonic() - began
        statuses = [(await call).status_code for call in flood]
    assert own.status_code == 200
    assert took < 2
    assert statuses.count(429) >= 60 - 32
    assert set(statuses) <= {200, 429}
    record(
        "doors", "60 calls at once", f"{statuses.count(429)} × 429, vui's own after {took:.2f} s"
    )


async def test_a_hundred_calls_at_once_are_all_answered(
    shared_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(delay=1)
    headers, base = {"Authorization": f"Bearer {shared_gateway.key}"}, shared_gateway.url
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=20) as client:
        calls = [client.post(CHAT, json=BODY) for _ in range(100)]
        assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (b"GET /v1/models HTTP/1.1\r\nx-a: ", b"x" * 65536),
        (b"GET /v1/models HTTP/1.1\r\n", b"x-a: y\r\n" * 8192),
        (b"GET /", b"x" * 65536),
    ],
    ids=["one header", "many headers", "the address"],
)
def test_headers_without_end_end_the_connection(
    shared_gateway: Program, head: bytes, flood: bytes
) -> None:
    before = rss_mb(shared_gateway.process.pid)
    address = ("127.0.0.1", int(shared_gateway.url.rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=10) as stranger:
        stranger.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(500):  # 32 MB
                stranger.sendall(flood)
    assert rss_mb(shared_gateway.process.pid) - before < 10


def test_slow_strangers_keep_nobody_out(shared_gateway: Program, openai: OpenAI) -> None:
    host, port = shared_gateway.url.removeprefix("http://").split(":")
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    key = f"Authorization: Bearer {shared_gateway.key}\r\n\r\n{{"
    slow = [socket.create_connection((host, int(port)), 5) for _ in range(200)]
    try:
        for count, connection in enumerate(slow):
            connection.sendall((head + (key if count < 20 else "")).encode())
        began = time.monotonic()
        assert http(f"{shared_gateway.url}{CHAT}", BODY, key=shared_gateway.key)[0] == 200
        took = time.monotonic() - began
        slow[0].settimeout(15)
        assert b" 408 " in slow[0].recv(4096)
    finally:
        for connection in slow:
            connection.close()
    assert took < 2
    record("doors", "200 slow connections", f"vui's own turn after {took:.2f} s; 408 after 10 s")
