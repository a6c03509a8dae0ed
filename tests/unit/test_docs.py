"""What the runs wrote into docs/ is as they wrote it, and all that one can set is explained."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from vui_gateway.api.chat import Chat
from vui_gateway.api.connections import Connections
from vui_gateway.errors import Code, Ending
from vui_gateway.litellm_proxy.catalogue import TESTED
from vui_gateway.turns.admission import Admission
from vui_gateway.usage.recorder import Recorder

from tests.support.harness import ROOT
from tests.support.report import PAGE, STORE, render
from vui_litellm.errors import BY_CODE
from vui_litellm.tools.preflight import NEEDS_GPU, TESTED_VUI


def test_the_page_shows_the_figures_on_file() -> None:
    assert PAGE.read_text() == render(json.loads(STORE.read_text())), "run `make docs`"


def table(page: str) -> set[str]:
    """The names in the first column of a page's tables."""
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_variable_of_the_stack_is_explained() -> None:
    keys, _, optional = (ROOT / ".env.example").read_text().partition("# Everything below")
    interpolated = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    offered = set(re.findall(r"^# (\w+)=", optional, re.MULTILINE))
    assert "OPENAI_API_KEY=" in keys
    assert len(offered) > 15
    assert offered | interpolated <= table("configuration.md")


def test_every_error_code_is_explained_and_has_a_spoken_sentence() -> None:
    assert set(Code) <= set(BY_CODE) <= table("operations.md")


def test_every_ending_of_an_attempt_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    calls = {Ending.NO_DEPLOYMENT, Ending.RATE_LIMITED}  # of a call; a provider's status
    assert all(f"`{ending}`" in page for ending in set(Ending) - calls)


def test_every_metric_is_explained() -> None:
    recorder = Recorder()
    Connections(recorder.registry)
    nothing: Any = None
    Chat(nothing, Admission(), nothing, nothing, recorder, nothing)
    named = {
        f"{metric.name}{'_total' * (metric.type == 'counter')}"
        for metric in recorder.registry.collect()
    }
    assert named <= table("operations.md")


def test_the_example_stays_short() -> None:
    assert (ROOT / ".env.example").stat().st_size < 1024


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text()):
            assert (page.parent / link).exists() or link == "docs/page.png", (page.name, link)


def test_the_locked_versions_are_the_tested_ones() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    locked = {package["name"]: package.get("version") for package in packages}
    assert locked["litellm"] == TESTED
    assert locked["vui-tts"] in TESTED_VUI


def test_the_driver_that_is_named_is_the_one_that_the_locked_cuda_needs() -> None:
    """NVIDIA's table: docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"""
    lock = (ROOT / "src" / "requirements-speech.txt").read_text()
    assert re.findall(r"^cuda-toolkit==(\d+)\.", lock, re.MULTILINE) == ["13"]
    assert "driver 580 or newer" in NEEDS_GPU
    assert "driver 580 or newer" in (ROOT / "README.md").read_text()


def test_no_secret_that_the_docs_name_is_added_to_git(tmp_path: Path) -> None:
    secrets = [
        ".env", ".env.production", "adc.json", "ca.key", "ca.pem", "certs/ca.pem", "certs/x.crt",
        "client.p12", "privkey.pem", "backup.tar", "deploy/swarm/certificate.pem",
        "deploy/swarm/redis_url",
    ]  # fmt: skip
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    names = [*secrets, ".env.example", "litellm_config.yaml", "tests/recorded/openai.json"]
    found = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", *names], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == secrets
