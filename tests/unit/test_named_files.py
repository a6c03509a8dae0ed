"""Files beside the configuration that it names: which are shown to the gateway, and which cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vui_gateway.env_file import read_env_file
from vui_gateway.mirror import Mirror
from vui_gateway.named_files import missing, named_in
from vui_gateway.settings import Settings, file_marks, named_files

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


@pytest.mark.parametrize("value", ["./my adc.json", '"./my adc.json" # mine', "'./my adc.json'"])
def test_a_name_with_a_space_is_a_name(value: str) -> None:
    assert named_in(f"a: {{b: 1}}\nvertex_credentials: {value}\n") == ["my adc.json"]
    assert named_in("about: it reads my adc.json\n") == []


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


def test_an_edit_of_a_named_file_is_noticed(folders: tuple[Path, Path]) -> None:
    source, _ = folders
    before = file_marks(source, named_files(source))
    (source / "adc.json").write_text("another one")
    assert file_marks(source, named_files(source)) != before


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


def test_a_variable_whose_file_is_not_there_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SSL_CERT_FILE=./ca.pem\nOTHER=1\nA_KEY=my.key\n")
    found, said = read_env_file(tmp_path / ".env")
    assert found == {"OTHER": "1", "A_KEY": "my.key"}
    assert said == [
        "SSL_CERT_FILE in .env: ./ca.pem isn't there. "
        "Put the file beside litellm_config.yaml, and write its name as ./ca.pem."
    ]
    (tmp_path / "ca.pem").touch()
    settings = Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path)})
    assert settings.env["SSL_CERT_FILE"] == "./ca.pem"


def test_names_are_found_in_a_long_line_at_once() -> None:
    assert named_in("a: " + "b.json" * 100_000 + "!") == []
