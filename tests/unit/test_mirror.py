"""The gateway's copies of the user's files: which there are, and which there never are."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest
from vui_gateway.mirror import Mirror

CONFIG = """\
model_list:
  - model_name: a
    litellm_params:
      model: vertex_ai/gemini-2.5-flash
      vertex_credentials: ./adc.json
  - {model_name: b, litellm_params: {model: openai/b, ssl_verify: "certificates/ca.pem"}}
# ssl_verify: ./old.pem
litellm_settings: {ssl_certificate: 'client.PEM'} # in one line
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "certificates").mkdir(parents=True)
    target.mkdir()
    for name in ("adc.json", "certificates/ca.pem", "client.PEM", "old.pem", "package.json"):
        (source / name).write_text(name)
    (source / "litellm_config.yaml").write_text(CONFIG)
    (source / ".env").write_text("")
    return source, target


def copies(target: Path) -> list[str]:
    return sorted(
        str(path.relative_to(target))
        for path in target.rglob("*")
        if path.is_file() and path.name not in (".env", "litellm_config.yaml")
    )


def test_the_files_that_the_configuration_names_are_shown_and_no_others(
    folders: tuple[Path, Path],
) -> None:
    source, target = folders
    Mirror(source, target).copy()
    assert copies(target) == ["adc.json", "certificates/ca.pem", "client.PEM"]
    assert (target / "adc.json").read_text() == "adc.json"
    assert (target / "adc.json").stat().st_mode & 0o777 == 0o440


def test_a_file_that_the_env_file_names_is_shown(folders: tuple[Path, Path]) -> None:
    source, target = folders
    (source / ".env").write_text('SSL_CERT_FILE="./old.pem"\nexport CERT=package.json # mine\n')
    Mirror(source, target).copy()
    assert {"old.pem", "package.json"} < set(copies(target))


def test_a_file_that_is_no_longer_named_or_there_is_no_longer_shown(
    folders: tuple[Path, Path],
) -> None:
    source, target = folders
    mirror = Mirror(source, target)
    mirror.copy()
    (source / "adc.json").unlink()
    (source / "litellm_config.yaml").write_text("ssl_verify: old.pem\nvertex: adc.json\n")
    mirror.copy()
    assert copies(target) == ["old.pem"]
    (source / "adc.json").write_text("new")
    mirror.copy()
    assert (target / "adc.json").read_text() == "new"


@pytest.mark.parametrize(
    "path",
    ["../secret.json", "a/../../secret.json", "{folder}/secret.json", "link.json", "pipe.json",
     "circle.json", "nul\0.json", "folder.json", "x" * 5000 + ".json", ".git/config"],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder_or_stops_the_copies(
    folders: tuple[Path, Path], path: str
) -> None:
    source, target = folders
    (source.parent / "secret.json").write_text("secret")
    (source / "link.json").symlink_to("../secret.json")
    (source / "circle.json").symlink_to("circle.json")
    (source / "folder.json").mkdir()
    os.mkfifo(source / "pipe.json")
    named = path.format(folder=source.parent)
    (source / "litellm_config.yaml").write_text(f"vertex_credentials: {named}\n")
    Mirror(source, target).copy()
    assert copies(target) == []
    assert (target / "litellm_config.yaml").exists()


def test_the_named_files_together_are_no_larger_than_a_megabyte(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = folders
    for name in ("a.pem", "b.pem"):
        (source / name).write_bytes(b"-" * 600_000)
    (source / "litellm_config.yaml").write_text("x: a.pem\ny: b.pem\n")
    Mirror(source, target).copy()
    assert (target / "a.pem").stat().st_size == 600_000
    assert (target / "b.pem").stat().st_size == 0
    assert "b.pem can't be read (File too large)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../vui.env", ".env can't be read (it is a link out of the folder). Put the file itself "),
        ("/nowhere/vui.env", ".env can't be read (it is a link out of the folder). Put the file "),
        ("circle.json", ".env can't be read (Too many levels of symbolic links). "),
        (".env.later", ""),
    ],
)
def test_an_env_file_that_is_a_link_out_of_the_folder_is_named_and_not_taken_for_none(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], target: str, said: str
) -> None:
    source, copied = folders
    (source / "circle.json").symlink_to("circle.json")
    (source / ".env").unlink()
    (source / ".env").symlink_to(target)
    Mirror(source, copied).copy()
    assert said in capsys.readouterr().err
    assert (copied / ".env").exists() == bool(said)


def test_a_pipe_in_place_of_the_env_file_stops_no_copies(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = folders
    (source / ".env").unlink()
    os.mkfifo(source / ".env")
    copies = Thread(target=Mirror(source, target).copy, daemon=True)
    copies.start()
    copies.join(3)
    assert not copies.is_alive()
    assert ".env can't be read (it is no file)" in capsys.readouterr().err
    assert (target / "litellm_config.yaml").exists()
