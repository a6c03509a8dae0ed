"""A clean environment for every test, and the programs that many of them share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist import is_xdist_controller
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# vui writes its log below the working directory and its memories below HOME.
_SCRATCH = Path(os.environ.get("PYTEST_SCRATCH", "/tmp")) / f"vui-litellm-tests-{os.getpid()}"
_SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))  # Compose is found there
os.environ["HOME"] = str(_SCRATCH)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from tests.providers.base import serving  # noqa: E402
from tests.providers.openai import OpenAI  # noqa: E402
from tests.support.harness import Program, gateway, openai_model  # noqa: E402
from tests.support.stack import Stack, stack  # noqa: E402

STRICT = bool(os.environ.get("CI"))
STACKS = ("tests/browser/", "tests/e2e/")
PREFIXES = ("VUI_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "MISTRAL_", "XAI_", "DEEPSEEK_")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)


class Groups(LoadScopeScheduling):
    """What xdist's workers share out: files, which share their gateways; and the stacks as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return "stacks" if file.startswith(STACKS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    config.option.loadscopereorder = False  # by the number of tests, that is; but not all are long
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs against the wall clock is run once more before it fails; the summary names it."""
    for item in items:
        if not item.nodeid.startswith("tests/unit/"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionstart(session: pytest.Session) -> None:
    if not is_xdist_controller(session):  # its workers find the tests from where it is
        os.chdir(_SCRATCH)


def pytest_sessionfinish() -> None:
    os.chdir("/")
    shutil.rmtree(_SCRATCH, ignore_errors=True)


def require(present: bool, what: str) -> None:
    """Skip where a machine lacks something; where CI does, fail."""
    if not present:
        (pytest.fail if STRICT else pytest.skip)(f"needs {what}")


@pytest.fixture(scope="session")
def docker() -> None:
    def works(*command: str) -> bool:
        return not subprocess.run(["docker", *command], capture_output=True).returncode

    found = bool(shutil.which("docker")) and works("info") and works("compose", "version")
    require(found, "a running Docker engine with Compose")


@pytest.fixture(scope="session")
def _openai() -> Iterator[tuple[OpenAI, str]]:
    stand_in = OpenAI()
    with serving(stand_in.app) as url:
        yield stand_in, url


@pytest.fixture
def openai(_openai: tuple[OpenAI, str]) -> OpenAI:
    """The OpenAI stand-in behind the shared gateway's `gpt-4.1-mini`, as if just started."""
    _openai[0].clear()
    return _openai[0]


@pytest.fixture(scope="session")
def shared_gateway(
    _openai: tuple[OpenAI, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """A real gateway that serves `gpt-4.1-mini`, `other` and `demo`."""
    base = f"{_openai[1]}/v1"
    config = {
        "model_list": [
            openai_model("gpt-4.1-mini", base),
            openai_model("other", base),
            openai_model("keyless", base, api_key="os.environ/NOWHERE_API_KEY"),
        ],
        "litellm_settings": {"drop_params": True},
    }
    with gateway(tmp_path_factory.mktemp("gateway"), config) as running:
        yield running


@pytest.fixture(scope="session")
def full_stack(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """compose.yaml with a stand-in for a provider, and vui without its speech workers."""
    folder = tmp_path_factory.mktemp("full")
    with stack(folder, "full", ["gateway", "vui", "provider"], overlay=True) as up:
        yield up
