"""The lines of .env, and what is said of those that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.env_file import read_env_file
from vui_gateway.errors import SettingError
from vui_gateway.settings import Settings


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


def test_a_line_that_is_no_variable_is_named_and_the_others_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROQ_API_KEY=k\n\nOPENAI_API_KEY: sk-secret\nTZ=UTC\n")
    found, said = read_env_file(tmp_path / ".env")
    assert found == {"GROQ_API_KEY": "k", "TZ": "UTC"}
    why = "this line can't be read, and is ignored. Write it as NAME=value."
    assert said == [f"{tmp_path}/.env:3: {why}"]


def test_an_empty_variable_is_unset_but_for_the_fillers_which_it_switches_off(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("A=\nB=' '\nVUI_LITELLM_FILLERS=\nC= c \n")
    assert read_env_file(tmp_path / ".env") == ({"VUI_LITELLM_FILLERS": "", "C": "c"}, [])


def test_without_the_file_there_are_no_variables_and_one_that_is_no_text_says_its_cure(
    tmp_path: Path,
) -> None:
    assert read_env_file(tmp_path / ".env") == ({}, [])
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(SettingError, match="must be a text file") as refused:
        read_env_file(tmp_path / ".env")
    assert (
        refused.value.spoken == "The env file can't be read. It must be a text file that is yours."
    )
