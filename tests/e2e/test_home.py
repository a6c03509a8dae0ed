"""A model on the user's own machine, behind the stack as a user runs it, and vui's turn-taking."""

from __future__ import annotations

import asyncio
import functools
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from vui.serving.stream import prompts

from tests.conftest import require
from tests.support import llama
from tests.support.fillers import FILLERS
from tests.support.harness import free_port, http
from tests.support.llama import NotInstalled, llama_server
from tests.support.page import Page, open_page
from tests.support.poll import until, wait_until
from tests.support.stack import Stack
from vui_litellm.errors import SERVER_AWAY

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]

REPLY = ["Oh, good question.", "The moon pulls at the sea."]
ENDLESS = " And so on and on."
SLOTS = ("-c", "32768", "-np", "2", "--jinja")


@dataclass
class Home:
    """The stack, whose models are a server of the user's machine."""

    up: Stack
    gguf: Path
    folder: Path
    host: str  # this machine, as containers reach it

    def use(self, port: int) -> None:
        """Edit the configuration: every model is the server at this port from now on, since another
        test may have chosen one on vui's page.
        """
        path = self.up.folder / "litellm_config.yaml"
        config = yaml.safe_load(path.read_text())
        base = f"http://host.docker.internal:{port}/v1"
        own = {"model": "openai/tiny", "api_base": base, "api_key": "none"}
        names = [entry["model_name"] for entry in config["model_list"]]
        config["model_list"] = [{"model_name": n, "litellm_params": dict(own)} for n in names]
        before = self._deployments()
        path.write_text(yaml.safe_dump(config))
        wait_until(lambda: self._deployments() != before, 10, self.up.logs)

    def _deployments(self) -> list[str]:
        listed = http(f"{self.up.url}/model/info", key=self.up.key())[1]["data"]
        return [entry["model_info"]["id"] for entry in listed]


@pytest.fixture(scope="module")
def home(full_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    try:
        gguf = llama.model(prompts.build_soul(with_claude=False))
    except NotInstalled as error:
        require(False, f"a llama.cpp server ({error})")
        raise
    show = ["docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"]
    host = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    path = full_stack.folder / "litellm_config.yaml"
    before = path.read_text()
    try:
        yield Home(full_stack, gguf, tmp_path_factory.mktemp("home"), host)
    finally:
        path.write_text(before)


@pytest.fixture
async def page(home: Home) -> AsyncIterator[Page]:
    vui = home.up.vui()
    http(f"{vui.url}/reset", {})
    async with open_page(vui) as opened:
        yield opened


def spoken(chunks: list[str]) -> list[str]:
    """Without what is said while the reply is awaited."""
    return [chunk for chunk in chunks if chunk not in FILLERS]


async def test_a_model_at_home_answers_and_after_it_was_killed_the_next_turn_works(
    home: Home, page: Page
) -> None:
    grammar, port = llama.says(f" {' '.join(REPLY)}"), free_port()
    own = functools.partial(llama_server, grammar=grammar, host=home.host, port=port)
    with own(home.folder / "first", home.gguf, *SLOTS):
        home.use(port)
        for question in ("Why are there tides?", "And without a moon?"):
            assert spoken(await page.say(question, seconds=60)) == REPLY
    assert spoken(await page.say("Are you there?", seconds=60)) == [SERVER_AWAY]
    with own(home.folder / "second", home.gguf, *SLOTS):
        assert spoken(await page.say("And now?", seconds=60)) == REPLY


async def test_a_barge_in_frees_the_slot_of_a_server_at_home(home: Home, page: Page) -> None:
    endless, folder = llama.says(ENDLESS, times="{400}"), home.folder / "endless"
    with llama_server(folder, home.gguf, *SLOTS, grammar=endless, host=home.host) as server:
        home.use(int(server.url.rpartition(":")[2]))
        await page.hear("Tell me a story.")
        await page.wait_for("reply", seconds=60)
        assert await asyncio.to_thread(lambda: server.busy)
        await page.recognise({"type": "vad_start"})
        await until(lambda: not server.busy, 10, "its slots are free")
