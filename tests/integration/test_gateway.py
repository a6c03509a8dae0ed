"""The gateway as a program: its key, its doors, its start and its end."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from vui.serving.stream import llm_backend

from tests.matrix.conversations import TEXT_CHAT as HELLO
from tests.matrix.conversations import heard_of
from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import ROOT, Program, gateway, http, openai_model
from tests.support.logs import lines_of
from tests.support.poll import wait_until
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import GATEWAY_AWAY

DEMO = {"model_name": "demo", "litellm_params": {"model": "openai/demo", "mock_response": "hi"}}


@pytest.mark.parametrize("key", [None, "sk-wrong", "sk-wröng"])
def test_without_the_key_it_answers_401_and_says_what_to_do(
    shared_gateway: Program, key: str | None
) -> None:
    headers = [(b"Authorization", f"Bearer {key}".encode())] if key else []
    answer = httpx.get(f"{shared_gateway.url}/v1/models", headers=headers)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert "VUI_LITELLM_KEY" in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "path",
    ["/key/generate", "/config/update", "/ui", "/docs", "/mcp", "/openapi.json", "/v1/completions",
     "/page", "/status/", "/v1/models/", "/v1/%6dodels", "//v1/models", "/health",
     "/v1/chat/completions/x"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("with_key", [True, False])
def test_everything_else_is_404(
    shared_gateway: Program, path: str, method: str, with_key: bool
) -> None:
    key = shared_gateway.key if with_key else None
    status, body = http(f"{shared_gateway.url}{path}", method=method, key=key)
    assert status == 404
    assert body["error"]["code"] == "route_not_found"


def test_a_model_without_its_key_is_left_out_with_one_line(shared_gateway: Program) -> None:
    status, body = http(f"{shared_gateway.url}/v1/models", key=shared_gateway.key)
    assert status == 200
    assert [model["id"] for model in body["data"]] == ["vui", "gpt-4.1-mini", "other"]
    lines = [line for line in lines_of(shared_gateway.log) if "NOWHERE_API_KEY" in line]
    assert lines == ["Left out: NOWHERE_API_KEY is not set (keyless). Put it in .env."]


def test_the_model_table_is_there_for_check(shared_gateway: Program) -> None:
    status, body = http(f"{shared_gateway.url}/model/info", key=shared_gateway.key)
    assert status == 200
    info = next(m for m in body["data"] if m["model_name"] == "gpt-4.1-mini")["model_info"]
    assert info["input_cost_per_token"] > 0


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    with gateway(tmp_path, {"model_list": [DEMO]}, key=None) as first:
        made = first.key
        mode = stat.S_IMODE((tmp_path / "key").stat().st_mode)
        assert http(f"{first.url}/v1/models", key=made)[0] == 200
        shown = subprocess.run(
            [sys.executable, "-m", "vui_gateway", "key"],
            env={**os.environ, "VUI_LITELLM_KEY_FILE": str(tmp_path / "key")},
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert shown.stdout.strip() == made
        assert made not in first.log
    assert made.startswith("sk-")
    assert len(made) >= 3 + 43  # 32 bytes in base64
    assert mode == 0o440
    with gateway(tmp_path, {"model_list": [DEMO]}, key=None) as second:
        assert second.key == made


@dataclass
class Fresh:
    """A gateway that was started with keys in .env, and its very first request."""

    program: Program
    provider: OpenAI
    status: int


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "key").write_text("sk-old-0123456789\n")
    (folder / ".env").write_text('VUI_LITELLM_KEY="sk-new-0123456789"\nSOME_API_KEY=sk-provider\n')
    with serving((stand_in := OpenAI()).app) as url:
        model = openai_model("m", f"{url}/v1", api_key="os.environ/SOME_API_KEY")
        with gateway(folder, {"model_list": [model]}, key=None) as running:
            body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            status, _ = http(f"{running.url}/v1/chat/completions", body, key=running.key)
            yield Fresh(running, stand_in, status)


def test_a_key_in_env_wins_over_the_kept_one_and_reaches_vui(fresh: Fresh) -> None:
    assert fresh.program.key == "sk-new-0123456789"  # what vui reads
    assert http(f"{fresh.program.url}/v1/models", key="sk-new-0123456789")[0] == 200
    assert http(f"{fresh.program.url}/v1/models", key="sk-old-0123456789")[0] == 401


def test_provider_keys_are_read_from_the_env_file(fresh: Fresh) -> None:
    assert fresh.provider.seen[0].headers["authorization"] == "Bearer sk-provider"
    assert "sk-provider" not in fresh.program.log


def test_the_gateway_is_warmed_up_before_it_is_ready(fresh: Fresh) -> None:
    assert fresh.status == 200
    assert "may be slow" not in fresh.program.log
    models = http(f"{fresh.program.url}/v1/models", key=fresh.program.key)[1]["data"]
    assert [model["id"] for model in models] == ["vui", "m"]


def test_sigterm_lets_a_running_reply_end(tmp_path: Path) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        stand_in.clear(text="a long reply. " * 10, pace=0.05)
        config = {"model_list": [openai_model("m", f"{url}/v1")]}
        with gateway(tmp_path, config) as running:
            received: list[str] = []

            def listen() -> None:
                body = {
                    "model": "m",
                    "stream": True,
                    "messages": [{"role": "user", "content": "x"}],
                }
                headers = {"Authorization": f"Bearer {running.key}"}
                address = f"{running.url}/v1/chat/completions"
                with httpx.stream("POST", address, json=body, headers=headers, timeout=30) as reply:
                    received.extend(reply.iter_lines())

            listener = threading.Thread(target=listen)
            listener.start()
            wait_until(lambda: len(received) > 3, 10, "the reply is under way")
            started = time.monotonic()
            assert running.stop(signal.SIGTERM) == 0
            listener.join(10)
    assert received[-2:] == ["data: [DONE]", ""]
    assert time.monotonic() - started < 10


async def test_a_gateway_that_dies_in_mid_reply_is_said(tmp_path: Path) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        stand_in.clear(text="One thing. " * 100, pace=0.02)
        config = {"model_list": [openai_model("m", f"{url}/v1")]}
        with gateway(tmp_path, config) as doomed:
            backend = LiteLLMBackend("m", doomed.url, api_key=doomed.key)
            llm_backend.set_backend(backend)
            said = []
            with pytest.raises(httpx.HTTPError):
                async for token in backend.stream(HELLO):
                    said.append(token)
                    if len(said) == 10:
                        doomed.process.kill()
            assert GATEWAY_AWAY in said[-1]
            assert not await backend.health()
            await backend.aclose()


def test_the_shipped_config_is_served_with_every_key_set(tmp_path: Path) -> None:
    text = (ROOT / "litellm_config.yaml").read_text()
    names = [entry["model_name"] for entry in yaml.safe_load(text)["model_list"]]
    keys = {word.split("/")[1] for word in text.split() if word.startswith("os.environ/")}
    env = dict.fromkeys(keys - {"VUI_LITELLM_KEY"}, "http://127.0.0.1:9")
    with gateway(tmp_path, text, env) as running:
        served = [m["id"] for m in http(f"{running.url}/v1/models", key=running.key)[1]["data"]]
    assert served == list(dict.fromkeys(names))
    assert "left out" not in running.log


async def test_no_key_shows_in_a_debug_log_either(tmp_path: Path) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        model = openai_model("m", f"{url}/v1", api_key="os.environ/SOME_API_KEY")
        secret = "sk-debug-5b7d9f1e3c"
        env = {"SOME_API_KEY": secret, "VUI_LITELLM_LOG": "debug"}
        with gateway(tmp_path, {"model_list": [model]}, env) as loud:
            backend = LiteLLMBackend("m", loud.url, api_key=loud.key)
            llm_backend.set_backend(backend)
            for sick in ({}, {"fault": 401}, {"fault": 500}, {"fault": "error-frame"}):
                stand_in.clear(**sick)
                assert (await heard_of(HELLO))[0]
            await backend.aclose()
            http(f"{loud.url}/v1/models", key="sk-a-wrong-key-0d9c")
            log = loud.log
    assert "Final returned optional params" in log
    assert secret not in log
    assert loud.key not in log
    assert "sk-a-wrong-key-0d9c" not in log
