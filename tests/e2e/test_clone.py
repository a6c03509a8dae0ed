"""What a new user has: a clone without `.env`, and a folder that nobody else may read."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.harness import http
from tests.support.logs import lines_of, times_of
from tests.support.poll import wait_until
from tests.support.stack import Stack, stack

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def bare(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What a new user has: a clone, no .env."""
    with stack(tmp_path_factory.mktemp("bare"), "bare", ["gateway"]) as up:
        yield up


def test_a_clone_without_env_holds_a_conversation(bare: Stack) -> None:
    result = bare.chat("Hello")
    assert "I'm the demo" in result.stdout


def test_the_key_survives_a_new_container(bare: Stack) -> None:
    before = bare.key()
    assert http(f"{bare.url}/v1/models", key=before)[0] == 200
    bare.compose("down", "-t", "5")
    bare.compose("up", "-d", "--wait", "gateway")
    assert bare.key() == before
    assert bare.chat("Hello").returncode == 0


PRIVATE_KEY = "sk-from-a-private-file-5c1e"


@pytest.fixture(scope="module")
def private(bare: Stack) -> Stack:
    """The folder is a user's who lets nobody else read it, and neither its `.env`."""
    owner = os.getuid() or 1000
    env = bare.folder / ".env"
    env.touch(mode=0o600)
    env.write_text(f"VUI_LITELLM_KEY={PRIVATE_KEY}\nTZ=Asia/Kathmandu\n")
    for path in (bare.folder, env, bare.folder / "litellm_config.yaml"):
        os.chown(path, owner, -1)
    env.chmod(0o600)
    (bare.folder / "litellm_config.yaml").chmod(0o600)
    bare.folder.chmod(0o700)
    bare.compose("up", "-d", "--wait", "--force-recreate", "config", "gateway")
    return bare


def test_each_line_of_the_gateways_log_has_the_users_time(private: Stack) -> None:
    log = private.compose("logs", "--no-color", "--no-log-prefix", "gateway").stdout
    assert all(time.endswith("+05:45") for time in times_of(log))
    assert f"Ready at {private.url}" in lines_of(log)
    assert len(lines_of(log)) <= 5


def test_a_private_env_is_read_by_a_process_without_any_capability(private: Stack) -> None:
    assert http(f"{private.url}/v1/models", key=PRIVATE_KEY)[0] == 200
    status = private.compose("exec", "-T", "config", "cat", "/proc/1/status").stdout
    found = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert set(found["Uid"].split()) == {str(private.folder.stat().st_uid)}
    assert found["CapEff"] == found["CapPrm"] == "0" * 16
    keys = PRIVATE_KEY, PRIVATE_KEY[::-1]
    env = private.folder / ".env"
    models = f"{private.url}/v1/models"
    for old, new in (keys, keys[::-1]):
        subprocess.run(["sed", "-i", f"s/{old}/{new}/", env], check=True)
        wait_until(lambda: http(models, key=new)[0] == 200, 5, "the edit is in force")  # noqa: B023
    assert env.stat().st_mode & 0o777 == 0o600


def test_after_a_reboot_the_order_of_the_containers_does_not_matter(private: Stack) -> None:
    def container(service: str) -> str:
        return private.compose("ps", "-aq", service).stdout.strip()

    gateway, config = container("gateway"), container("config")
    subprocess.run(["docker", "kill", gateway, config], check=True, capture_output=True)
    subprocess.run(["docker", "start", gateway], check=True, capture_output=True)
    time.sleep(1.5)  # it reads its settings
    subprocess.run(["docker", "start", config], check=True, capture_output=True)
    models = f"{private.url}/v1/models"

    def answers() -> bool:
        try:
            return http(models, key=PRIVATE_KEY)[0] == 200
        except OSError:
            return False

    wait_until(answers, 90, "the key of .env is in force")


def test_no_file_at_all_is_one_clear_line_and_said_by_the_demo(private: Stack) -> None:
    path = private.folder / "litellm_config.yaml"
    kept = path.read_bytes()
    path.unlink()
    try:
        private.compose("up", "-d", "--wait", "--force-recreate", "gateway")
        said = "litellm_config.yaml: there is no such file"
        assert private.logs().count(said) == 1
        assert "The model file can't be used: there is no such file" in private.chat("Hello").stdout
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize(
    "mount",
    ["-v=EMPTY:/run/vui-litellm:ro", "--tmpfs=/run/vui-litellm:nr_inodes=1"],
    ids=["read-only volume", "full disk"],
)
def test_a_key_that_cannot_be_kept_is_one_clear_line(bare: Stack, mount: str) -> None:
    empty = bare.folder / "empty"
    empty.mkdir(exist_ok=True)
    command = ["docker", "run", "--rm", "--read-only", "--tmpfs=/tmp"]
    command += [mount.replace("EMPTY", str(empty))]
    result = subprocess.run([*command, f"{bare.name}-gateway"], capture_output=True, text=True)
    assert result.returncode == 2
    (line,) = [text for text in result.stderr.splitlines() if "vui-gateway: " in text]
    assert "can't be read or written" in line
    assert "is the disk full" in line
