"""Files that nobody else may read, or put something in the place of."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.private_files import private_folder, write_by_rename


def test_a_file_is_replaced_whole_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_by_rename(path, "one")
    write_by_rename(path, b"two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_somebody_left_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "x.new").symlink_to(tmp_path / "victim")
    write_by_rename(tmp_path / "x.json", "mine")
    assert (tmp_path / "victim").read_text() == "kept"


def test_a_folder_is_made_for_us_alone(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "own")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder(folder) == folder


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    with pytest.raises(PermissionError, match="remove it"):
        private_folder(tmp_path / "open")


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(PermissionError):
        private_folder(tmp_path / "link")
