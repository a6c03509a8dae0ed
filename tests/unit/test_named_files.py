"""Files beside the configuration that it names: which are shown to the gateway, and which cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vui_gateway.named_files import missing, named_in, read_text
from vui_gateway.settings import file_marks, named_files


@pytest.mark.parametrize("value", ["./my adc.json", '"./my adc.json" # mine', "'./my adc.json'"])
def test_a_name_with_a_space_is_a_name(value: str) -> None:
    assert named_in(f"a: {{b: 1}}\nvertex_credentials: {value}\n") == ["my adc.json"]
    assert named_in("about: it reads my adc.json\n") == []


def test_an_edit_of_a_named_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "litellm_config.yaml").write_text("vertex_credentials: ./adc.json\n")
    (tmp_path / "adc.json").write_text("one")
    before = file_marks(tmp_path, named_files(tmp_path))
    (tmp_path / "adc.json").write_text("another one")
    assert file_marks(tmp_path, named_files(tmp_path)) != before


@pytest.mark.parametrize(
    "path", ["./lost.json", "/home/ann/lost.json", "~/lost.json", r"C:\keys\lost.json"]
)
def test_a_file_that_is_not_there_has_its_cure(tmp_path: Path, path: str) -> None:
    cure = "Put the file beside litellm_config.yaml, and write its name as ./lost.json."
    assert missing(path, tmp_path) == cure


@pytest.mark.parametrize(
    "value", ['{"type": "service_account"}', "https://a.example/x.json", True, "os.environ/A", "a"]
)
def test_what_is_no_path_is_no_lost_file(tmp_path: Path, value: object) -> None:
    assert missing(value, tmp_path) == ""


def test_names_are_found_in_a_long_line_at_once() -> None:
    assert named_in("a: " + "b.json" * 100_000 + "!") == []


@pytest.mark.timeout(10)
def test_an_endless_file_and_a_pipe_that_nobody_writes_to_hold_nobody(tmp_path: Path) -> None:
    (tmp_path / "endless").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="File too large"):
        read_text(tmp_path / "endless")
    assert read_text(tmp_path / "pipe") == ""
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert read_text(tmp_path / "text") == "a\nb"
