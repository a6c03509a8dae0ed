"""The command lines: exit codes, and one line for what can't be used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.cli import _status, main
from vui_gateway.keys.page_tokens import PAGE_ADDRESS, is_good
from vui_gateway.status import Status

from tests.support.harness import free_port
from vui_litellm import cli as vuis_cli
from vui_litellm.settings import SettingError
from vui_litellm.tools.preflight import GatewayUnusable, NoVoice


@pytest.mark.parametrize(
    ("edited", "said"),
    [(False, "The files can't be used: :2: x."), (True, "The last edit was refused: :2: x.")],
)
def test_files_that_were_broken_at_the_start_are_no_refused_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edited: bool, said: str
) -> None:
    path = tmp_path / "status.json"
    path.write_text(Status(error=":2: x.", edited=edited).model_dump_json())
    settings: Any = SimpleNamespace(status_file=path)
    assert _status(settings) == 1
    assert capsys.readouterr().out.splitlines()[2] == said


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VUI_GATEWAY_PROJECT", str(tmp_path))
    monkeypatch.setenv("VUI_LITELLM_KEY_FILE", str(tmp_path / "key"))
    return tmp_path


def test_the_key_is_shown_as_it_is_in_its_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "key").write_text("sk-0123456789abcdef\n")
    assert main(["key"]) == 0
    assert capsys.readouterr().out == "sk-0123456789abcdef\n"


def test_without_a_key_yet_it_is_said_in_one_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("key", "page"):
        assert main([command]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("vui-gateway: ")
        assert f"{project}/key" in line


def test_the_pages_address_opens_it_for_a_few_minutes(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "key").write_text("sk-0123456789abcdef\n")
    monkeypatch.setenv("VUI_GATEWAY_PORT", "4001")
    assert main(["page"]) == 0
    printed = capsys.readouterr()
    address, _, token = printed.out.strip().partition("/#")
    assert address == "http://127.0.0.1:4001"
    assert is_good(token, "sk-0123456789abcdef", PAGE_ADDRESS)
    assert "on this machine" in printed.err


def test_where_nothing_listens_the_gateway_is_not_healthy(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VUI_GATEWAY_PORT", str(free_port()))
    assert main(["health"]) == 1


def test_a_setting_that_cannot_be_used_is_said_in_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VUI_GATEWAY_PORT", "many")
    assert main(["health"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vui-gateway: VUI_GATEWAY_PORT is ")


def test_an_env_file_that_cannot_be_used_keeps_nobody_from_the_key(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "key").write_text("sk-0123456789abcdef\n")
    (project / ".env").write_text("VUI_LITELLM_BUDGET=a lot\n")
    assert main(["key"]) == 0
    assert main(["check-config"]) == 2
    assert "VUI_LITELLM_BUDGET is " in capsys.readouterr().err


@pytest.mark.parametrize("fails", [True, False])
def test_a_login_says_how_it_ended(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    def login(provider: str) -> None:
        assert provider == "chatgpt"
        if fails:
            raise RuntimeError("the code has expired")

    monkeypatch.setattr("vui_gateway.litellm_proxy.sign_in.sign_in", login)
    assert main(["sign-in", "chatgpt"]) == fails
    said = capsys.readouterr()
    if fails:
        assert "the code has expired" in said.err
    else:
        assert "signed in to chatgpt: " in said.out


# ---- vui's side


@pytest.fixture
def vuis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("warn_if_untested", "use_timezone"):
        monkeypatch.setattr(vuis_cli, name, lambda: None)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoVoice("There is no GPU."), 0),  # nothing starts it again
        (GatewayUnusable("It is away."), 2),
        (SettingError("VUI_LITELLM_URL is none."), 2),
    ],
)
def test_what_stands_in_vuis_way_is_said_in_one_line(
    vuis: None,
    error: Exception,
    status: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(vuis_cli.launcher, "serve", fail)
    assert vuis_cli.main(["serve"]) == status
    assert capsys.readouterr().err == f"vui-litellm: {error}\n"


def test_arguments_that_nobody_knows_are_vuis_own_at_serve_and_refused_elsewhere(
    vuis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(vuis_cli.launcher, "serve", given.extend)
    assert vuis_cli.main(["serve", "--port", "9000"]) == 0
    assert given == ["--port", "9000"]
    with pytest.raises(SystemExit):
        vuis_cli.main(["doctor", "--port", "9000"])


def test_a_conversation_that_ends_with_a_bug_is_one_sentence_and_a_check_is_a_traceback(
    vuis: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vuis_cli.tools, "run", lambda _: 1 / 0)
    assert vuis_cli.main(["chat"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ZeroDivisionError: division by zero; " in line
    with pytest.raises(ZeroDivisionError):
        vuis_cli.main(["check"])
