"""Edits of litellm_config.yaml and .env while the gateway runs."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model, paid
from tests.support.poll import wait_until
from tests.support.report import LONG, record

EDITS, UNDER_LOAD = (1000, 200) if LONG else (200, 60)
IN_FORCE = 2.0  # seconds that an edit may take


class Edited:
    """A gateway, and the file that it is configured by."""

    def __init__(self, program: Program, base: str) -> None:
        self.program = program
        self.base = base
        self.path = program.project / "litellm_config.yaml"

    def text(self, *names: str) -> str:
        models = [openai_model(name, self.base) for name in ("stays", *names)]
        return yaml.safe_dump(
            paid({"model_list": models, "litellm_settings": {"drop_params": True}})
        )

    def served(self) -> set[str]:
        models = http(f"{self.program.url}/v1/models", key=self.program.key)[1]["data"]
        return {model["id"] for model in models} - {"vui", "demo"}

    def until_served(self, *names: str) -> float:
        """Seconds until exactly these models are served."""
        began = time.monotonic()
        wanted = {"stays", *names}
        wait_until(lambda: self.served() == wanted, 10, lambda: f"{self.served()} is {wanted}")
        return time.monotonic() - began

    def turn(self, model: str = "stays") -> httpx.Response:
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"Authorization": f"Bearer {self.program.key}"}
        url = f"{self.program.url}/v1/chat/completions"
        return httpx.post(url, json=body, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    with serving(OpenAI().app) as url:
        config = {"model_list": [openai_model("stays", f"{url}/v1")]}
        with gateway(tmp_path_factory.mktemp("edited"), config) as program:
            yield Edited(program, f"{url}/v1")


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    draft = path.with_suffix(".swp")
    draft.write_text(text)
    draft.replace(path)


def in_two_halves(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        time.sleep(0.05)
        file.write(text[len(text) // 2 :])


def emptied_first(path: Path, text: str) -> None:
    path.write_text("")
    time.sleep(0.02)
    path.write_text(text)


def deleted_first(path: Path, text: str) -> None:
    path.unlink()
    time.sleep(0.02)
    path.write_text(text)


WAYS: tuple[Callable[[Path, str], None], ...] = (
    in_place, by_rename, in_two_halves, emptied_first, deleted_first,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_good_edit_is_in_force_within_two_seconds(
    edited: Edited, way: Callable[[Path, str], None]
) -> None:
    took = []
    for name in ("one", "two", "three"):
        way(edited.path, edited.text(name))
        took.append(edited.until_served(name))
        assert edited.turn(name).text.endswith("data: [DONE]\n\n")
    assert max(took) < IN_FORCE
    record("edits", way.__name__.replace("_", " "), f"in force after {max(took):.2f} s at the most")


@pytest.mark.parametrize(
    ("broken", "line", "said"),
    [
        ("", 1, "empty"),
        (None, "", "there is no such file"),
        ("model_list: [\n", 2, "Check the indentation"),
        ("model_list:\n  - model_name: x\n    litellm_params: {model: opnai/x}\n", 3, "'openai'"),
        ("model_lst: []\n", 1, "'model_list'"),
    ],
)
def test_a_broken_edit_changes_nothing_and_is_reported_with_its_cure(
    edited: Edited, broken: str | None, line: int | str, said: str
) -> None:
    in_place(edited.path, edited.text("good"))
    edited.until_served("good")
    if broken is None:
        edited.path.unlink()
    else:
        edited.path.write_text(broken)
    told = re.compile(rf"{re.escape(str(edited.path))}:?{line}: .*{re.escape(said)}")
    wait_until(lambda: told.search(edited.program.status().stdout), 5, edited.program.status)
    wait_until(lambda: said in edited.program.log, 5, "the log says it")  # after the status
    assert edited.program.status().returncode == 1
    assert edited.served() == {"stays", "good"}
    assert edited.turn("good").status_code == 200
    in_place(edited.path, edited.text("good"))
    wait_until(lambda: edited.program.status().returncode == 0, 5, "the status is well again")


def test_a_model_that_an_edit_leaves_alone_keeps_its_cooldown(tmp_path: Path) -> None:
    with serving((sick := OpenAI()).app) as one, serving((well := OpenAI()).app) as two:

        def text(*more: str) -> str:
            models = [
                openai_model("m", f"{one}/v1", order=1), openai_model("m", f"{two}/v1", order=2),
                *(openai_model(name, f"{two}/v1") for name in more),
            ]  # fmt: skip
            return yaml.safe_dump(paid({"model_list": models}))

        with gateway(tmp_path, text()) as program:
            edited = Edited(program, "")
            sick.clear(fault=500)
            assert edited.turn("m").text.endswith("data: [DONE]\n\n")
            in_place(edited.path, text("new"))
            wait_until(lambda: "new" in edited.served(), 10, "the edit is in force")
            assert "is cooling down for" in edited.program.status().stdout
            assert edited.turn("m").text.endswith("data: [DONE]\n\n")
    assert len(sick.seen) == 1
    assert len(well.seen) == 2


def test_a_key_that_is_put_into_env_serves_its_model(edited: Edited) -> None:
    entry = openai_model("keyed", edited.base, api_key="os.environ/LATE_API_KEY")
    config = yaml.safe_load(edited.text())
    config["model_list"].append(entry)
    in_place(edited.path, yaml.safe_dump(config))
    unset = "LATE_API_KEY is not set"
    wait_until(lambda: unset in edited.program.status().stdout, 5, unset)
    edited.until_served()
    (edited.program.project / ".env").write_text("LATE_API_KEY=sk-late\n")
    took = edited.until_served("keyed")
    assert took < IN_FORCE
    assert edited.turn("keyed").status_code == 200
    record("edits", "a key put into .env", f"its model is served after {took:.2f} s")


def test_a_new_gateway_key_in_env_replaces_the_old_one(tmp_path: Path) -> None:
    demo = {"model_name": "demo", "litellm_params": {"model": "openai/d", "mock_response": "Hi."}}
    (tmp_path / ".env").write_text("VUI_LITELLM_KEY=sk-first-0123456789\n")
    with gateway(tmp_path, {"model_list": [demo]}, key=None) as program:
        assert http(f"{program.url}/v1/models", key="sk-first-0123456789")[0] == 200
        (tmp_path / ".env").write_text("VUI_LITELLM_KEY=sk-second-0123456789\n")

        def taken() -> bool:
            return http(f"{program.url}/v1/models", key="sk-second-0123456789")[0] == 200

        wait_until(taken, IN_FORCE, "the new key is in force")
        assert http(f"{program.url}/v1/models", key="sk-first-0123456789")[0] == 401
        assert (tmp_path / "key").read_text() == "sk-second-0123456789\n"  # what vui reads


@pytest.mark.timeout(400)
def test_many_edits_end_in_the_last_one(edited: Edited) -> None:
    choice = random.Random(4)
    for count in range(EDITS):
        way = choice.choice(WAYS[:3])
        text = edited.text(f"m{count}") if count % 7 else "model_list: ["
        way(edited.path, text)
        time.sleep(0.005)
    in_place(edited.path, edited.text("last"))
    took = edited.until_served("last")
    assert took < IN_FORCE
    assert edited.turn("last").status_code == 200
    record("edits", "edits in a row", f"{EDITS}: the last one in force after {took:.2f} s", LONG)


@pytest.mark.timeout(400)
def test_no_turn_is_lost_while_the_file_is_edited(edited: Edited) -> None:
    """Two turns a second, and an edit every 0.3 s."""
    failed: list[str] = []
    turns = 0
    done = threading.Event()

    def talk() -> None:
        nonlocal turns
        while not done.is_set():
            answer = edited.turn()
            turns += 1
            if not answer.text.endswith("data: [DONE]\n\n") or '"error"' in answer.text:
                failed.append(answer.text[:200])
            done.wait(0.5)

    talker = threading.Thread(target=talk)
    talker.start()
    choice = random.Random(5)
    for count in range(UNDER_LOAD):
        choice.choice(WAYS)(edited.path, edited.text(f"m{count}") if count % 5 else "- broken")
        time.sleep(0.28)
    done.set()
    talker.join(30)
    assert not failed
    assert turns > UNDER_LOAD / 4
    in_place(edited.path, edited.text())
    record("edits", "edits under load", f"{UNDER_LOAD}: {turns} turns, {len(failed)} failed", LONG)
