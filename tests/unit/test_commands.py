"""`vui-gateway key`: what it writes, and what it refuses."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.cli import main
from vui_gateway.keys.clients import Client
from vui_gateway.keys.commands import run
from vui_gateway.keys.owner import new_key
from vui_gateway.settings import SettingError, Settings
from vui_gateway.state.entries import State

DIGEST = new_key()[1]


def command(folder: Path, *words: str) -> None:
    settings = Settings.load({"VUI_LITELLM_KEY_FILE": str(folder / "key")}, env_file=False)
    given = dict(zip(("action", "name"), words, strict=True))
    limits: dict[str, None] = dict.fromkeys(("budget", "models", "calls"))
    run(settings, argparse.Namespace(**given, **limits))


def test_a_file_of_keys_that_is_half_written_loses_no_other_key(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    command(tmp_path, "add", "kitchen")
    path.write_text(half := path.read_text()[:-9])
    with pytest.raises(SettingError, match=r"clients.json can't be read .* Correct or remove it"):
        command(tmp_path, "add", "bath")
    assert path.read_text() == half


def test_a_key_that_is_not_taken_back_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, "add", "kitchen")
    put: Callable[..., None] = State.put

    def made_again(self: State, subject: str, name: str, value: Any, rank: float) -> None:
        put(self, subject, name, value, rank)
        put(self, subject, name, Client(name=name, digest=DIGEST).value(), rank + 1)

    monkeypatch.setattr(State, "put", made_again)
    with pytest.raises(SettingError, match="The key for kitchen is not taken back: try again"):
        command(tmp_path, "revoke", "kitchen")


# ---- the command line


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VUI_GATEWAY_PROJECT", str(tmp_path))
    monkeypatch.setenv("VUI_LITELLM_KEY_FILE", str(tmp_path / "key"))
    return tmp_path


BAD = {
    ("add", "Küche"): "'Küche' can't be a client's name. It is 1 to 32 of a-z",
    ("add", "owner"): "Choose another name.",
    ("add", "bath"): "There is a key for bath. Revoke it first, or choose another name.",
    ("add", "x", "--budget", "a lot"): "--budget is 'a lot'. Write US dollars per day",
    ("add", "x", "--budget", "nan"): "--budget is 'nan'",
    ("add", "x", "--calls", "0"): "--calls is '0'. Write a whole number from 1.",
    ("add", "x", "--calls", "1.5"): "--calls is '1.5'",
    ("add", "x", "--models", "a b"): "--models is 'a b'. Write names of models",
    ("add", "x", "--models", " , "): "--models is ' , '",
    ("revoke", "nobody"): "There is no key for 'nobody'. Existing keys: bath.",
}


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_what_can_not_be_is_said_with_its_cure_and_changes_nothing(
    project: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "add", "bath"]) == 0
    capsys.readouterr()
    before = (project / "clients.json").read_text()
    assert main(["key", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert BAD[words] in line
    assert (project / "clients.json").read_text() == before


def test_a_list_has_each_keys_limits_and_last_use_and_no_key_that_was_taken_back(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        "add kitchen --budget 0.5 --models vui,demo --calls 2", "add hall", "add bath",
        "revoke bath",
    ):  # fmt: skip
        assert main(["key", *words.split()]) == 0
    keys = capsys.readouterr().out.split()
    assert main(["key", "list"]) == 0
    head, hall, kitchen = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "name"
    assert hall.split()[0] == "hall"
    assert hall.endswith("never      0.0000 USD   -")
    assert kitchen.endswith("0.50 USD per day, 2 calls at once, vui, demo")
    assert len(set(keys)) == 3
    assert not [key for key in keys if key in (project / "clients.json").read_text()]
