"""What compose.yaml promises, by Compose's own account of it: nothing is built or started."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import fresh_copy

pytestmark = pytest.mark.usefixtures("docker")

ALL = ("--profile", "*")
GPU = ("-f", "compose.yaml", "-f", "compose.gpu.yaml")


def compose(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", *command],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def config(folder: Path, *options: str, **env: str) -> dict[str, Any]:
    shown = compose(folder, *options, "config", "--format", "json", **env)
    assert not shown.returncode, shown.stderr
    return json.loads(shown.stdout)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh_copy(tmp_path_factory.mktemp("clones") / "one")


def test_no_registry_is_asked_for_our_images(clone: Path) -> None:
    services = config(clone, *ALL)["services"]
    ours = {name for name, service in services.items() if "build" in service}
    assert ours == {"gateway", "config", "vui", "chat", "check"}
    pulled = compose(clone, *ALL, "pull", *ours)  # offline it would fail
    assert not pulled.returncode, pulled.stderr
    assert pulled.stderr.count("Skipped") == len(ours)


def test_what_no_registry_has_is_built_at_the_first_start(clone: Path) -> None:
    planned = compose(clone, "--dry-run", "--progress", "plain", "-p", "never-built", "up", "-d")
    assert not planned.returncode, planned.stderr
    assert "Pull" not in planned.stderr


def test_two_checkouts_take_nothing_of_each_other(clone: Path) -> None:
    def named(folder: Path) -> set[str]:
        found = config(folder, *ALL)
        images = {s["image"] for s in found["services"].values() if "build" in s}
        volumes = {volume["name"] for volume in found["volumes"].values()}
        return {found["name"], *images, *volumes}

    other = fresh_copy(clone.parent / "two")
    assert not named(clone) & named(other)
    assert {name.partition("_")[0].partition("-")[0] for name in named(clone)} == {"one"}


def test_the_volumes_of_an_older_version_are_found_by_the_projects_name(clone: Path) -> None:
    volumes = config(clone, *ALL, COMPOSE_PROJECT_NAME="vui-litellm")["volumes"]
    assert volumes["memories"]["name"] == "vui-litellm_memories"
    assert volumes["key"]["name"] == "vui-litellm_key"


def test_the_gpu_overlay_gives_the_gpu_to_vui_and_to_ollama(clone: Path) -> None:
    services = config(clone, *GPU, *ALL)["services"]
    having = {name for name, service in services.items() if "deploy" in service}
    assert having == {"vui", "ollama"}
    (device,) = services["ollama"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"


def test_ollama_is_there_only_where_its_profile_is_named(clone: Path) -> None:
    assert "ollama" not in config(clone, *GPU)["services"]
    assert "ollama" in config(clone, "--profile", "ollama")["services"]


@pytest.mark.parametrize("variable", ["VUI_ASR", "TZ", "VUI_LAN", "VUI_HTTP_PORT"])
def test_settings_of_vuis_in_env_reach_it(clone: Path, variable: str) -> None:
    environment = config(clone, **{variable: "set"})["services"]["vui"]["environment"]
    assert environment[variable] == "set"


def test_the_zone_of_env_reaches_the_conversation_by_text_too(clone: Path) -> None:
    chat = config(clone, *ALL, TZ="Asia/Tokyo")["services"]["chat"]
    assert chat["environment"]["TZ"] == "Asia/Tokyo"
