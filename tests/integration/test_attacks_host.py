"""Attacks by others on the same machine: what containers see, and what lies in shared folders."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from vui_gateway.keys.owner import load_key
from vui_gateway.mirror import Mirror
from vui_gateway.settings import SettingError, Settings

from tests.support import report
from tests.support.harness import ROOT, gateway, http
from tests.support.poll import wait_until
from vui_litellm.settings import Settings as VuiSettings

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if "build" in service]
DEMO = {"model_name": "demo", "litellm_params": {"model": "openai/demo", "mock_response": "Hi."}}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A user's folder with a remote's token in it, and where the copies go."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / ".git").mkdir(parents=True)
    (source / ".git" / "config").write_text("url = https://me:ghp_token@example.com/a.git\n")
    (source / ".env").write_text("OPENAI_API_KEY=sk-a\n")
    (source / "litellm_config.yaml").write_text("model_list: [a]\n")
    target.mkdir()
    return source, target


def test_the_gateway_is_shown_two_files_of_the_folder(folders: tuple[Path, Path]) -> None:
    source, target = folders
    Mirror(source, target).copy()
    assert sorted(path.name for path in target.iterdir()) == [".env", "litellm_config.yaml"]
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o440}
    report.attack(
        "Look around in the gateway's container for the user's folder",
        "219 files, `.git/config` with its token among them",
        "`litellm_config.yaml` and `.env`",
    )


@pytest.mark.parametrize(
    "edit",
    ["sed -i s/.a./[b]/ F", "echo 'model_list: [b]' > F", "sed s/.a./[b]/ F > new; mv new F"],
    ids=["sed -i", "in place", "mv"],
)
def test_an_edit_is_copied_however_it_is_made(folders: tuple[Path, Path], edit: str) -> None:
    source, target = folders
    mirror = Mirror(source, target)
    mirror.copy()
    subprocess.run(["sh", "-c", edit.replace("F", "litellm_config.yaml")], cwd=source, check=True)
    mirror.copy()
    assert (target / "litellm_config.yaml").read_text() == "model_list: [b]\n"


def test_a_file_that_is_deleted_is_deleted_from_the_copies(folders: tuple[Path, Path]) -> None:
    source, target = folders
    mirror = Mirror(source, target)
    mirror.copy()
    (source / ".env").unlink()
    mirror.copy()
    assert [path.name for path in target.iterdir()] == ["litellm_config.yaml"]


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.mkdir(), lambda path: path.write_bytes(b"#" * 1_000_001)],
    ids=["a folder", "1 MB"],
)
def test_a_file_that_cannot_be_copied_is_one_that_the_gateway_cannot_read(
    folders: tuple[Path, Path], spoil: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = folders
    mirror = Mirror(source, target)
    mirror.copy()
    (source / ".env").unlink()
    spoil(source / ".env")
    mirror.copy()
    mirror.copy()
    assert (target / ".env").stat().st_mode & 0o777 == 0
    assert capsys.readouterr().err.count("config: .env can't be read") == 1
    assert (target / "litellm_config.yaml").read_text() == "model_list: [a]\n"


LOCALTIME = {  # one file, that tells the time zone
    "type": "bind", "source": "${VUI_LITELLM_LOCALTIME:-/etc/localtime}",
    "target": "/run/host/localtime", "read_only": True, "bind": {"create_host_path": False},
}  # fmt: skip


def test_a_copy_that_failed_for_a_moment_is_made_again(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = folders
    mirror = Mirror(source, target)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("vui_gateway.mirror.write_by_rename", full)
        for _ in range(3):
            mirror.copy()
    assert capsys.readouterr().err.count("No space left") <= 2
    assert not list(target.iterdir())
    mirror.copy()
    assert len(list(target.iterdir())) == 2


def test_no_service_but_the_copier_sees_a_folder_of_the_host() -> None:
    shown = {
        name: [
            mount
            for mount in service.get("volumes", [])
            if (mount != LOCALTIME if isinstance(mount, dict) else mount.startswith((".", "/")))
        ]
        for name, service in COMPOSE["services"].items()
    }
    assert LOCALTIME not in COMPOSE["services"]["gateway"]["volumes"]
    assert {name: mounts for name, mounts in shown.items() if mounts} == {
        "config": [".:/project:ro"]
    }
    assert COMPOSE["services"]["config"]["network_mode"] == "none"


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_is_without_rights_and_bounded(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["SETUID"] if name == "config" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert service["ulimits"] == {"core": 0}
    assert all(re.search(r"[:,]size=\d+[mg]\b", mount) for mount in service.get("tmpfs", []))


@pytest.mark.parametrize("file", ["gateway/Dockerfile", "src/Dockerfile"])
def test_an_image_stands_on_one_base_that_can_be_pinned(file: str) -> None:
    text = (ROOT / file).read_text()
    stages = re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE)
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - set(stages)
    assert bases == {"${PYTHON_IMAGE}"}
    assert not re.search(r"apt-get (dist-)?upgrade", text)


def status(folder: Path) -> subprocess.CompletedProcess[str]:
    """`vui-gateway status` where `/tmp` is this folder."""
    env = {**os.environ, "TMPDIR": str(folder), "VUI_GATEWAY_PROJECT": str(folder)}
    env.pop("XDG_RUNTIME_DIR", None)
    command = [sys.executable, "-m", "vui_gateway", "status"]
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=ROOT)


FORGED = {
    "served": ["\x1b]0;forged\x07"], "left_out": [], "needs_restart": [], "since": 0, "error": None,
    "session": {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0},
    "today": 0, "budget": None, "cooling": [],
}  # fmt: skip


@pytest.mark.parametrize("how", ["linked", "open to all", "a file in /tmp"])
def test_status_shows_nothing_that_others_can_have_written(tmp_path: Path, how: str) -> None:
    folder = tmp_path / f"vui-gateway-{os.getuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if how == "linked":
        folder.symlink_to(elsewhere)
    elif how == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    for planted in (folder / "4000.json", tmp_path / "vui-gateway-4000.json"):
        if planted.parent.exists():
            planted.write_text(json.dumps(FORGED))
    shown = status(tmp_path)
    assert "forged" not in shown.stdout + shown.stderr
    assert shown.returncode == 2
    report.attack(
        "Another user of the machine puts `/tmp/vui-gateway-4000.json` there first",
        "`vui-gateway status` prints it, escape sequences too",
        "a folder of our own with mode 0700; refused when it isn't",
    )


def test_the_status_is_for_its_user_alone(tmp_path: Path) -> None:
    env = {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": ""}
    with gateway(tmp_path / "project", {"model_list": [DEMO]}, env) as running:
        folder = tmp_path / f"vui-gateway-{os.getuid()}"
        wait_until(lambda: list(folder.glob("*.json")), 10, "the status is written")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert running.process.poll() is None


SHORT, LONG_ENOUGH = "sk-fifteen-char", "sk-sixteen-chars"


def gateway_settings(folder: Path, **env: str) -> Settings:
    own = {"VUI_GATEWAY_PROJECT": str(folder), "VUI_LITELLM_KEY_FILE": str(folder / "key")}
    return Settings.load({**own, **env})


def test_a_key_that_can_be_guessed_is_refused_by_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway_settings(tmp_path, VUI_LITELLM_KEY=LONG_ENOUGH).key == LONG_ENOUGH
    with pytest.raises(SettingError, match="VUI_LITELLM_KEY .*shorter than 16") as refused:
        gateway_settings(tmp_path, VUI_LITELLM_KEY=SHORT)
    assert SHORT not in str(refused.value)
    monkeypatch.setenv("VUI_LITELLM_KEY", SHORT)  # somebody else's LiteLLM has rules of its own
    assert VuiSettings.from_env().key == SHORT
    report.attack(
        "Guess a key that a user chose: `VUI_LITELLM_KEY=a`",
        "taken",
        "fewer than 16 characters are refused by the gateway, in one sentence",
    )


def test_a_short_key_of_an_older_gateway_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SHORT + "\n")
    assert len(load_key(gateway_settings(tmp_path))) > 40


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("how", ["file", "link"])
def test_a_key_that_somebody_else_put_there_is_not_taken(tmp_path: Path, how: str) -> None:
    planted = tmp_path / ("key" if how == "file" else "elsewhere")
    planted.write_text("sk-known-to-somebody-else\n")
    if how == "link":
        (tmp_path / "key").symlink_to(planted)
    os.chown(tmp_path / "key", 4242, 4242, follow_symlinks=False)
    assert load_key(gateway_settings(tmp_path)) != "sk-known-to-somebody-else"
    report.attack(
        "Put a key file where the gateway keeps its key, before its first start",
        "taken: the gateway answers to a stranger's key",
        "a new key takes its place: a kept one must belong to the gateway's user or root",
    )


def test_an_edit_while_the_gateway_starts_is_not_lost(tmp_path: Path) -> None:
    """After a reboot Docker starts containers in any order: `.env` may come after the gateway."""
    ended = threading.Event()

    def edit() -> None:  # when the settings have been read, and LiteLLM is being imported
        while not (tmp_path / "key").exists() and not ended.wait(0.005):
            pass
        (tmp_path / ".env").write_text("VUI_LITELLM_KEY=sk-of-the-late-edit\n")

    late = threading.Thread(target=edit)
    late.start()
    try:
        with gateway(tmp_path, {"model_list": [DEMO]}, key=None) as running:
            models = f"{running.url}/v1/models"
            late_key = "sk-of-the-late-edit"
            wait_until(lambda: http(models, key=late_key)[0] == 200, 10, "the edit is in force")
    finally:
        ended.set()
        late.join()
