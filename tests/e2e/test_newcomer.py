"""The first ten minutes: one provider's key in `.env`, and `chat "Hello"` in the compose stack."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.configs import MODELS
from tests.support.harness import http, paid
from tests.support.poll import wait_until
from tests.support.stack import Stack, stack
from vui_litellm.errors import NAMED_KEY

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]

PROVIDERS = "http://provider:9000"
# What follows a provider's own address: https://docs.litellm.ai/docs/providers
PATHS = {
    "openai": "/v1",
    "anthropic": "",
    "gemini": "/v1beta",
    "groq": "/openai/v1",
    "mistral": "/v1",
    "xai": "/v1",
    "deepseek": "/v1",
    "openrouter": "/api/v1",
}
NO_KEY = (
    "Hi, I'm the demo, and I say the same to everyone. No model of the model file has its key "
    "in the env file. Put one into the env file, for example the OPENAI API KEY, and save it."
)


def at_stand_ins(folder: Path) -> None:
    """The shipped file with the stand-ins' addresses, and nothing else of it changed; no `.env`."""
    path = folder / "litellm_config.yaml"
    config = yaml.safe_load(path.read_text())
    for entry in config["model_list"]:
        params = entry["litellm_params"]
        provider = params["model"].split("/")[0]
        if provider in PATHS and "mock_response" not in params:
            params["api_base"] = f"{PROVIDERS}/{provider}{PATHS[provider]}"
    path.write_text(yaml.safe_dump(paid(config), sort_keys=False))


@pytest.fixture(scope="module")
def newcomer(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("newcomer")
    with stack(
        folder, "newcomer", ["gateway", "provider"], True, at_stand_ins, STAND_IN="everyone"
    ) as up:
        yield up


def save_env(up: Stack, text: str, vui: str) -> None:
    """Save `.env` as an editor does, and wait until `vui` is who it then is."""
    path = up.folder / ".env"
    path.touch(mode=0o600)
    path.write_text(text)
    wait_until(lambda: vui in who(up), 10, lambda: f"{vui!r} is in {who(up)!r}")


def who(up: Stack) -> str:
    """What the gateway says of `vui`."""
    entries = http(f"{up.url}/model/info", key=up.key())[1]["data"]
    return next(e["model_info"].get("note", "") for e in entries if e["model_name"] == "vui")


def script(up: Stack, provider: str, **script: object) -> None:
    http(f"{up.provider}/{provider}/_script", script)


def script_all(up: Stack) -> None:
    for name in MODELS:
        script(up, name, text=f"I am {name}. It works.")


def seen(up: Stack) -> dict[str, list[dict]]:
    """The calls that each stand-in got."""
    found = {name: http(f"{up.provider}/{name}/_seen")[1] for name in MODELS}
    return {name: calls for name, calls in found.items() if calls}


def status(up: Stack) -> list[str]:
    shown = up.compose("exec", "-T", "gateway", "vui-gateway", "status", check=False)
    return shown.stdout.splitlines()


def told_beside(result: subprocess.CompletedProcess[str]) -> list[str]:
    """What chat says beside the conversation; Compose's own lines are indented or empty."""
    return [line for line in result.stderr.splitlines() if line and not line.startswith(" ")]


def key_of(call: dict) -> str:
    return call["headers"].get("authorization", "").removeprefix("Bearer ")


# A key, and an address. The others: unit/test_default_group.py; the header with a key of each:
# integration/test_matrix.py.
@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_key_alone_is_enough_for_an_answer_of_its_provider(
    newcomer: Stack, provider: str
) -> None:
    script_all(newcomer)
    key = "" if provider == "ollama" else f"sk-{provider}-0f3b6c1d9e8a7b5c4d2e"
    variable = f"{provider.upper()}_API_{'KEY' if key else 'BASE'}"
    value = key or f"{PROVIDERS}/ollama"
    save_env(newcomer, f"{variable}={value}\n", f"vui is {MODELS[provider]}: ")
    result = newcomer.chat("Hello")
    assert result.stdout == f"I am {provider}.\nIt works.\n"
    (line,) = told_beside(result)
    assert line.startswith(f"vui is {MODELS[provider]}: the first")
    assert line.endswith(f"whose {'key' if key else 'address'} is set.")
    calls = seen(newcomer)
    assert list(calls) == [provider]
    assert len(calls[provider]) == 2  # the reply and the thoughts
    assert {key_of(call) for call in calls[provider]} == {key}
    assert line in status(newcomer)


def test_without_any_key_the_demo_says_which_variable(newcomer: Stack) -> None:
    script_all(newcomer)
    save_env(newcomer, "", "vui is the demo")
    result = newcomer.chat("Hello")
    assert " ".join(result.stdout.split()) == NO_KEY
    (line,) = told_beside(result)
    assert line == "vui is the demo: no model of litellm_config.yaml has its key in .env."
    assert line in status(newcomer)
    assert not seen(newcomer)


def test_a_wrong_key_alone_is_named_and_the_right_one_taken(newcomer: Stack) -> None:
    script(newcomer, "openai", fault=401)
    save_env(newcomer, "OPENAI_API_KEY=sk-wrong-0f3b6c1d\n", "vui is openai/gpt-4.1-mini: ")
    result = newcomer.chat("Hello", check=False)
    assert " ".join(result.stdout.split()) == NAMED_KEY.format("OPENAI API KEY")
    line, *others = told_beside(result)
    assert line.startswith("vui is openai/gpt-4.1-mini: ")
    assert [other.split()[0] for other in others] == ["[vui]", "[thoughts]"]
    assert all("provider_key_refused" in other for other in others)
    told = [line for line in status(newcomer) if "OPENAI_API_KEY" in line]
    assert any(line.startswith("OPENAI_API_KEY of .env is refused by ") for line in told), told
    script(newcomer, "openai", text="It works.")
    save_env(newcomer, "OPENAI_API_KEY=sk-right-0f3b6c1d\n", "vui is openai/gpt-4.1-mini: ")
    assert newcomer.chat("Hello").stdout == "It works.\n"


# A broken `.env`, and other slips: tests/integration/test_second_start.py.
def test_a_start_with_a_broken_file_is_healthy_says_it_and_takes_the_mended_one(
    newcomer: Stack,
) -> None:
    path = newcomer.folder / "litellm_config.yaml"
    good = path.read_text()
    (newcomer.folder / ".env").write_text("OPENAI_API_KEY=sk-0f3b6c1d9e8a\n")
    path.write_text("model_list:\n  - model_name: vui\n   litellm_params: {}\n")
    script(newcomer, "openai", text="It works.")
    newcomer.compose("up", "-d", "--wait", "--force-recreate", "config", "gateway")
    spoken = newcomer.chat("Hello").stdout
    assert spoken.startswith("Hi, I'm the demo.")
    assert "Line 3 of the model file can't be used: " in " ".join(spoken.split())
    log = newcomer.compose("logs", "--no-log-prefix", "gateway").stdout
    assert log.count("/project/litellm_config.yaml:3: ") == 1, log
    assert "Traceback" not in log
    began = container(newcomer)
    path.write_text(good)
    wait_until(lambda: "vui is openai/gpt-4.1-mini: " in who(newcomer), 10, lambda: who(newcomer))
    assert newcomer.chat("Hello").stdout == "It works.\n"
    assert container(newcomer) == began


def container(up: Stack) -> tuple[str, str, int]:
    """Which one the gateway is, and since when."""
    shown = subprocess.check_output(
        ["docker", "inspect", up.compose("ps", "-q", "gateway").stdout.strip()]
    )
    (found,) = json.loads(shown)
    return found["Id"], found["State"]["StartedAt"], found["RestartCount"]
