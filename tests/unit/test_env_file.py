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


@pytest.mark.parametrize("line", ["A=x\0y", "$env:A=x", "A B=x", "1A=x", "{A}=x"])
def test_what_no_process_can_have_as_a_variable_is_named_and_the_others_count(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / ".env").write_text(f"{line}\nGROQ_API_KEY=k\nB.c-d=1\n")
    found, said = read_env_file(tmp_path / ".env")
    assert found == {"GROQ_API_KEY": "k", "B.c-d": "1"}
    why = "this line can't be read, and is ignored. Write it as NAME=value."
    assert said == [f"{tmp_path}/.env:1: {why}"]


@pytest.mark.parametrize("key", ["“sk-a”", "sk-a\u200b", "sk–a", "'sk\x07'"])
def test_a_key_that_no_header_can_carry_is_named_and_not_shown(tmp_path: Path, key: str) -> None:
    (tmp_path / ".env").write_text(f"GROQ_API_KEY={key}\nNAME=Zoë\nB_API_KEY=Bearer x\n")
    found, said = read_env_file(tmp_path / ".env")
    assert found == {"NAME": "Zoë", "B_API_KEY": "Bearer x"}
    assert said == [
        "GROQ_API_KEY in .env is ignored: it holds a character that no key has, such as a curly "
        "quote or one that can't be seen. Copy the key once more."
    ]


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SCW_SECRET_KEY", "HF_TOKEN"]
)
def test_a_curly_quote_is_named_in_every_providers_key(tmp_path: Path, name: str) -> None:
    (tmp_path / ".env").write_text(f"{name}=“abc”\nOCI_PRIVATE_KEY='a\nb'\n")
    found, (said,) = read_env_file(tmp_path / ".env")
    assert found == {"OCI_PRIVATE_KEY": "a\nb"}
    assert said.startswith(f"{name} in .env is ignored: it holds a character that no key has")


def test_a_secret_of_the_users_own_may_have_letters_of_any_alphabet(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OUR_TOKEN=pässwörd-42-ключ\n")
    assert read_env_file(tmp_path / ".env") == ({"OUR_TOKEN": "pässwörd-42-ключ"}, [])


@pytest.mark.parametrize(
    ("text", "value"), [("A=one\nB=x\nA=\n", ""), ("A=one\nB=x\nA=two\n", "two")]
)
def test_a_value_that_a_later_line_replaces_is_named(tmp_path: Path, text: str, value: str) -> None:
    (tmp_path / ".env").write_text(text)
    found, said = read_env_file(tmp_path / ".env")
    assert found.get("A", "") == value
    why = "A stands there twice, the last one counts. Remove one of them."
    assert said == [f"{tmp_path}/.env:3: {why}"]


@pytest.mark.parametrize("text", ["A=\nA=one\n", "A=one\nA=one\n"])
def test_a_second_line_that_replaces_no_value_is_named_nowhere(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_text(text)
    assert read_env_file(tmp_path / ".env") == ({"A": "one"}, [])


def test_a_variable_within_a_value_that_is_not_set_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTER", "o")
    text = "A=1\nB=${A}-${OUTER}-${LATER:-d}\nC=sk-${NOPE}x\nD=${LATER}\nLATER=2\n"
    (tmp_path / ".env").write_text(text)
    found, said = read_env_file(tmp_path / ".env")
    assert (found["B"], found["C"]) == ("1-o-d", "sk-x")
    why = "names a variable as ${…} that is not set above, and is read without it. Set it first."
    assert said == [f"{tmp_path}/.env:{line}: {name} {why}" for line, name in ((3, "C"), (4, "D"))]


def test_without_the_file_there_are_no_variables(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == ({}, [])


@pytest.mark.parametrize("text", [b"A=\xff", "A=1".encode("utf-16")])
def test_one_that_is_no_utf_8_says_its_cure(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".env").write_bytes(text)
    with pytest.raises(
        SettingError, match=r"\.env is no UTF-8 text\. Save it as UTF-8\.$"
    ) as refused:
        read_env_file(tmp_path / ".env")
    assert refused.value.spoken == "The env file is no UTF-8 text. Save it as UTF-8."


def test_a_folder_of_its_name_says_its_cure(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingError, match=r"is a folder\. Remove it, and put the file there\.$"):
        read_env_file(tmp_path / ".env")


def test_a_mark_at_its_beginning_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert read_env_file(tmp_path / ".env") == ({"A": "1", "B": "2"}, [])


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A={'x' * 2_000_000}\n")
    with pytest.raises(SettingError, match=r"\.env is larger than 1 MB\. Is it the right file\?$"):
        read_env_file(tmp_path / ".env")
