"""The routes of the gateway's page: who gets what, and what is never told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.poll import wait_until

CHAT = "/v1/chat/completions"
SAID = "a pink elephant knows my diary"
BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": SAID}]}


@pytest.fixture
def client(shared_gateway: Program) -> Iterator[httpx.Client]:
    """A browser's requests, without any credential."""
    with httpx.Client(base_url=shared_gateway.url, timeout=20) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def session(client: httpx.Client, secret: str) -> str:
    return client.post("/page/session", headers=bearer(secret)).json()["session"]


def calls(gateway: Program) -> list[dict]:
    return http(f"{gateway.url}/status", key=gateway.key)[1]["recent"]


def test_the_page_is_open_and_holds_nothing_of_the_gateway(
    client: httpx.Client, shared_gateway: Program
) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for secret in (shared_gateway.key, "gpt-4.1-mini", "litellm", version("litellm")):
        assert secret not in page.text.lower()
    assert [client.request(method, "/").status_code for method in ("POST", "HEAD")] == [404, 404]


def test_its_policy_lets_run_what_is_in_the_file_and_nothing_else(client: httpx.Client) -> None:
    page = client.get("/")
    parts = page.headers["content-security-policy"].split("; ")
    policy = {name: value for name, _, value in (part.partition(" ") for part in parts)}
    for tag in ("script", "style"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    closed = ("default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types")
    assert {name: policy[name] for name in closed} == dict.fromkeys(closed, "'none'")
    assert policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in str(policy)
    assert page.headers["referrer-policy"] == "no-referrer"
    # Nothing else is loaded: no address stands in it, but SVG's name.
    assert set(re.findall(r"https?://[^\s'\"]+", page.text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\bon\w+=|style=|innerHTML|insertAdjacentHTML|eval\(", page.text)


def test_nothing_of_it_is_kept_or_guessed_at_or_shared(
    client: httpx.Client, shared_gateway: Program
) -> None:
    own = {**bearer(shared_gateway.key), "Origin": "http://evil.test"}
    answers = [
        client.get("/", headers=own),
        client.get("/status", headers=own),
        client.post("/page/session", headers=own),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "set-cookie" not in answer.headers
    asked = {"Origin": "http://evil.test", "Access-Control-Request-Method": "GET"}
    assert client.options("/status", headers=asked).status_code == 404


@pytest.mark.parametrize("key", [None, "sk-wrong", "sk-wröng"])
def test_its_data_need_the_key(client: httpx.Client, key: str | None) -> None:
    headers = [(b"Authorization", f"Bearer {key}".encode())] if key else []
    for method, path in (("GET", "/status"), ("POST", "/page/session")):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_key")
        assert set(answer.json()) == {"error"}


def test_the_key_is_taken_as_a_header_only(client: httpx.Client, shared_gateway: Program) -> None:
    key = shared_gateway.key
    assert client.get("/status", params={"key": key, "token": key}).status_code == 401
    assert client.get("/status", headers={"Cookie": f"session={key}"}).status_code == 401
    assert client.post("/page/session", json={"token": key, "key": key}).status_code == 401


def test_a_printed_address_opens_the_page(client: httpx.Client, shared_gateway: Program) -> None:
    shown = shared_gateway.cli("page")
    address, token = shown.stdout.strip().split("/#")
    assert address == shared_gateway.url
    assert "within 5 minutes" in shown.stderr
    opened = session(client, token)
    assert client.get("/status", headers=bearer(opened)).status_code == 200
    assert client.get("/status", headers=bearer(token)).status_code == 401
    assert shared_gateway.key not in shown.stdout + shown.stderr
    for secret in (token, opened):
        assert secret not in shared_gateway.log


def test_the_address_has_the_port_that_is_published(shared_gateway: Program) -> None:
    shown = shared_gateway.cli("page", VUI_GATEWAY_PUBLISHED_PORT="4100")
    assert shown.stdout.startswith("http://127.0.0.1:4100/#")
    wrong = shared_gateway.cli("page", VUI_GATEWAY_PUBLISHED_PORT="four")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("vui-gateway: VUI_GATEWAY_PUBLISHED_PORT is 'four'. Use a port")


def test_a_session_opens_the_data_of_the_page_and_nothing_else(
    client: httpx.Client, shared_gateway: Program, openai: OpenAI
) -> None:
    opened = bearer(session(client, shared_gateway.key))
    assert client.get("/status", headers=opened).status_code == 200
    for path in ("/v1/models", "/model/info", "/metrics"):
        assert client.get(path, headers=opened).status_code == 401
    for path in (CHAT, "/v1/preconnect", "/page/session"):
        assert client.post(path, headers=opened, json=BODY).status_code == 401
    assert not openai.seen


def test_a_call_is_shown_without_a_word_of_it(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="An elephant indeed, a pink one. And so on.")
    before = len(calls(shared_gateway))
    http(f"{shared_gateway.url}{CHAT}", {**BODY, "stream": True}, key=shared_gateway.key)
    wait_until(lambda: len(calls(shared_gateway)) > before, 5, "the call is on record")
    status = http(f"{shared_gateway.url}/status", key=shared_gateway.key)[1]
    last = status["recent"][-1]
    assert (last["answered_by"], last["outcome"]) == ("openai/gpt-4.1-mini", "ok")
    assert 0 < last["first_sentence_ms"] < 5000
    assert status["asked"]["model"]
    assert {model["state"] for model in status["models"]} >= {"serving", "left out"}
    assert "elephant" not in json.dumps(status)


def test_a_provider_that_quotes_the_conversation_is_not_quoted(tmp_path: Path) -> None:
    provider = OpenAI()
    with serving(provider.app) as url:
        models = [openai_model("m", f"{url}/v1", api_key="os.environ/MINE_API_KEY")]
        env = {"MINE_API_KEY": "sk-mine-58d1e3b7c9f2a4"}
        with gateway(tmp_path, {"model_list": models}, env) as up:
            for status in (400, 403, 404, 500):
                quoted = f"I won't answer {SAID!r}, {env['MINE_API_KEY']}"
                told = json.dumps(provider.error(quoted, status))
                provider.clear(fault=status, fault_body=told)
                http(f"{up.url}{CHAT}", {**BODY, "model": "m"}, key=up.key)
            wait_until(lambda: len(calls(up)) == 4, 5, "the calls are on record")
            shown = http(f"{up.url}/status", key=up.key)[1]
    assert [call["error"] for call in shown["recent"]] == [
        "openai/m refused the request.",
        "openai/m refused its key.",
        "The provider of openai/m doesn't have that model.",
        "openai/m answered with an error (500).",
    ]
    (refused,) = [model for model in shown["models"] if model["state"] == "key refused"]
    assert (refused["model"], refused["variable"]) == ("openai/m", "MINE_API_KEY")
    assert "elephant" not in json.dumps(shown)
    assert "58d1e3b7c9f2a4" not in json.dumps(shown)
