"""A key for each vui: limits of its own, and refused within a second once it is taken back."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.poll import until, wait_until

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]
PRICE = {"input_cost_per_token": 0.1 / 1200, "output_cost_per_token": 0.0}  # 0.10 USD a call


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, OpenAI]]:
    stand_in = OpenAI()
    with serving(stand_in.app) as url:
        models = [openai_model(name, f"{url}/v1", **PRICE) for name in ("one", "two")]
        with gateway(tmp_path_factory.mktemp("keys"), {"model_list": models}) as up:
            yield up, stand_in


def key(up: Program, *command: str) -> subprocess.CompletedProcess[str]:
    """`vui-gateway key COMMAND` beside a running gateway, as in its container."""
    env = {"VUI_GATEWAY_PROJECT": str(up.project), "VUI_LITELLM_KEY_FILE": str(up.project / "key")}
    return subprocess.run(
        [sys.executable, "-m", "vui_gateway", "key", *command],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


def add(up: Program, *command: str) -> str:
    """A key that is in force."""
    made = key(up, "add", *command).stdout.strip()
    wait_until(lambda: http(f"{up.url}/v1/models", key=made)[0] == 200, 5, "the key is good")
    return made


def ask(up: Program, made: str, model: str = "one") -> tuple[int, str]:
    status, body = http(up.url + CHAT, {"model": model, "messages": HELLO}, key=made)
    return status, body["error"]["code"] if "error" in body else ""


def test_a_client_sees_and_asks_only_its_models(served: tuple[Program, OpenAI]) -> None:
    up, _ = served
    made = add(up, "models", "--models", "two, demo")
    listed = http(f"{up.url}/v1/models", key=made)[1]["data"]
    assert [model["id"] for model in listed] == ["two"]
    shown = http(f"{up.url}/model/info", key=made)[1]["data"]
    assert {model["model_name"] for model in shown} == {"two"}
    assert ask(up, made, "one") == (404, "model_not_served")
    assert ask(up, made, "two") == (200, "")
    assert http(f"{up.url}/metrics", key=made)[1]["error"]["code"] == "route_not_found"
    assert len(http(f"{up.url}/v1/models", key=up.key)[1]["data"]) == 3


def test_a_clients_budget_is_its_own(served: tuple[Program, OpenAI]) -> None:
    up, _ = served
    poor, rich = add(up, "poor", "--budget", "0.15"), add(up, "rich", "--budget", "5")
    answers = []
    for _ in range(3):
        answers.append(ask(up, poor))
        line = f"poor: {0.1 * len([a for a in answers if a[0] == 200]):.4f} of 0.15 USD."
        wait_until(lambda line=line: line in up.status().stdout, 5, line)  # type: ignore[misc]
    assert answers == [(200, ""), (200, ""), (402, "client_budget_exceeded")]
    assert ask(up, rich) == (200, "")
    assert "fallback=no client=poor outcome=ok" in up.log
    text = http(f"{up.url}/metrics", key=up.key)[1]
    assert 'vui_client_calls_total{client="poor",outcome="ok"} 2.0' in text
    kept = up.project / "spend.json"
    wait_until(lambda: "rich" in json.loads(kept.read_text())["clients"], 5, "it is kept")
    assert "0.2000 USD   0.15 USD per day" in key(up, "list").stdout


async def test_a_client_has_so_many_calls_at_once_and_makes_way_for_nobody_elses(
    served: tuple[Program, OpenAI],
) -> None:
    up, stand_in = served
    few = await asyncio.to_thread(add, up, "few", "--calls", "2")
    stand_in.clear(delay=1)
    body = {"model": "one", "messages": HELLO}

    async def one(made: str) -> int:
        async with httpx.AsyncClient(timeout=30) as client:
            headers = {"Authorization": f"Bearer {made}"}
            return (await client.post(up.url + CHAT, json=body, headers=headers)).status_code

    others = [asyncio.create_task(one(up.key)) for _ in range(3)]
    await until(lambda: len(stand_in.seen) == 3, 10, "the owner's calls")
    own = await asyncio.gather(*(one(few) for _ in range(4)))
    assert sorted(own) == [200, 200, 429, 429]
    assert await asyncio.gather(*others) == [200] * 3
    stand_in.clear()


def test_a_key_that_is_taken_back_is_refused_within_a_second_and_told_so(
    served: tuple[Program, OpenAI],
) -> None:
    up, _ = served
    made = add(up, "kitchen")
    assert ask(up, made)[0] == 200
    assert key(up, "revoke", "kitchen").returncode == 0
    began = time.monotonic()
    wait_until(lambda: ask(up, made) == (401, "key_revoked"), 1, "it is refused")
    assert time.monotonic() - began < 1
    assert "kitchen" not in key(up, "list").stdout
    again = add(up, "kitchen")
    assert [ask(up, one)[0] for one in (made, again)] == [401, 200]
    assert made not in (up.project / "clients.json").read_text()


def test_a_key_that_is_taken_back_while_its_request_arrives_asks_nobody(
    served: tuple[Program, OpenAI],
) -> None:
    up, stand_in = served
    made = add(up, "hall")
    body = json.dumps({"model": "one", "messages": HELLO}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made}\r\n"
    with socket.create_connection(("127.0.0.1", int(up.url.rpartition(":")[2])), 10) as slow:
        slow.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        time.sleep(0.2)
        assert key(up, "revoke", "hall").returncode == 0
        wait_until(lambda: ask(up, made) == (401, "key_revoked"), 1, "it is refused")
        asked = len(stand_in.seen)
        slow.sendall(body[5:])
        told = b""
        while b"key_revoked" not in told and (more := slow.recv(65536)):
            told += more
        assert b"key_revoked" in told
    assert len(stand_in.seen) == asked


def test_ten_commands_at_once_lose_no_key(served: tuple[Program, OpenAI]) -> None:
    up, _ = served
    env = {"VUI_GATEWAY_PROJECT": str(up.project), "VUI_LITELLM_KEY_FILE": str(up.project / "key")}
    command = [sys.executable, "-m", "vui_gateway", "key", "add"]
    running = [
        subprocess.Popen([*command, f"room{i % 8}"], env={**os.environ, **env}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in range(10)
    ]  # fmt: skip
    keys = [process.communicate()[0].strip() for process in running]
    made = [one for one in keys if one]
    assert len(made) == 8  # one for each name
    wait_until(lambda: {ask(up, one)[0] for one in made} == {200}, 5, "all are good")


def test_a_second_gateway_with_the_same_key_file_is_refused_in_one_line(
    served: tuple[Program, OpenAI], tmp_path: Path
) -> None:
    up, _ = served
    env = {"VUI_LITELLM_KEY_FILE": str(up.project / "key")}
    with (
        pytest.raises(RuntimeError, match="Another gateway runs with the key of"),
        gateway(tmp_path, (up.project / "litellm_config.yaml").read_text(), env),
    ):
        pass
    assert ask(up, up.key)[0] == 200
