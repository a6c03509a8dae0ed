from pathlib import Path

import pytest
from vui_gateway.keys.clients import Client, Keys
from vui_gateway.keys.owner import load_key, new_key
from vui_gateway.settings import SettingError, Settings
from vui_gateway.state.entries import State


def settings(path: Path, key: str = "") -> Settings:
    folder = str(path.parent)
    given = {"VUI_LITELLM_KEY_FILE": str(path), "VUI_LITELLM_KEY": key}
    return Settings.load({"VUI_GATEWAY_PROJECT": folder, **given})


def test_two_first_starts_make_two_keys(tmp_path: Path) -> None:
    assert load_key(settings(tmp_path / "a")) != load_key(settings(tmp_path / "b"))


def test_a_new_key_replaces_the_kept_one_although_its_file_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_key(settings(path))
    assert load_key(settings(path, "sk-new-0123456789")) == "sk-new-0123456789"
    assert path.read_text() == "sk-new-0123456789\n"
    assert path.stat().st_mode & 0o777 == 0o440


def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="VUI_LITELLM_KEY") as caught:
        load_key(settings(tmp_path / "key", "sk sixteen-söcrets"))
    assert "cret" not in str(caught.value)


def test_a_volume_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="can't be read or written"):
        load_key(settings(tmp_path / "no" / "such" / "folder" / "key"))


def test_a_client_is_known_by_the_hash_of_its_key_and_the_owner_by_the_key() -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    made = {}
    for name in ("attic", "kitchen"):
        made[name], digest = new_key()
        state.put("clients", name, Client(name=name, digest=digest).value(), 1)
    found = {name: keys.find(f"Bearer {key}") for name, key in made.items()}
    assert {name: client and client.name for name, client in found.items()} == dict(
        zip(made, made, strict=True)
    )
    owner = keys.find("bearer sk-owner-0123456789")
    assert owner
    assert owner.name == "owner"
    for wrong in ("", "Bearer", "Bearer ", f"Basic {made['attic']}", made["attic"], "Bearer sk-x"):
        assert keys.find(wrong) is None
    digest = state.get("clients", "attic")["digest"]
    assert keys.find(f"Bearer {digest}") is None


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, {"digest": "0"}, {"digest": "0" * 64, "calls": 0}]
)
def test_what_is_no_client_opens_nothing(value: object) -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", "x", value, 1)
    assert keys.clients == []
