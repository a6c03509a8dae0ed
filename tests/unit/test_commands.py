"""`vui-gateway key`: what it writes, and what it refuses."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
