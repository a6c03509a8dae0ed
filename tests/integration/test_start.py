"""How vui's side starts where it can't speak, and what it says of itself when it no longer can."""

import os
import subprocess
import sys

from tests.support.harness import ROOT, Program, http, speechless_vui, vui_env
from tests.support.poll import wait_until
from vui_litellm.tools.preflight import INSTALL, NEEDS_GPU

NOWHERE = vui_env("http://127.0.0.1:9", "vui")


def started(*module: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *module],
        env={**os.environ, **NOWHERE, **env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_without_a_gpu_vui_ends_with_one_sentence_before_all_else() -> None:
    result = started("tests.support.speechless", VUI_SPEECHLESS_GPU="0", VUI_SPEECHLESS_PORT="0")
    assert result.stderr == f"vui-litellm: {NEEDS_GPU}\n"  # and not that the gateway is away
    assert result.returncode == 0  # nothing starts it again
    for way in ("-f compose.yaml -f compose.gpu.yaml up", "docker compose run --rm chat"):
        assert way in result.stderr


def test_serve_in_the_text_image_says_that_the_voice_is_not_installed() -> None:
    result = started("vui_litellm", "serve")
    (line,) = result.stderr.splitlines()
    assert line.startswith("vui-litellm: vui's voice isn't installed here (")
    assert line.endswith(INSTALL)
    assert result.returncode == 0


def test_with_a_gpu_a_gateway_that_is_away_is_a_failure_to_start_again_after() -> None:
    result = started("tests.support.speechless", VUI_SPEECHLESS_PORT="0")
    assert result.returncode == 2
    assert "doesn't answer" in result.stderr


def test_an_unknown_recognizer_is_told_with_those_that_there_are(shared_gateway: Program) -> None:
    env = {**vui_env(shared_gateway.url, "other", shared_gateway.key), "VUI_ASR": "moonshine"}
    result = started("tests.support.speechless", VUI_SPEECHLESS_PORT="0", **env)
    assert result.returncode == 2
    assert "VUI_ASR is 'moonshine'. Use one of fwhisper.distil-small.en, " in result.stderr


def test_the_recognizer_of_env_is_the_one_that_vui_shows(shared_gateway: Program, tmp_path) -> None:
    env = {**vui_env(shared_gateway.url, "other", shared_gateway.key), "VUI_ASR": "fwhisper.turbo"}
    with speechless_vui(tmp_path, env) as vui:
        assert http(f"{vui.url}/asr/models")[1]["current"] == "fwhisper.turbo"


def test_vui_calls_its_voice_ready_only_while_it_lives(shared_gateway: Program, tmp_path) -> None:
    env = vui_env(shared_gateway.url, "other", shared_gateway.key)
    with speechless_vui(tmp_path, env) as vui:

        def ready() -> bool:
            told = http(f"{vui.url}/state")[1]
            assert told["asr_ready"]
            return told["tts_ready"]

        wait_until(ready, 5, "both workers are ready")
        http(f"{vui.control}/end", {})
        wait_until(lambda: not ready(), 5, "vui says that its voice is gone")
