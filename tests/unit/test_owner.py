"""The owner's key and its file."""

from pathlib import Path

import pytest
from vui_gateway.keys.owner import load_key
from vui_gateway.settings import SettingError, Settings


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
