"""The stack as a user runs it."""

import json
import shutil
import subprocess
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.support.harness import http
from tests.support.page import open_page
from tests.support.poll import wait_until
from tests.support.stack import PROVIDER_KEY, Stack
from vui_litellm.errors import GATEWAY_AWAY
from vui_litellm.tools.preflight import NEEDS_GPU

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]


def test_a_chat_turn_reaches_the_provider_with_its_key(full_stack: Stack) -> None:
    full_stack.script(text="Hello from the stand-in. It works.")
    result = full_stack.chat("Hello", "there")
    assert result.stdout == "Hello from the stand-in.\nIt works.\n"
    reply, thoughts = full_stack.seen()
    assert reply["headers"]["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert len(thoughts["body"]["tools"]) > 10


@pytest.mark.parametrize("key", [None, "sk-wrong"])
def test_the_published_port_wants_the_key(full_stack: Stack, key: str | None) -> None:
    status, body = http(f"{full_stack.url}/v1/models", key=key)
    assert status == 401
    assert "VUI_LITELLM_KEY" in body["error"]["message"]


@pytest.mark.parametrize("path", ["/key/generate", "/config/update", "/ui", "/docs", "/mcp"])
def test_other_routes_are_closed_to_the_owner_too(full_stack: Stack, path: str) -> None:
    assert http(f"{full_stack.url}{path}", key=full_stack.key())[0] == 404


def test_a_wrong_key_is_one_clear_line(full_stack: Stack) -> None:
    result = full_stack.chat("Hello", check=False, VUI_LITELLM_KEY="sk-wrong-0123456789")
    assert result.returncode == 2
    assert "Change VUI_LITELLM_KEY" in result.stderr


def containers(up: Stack) -> list[dict]:
    names = up.compose("ps", "-aq").stdout.split()
    return json.loads(subprocess.check_output(["docker", "inspect", *names]))


def test_no_key_is_in_logs_or_in_what_docker_shows(full_stack: Stack) -> None:
    full_stack.chat("Hello", check=False, VUI_LITELLM_MODEL="nope")
    shown = json.dumps(containers(full_stack)) + full_stack.logs()
    shown += subprocess.check_output(
        ["docker", "history", "--no-trunc", f"{full_stack.name}-gateway"], text=True
    )
    shown += full_stack.compose("top").stdout
    assert full_stack.key() not in shown
    assert PROVIDER_KEY not in shown


def test_vuis_container_sees_the_shared_key_and_no_other(full_stack: Stack) -> None:
    look = "cat /proc/*/environ /run/vui-litellm/key 2>/dev/null; ls -la / /home/vui"
    found = full_stack.compose("exec", "-T", "vui", "sh", "-c", look).stdout
    assert full_stack.key() in found
    assert PROVIDER_KEY not in found
    mounts = {mount["Destination"] for mount in vuis_container(full_stack)["Mounts"]}
    assert "/project" not in mounts
    for service in ("chat", "check"):
        run = ("run", "--rm", "-T", "--entrypoint", "sh", service, "-c", f"{look} /run /project")
        found = full_stack.compose(*run, check=False).stdout
        assert full_stack.key() in found
        assert PROVIDER_KEY not in found


def test_the_gateway_sees_two_files_of_the_folder(full_stack: Stack) -> None:
    planted = full_stack.folder / ".git" / "config"
    planted.parent.mkdir()
    planted.write_text("url = https://me:ghp_planted7d1c@example.com/a.git\n")
    listed = full_stack.compose("exec", "-T", "gateway", "ls", "-A", "/project").stdout.split()
    assert listed == [".env", ".ready", "litellm_config.yaml"]
    look = "grep -rls ghp_planted /project /home /root /run /tmp /mnt /opt/gateway/*.cfg; true"
    assert full_stack.compose("exec", "-T", "gateway", "sh", "-c", look).stdout == ""
    config = full_stack.compose("exec", "-T", "config", "cat", "/project/.git/config").stdout
    assert "ghp_planted" in config  # it is there to be seen
    write = "touch /project/.env || touch /project/a"
    assert full_stack.compose("exec", "-T", "gateway", "sh", "-c", write, check=False).returncode


def test_both_run_without_root_or_rights(full_stack: Stack) -> None:
    for container in containers(full_stack):
        if container["Name"].endswith("-provider-1"):
            continue
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], container["Name"]
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["PidsLimit"]
        assert host["Memory"]
        assert host["CapAdd"] == (["CAP_SETUID"] if "-config-" in container["Name"] else None)
        assert host["Ulimits"] == [{"Name": "core", "Hard": 0, "Soft": 0}]
        assert all("size=" in options for options in host.get("Tmpfs", {}).values())
        rotation = {"max-size": "10m", "max-file": "3"}
        assert host["LogConfig"] == {"Type": "json-file", "Config": rotation}
    for service in ("gateway", "vui"):
        assert full_stack.compose("exec", "-T", service, "id", "-u").stdout.strip() != "0"


def test_the_gateway_is_published_on_loopback_only(full_stack: Stack) -> None:
    gateway = next(c for c in containers(full_stack) if c["Name"].endswith("-gateway-1"))
    ports = gateway["NetworkSettings"]["Ports"]
    assert {binding["HostIp"] for binding in ports["4000/tcp"]} == {"127.0.0.1"}


def test_the_image_holds_no_curl(full_stack: Stack) -> None:
    look = "command -v python && ! command -v curl && ! command -v wget"
    full_stack.compose("exec", "-T", "gateway", "sh", "-c", look)


def test_vui_waits_for_the_gateway_and_talks_to_it(full_stack: Stack) -> None:
    wait_until(lambda: "[main] LLM probe: up" in full_stack.logs(), 30, "vui reached the gateway")
    assert "LLM backend: litellm model=vui" in full_stack.logs()


def vuis_container(up: Stack) -> dict:
    return next(c for c in containers(up) if c["Name"].endswith("-vui-1"))


def test_without_a_gpu_vui_stops_with_one_sentence_and_stays_stopped(full_stack: Stack) -> None:
    full_stack.env["SPEECHLESS_GPU"] = "0"
    try:
        full_stack.compose("up", "-d", "vui")
        wait_until(
            lambda: vuis_container(full_stack)["State"]["Status"] == "exited", 30, full_stack.logs
        )
        time.sleep(3)  # Docker would start it again after 0.1 s, 0.2 s, …
        found = vuis_container(full_stack)
        assert (found["State"]["Status"], found["RestartCount"]) == ("exited", 0)
        said = full_stack.compose("logs", "--no-log-prefix", "vui").stdout
        assert said == f"vui-litellm: {NEEDS_GPU}\n"
    finally:
        del full_stack.env["SPEECHLESS_GPU"]
        full_stack.compose("up", "-d", "--wait", "vui")


def test_vui_is_healthy_only_while_it_can_speak_and_starts_again_after_a_crash(
    full_stack: Stack,
) -> None:
    def health() -> str:
        return vuis_container(full_stack)["State"]["Health"]["Status"]

    assert health() == "healthy"
    http(f"{full_stack.vui().control}/end", {})
    wait_until(lambda: health() == "unhealthy", 30, "vui can't speak any more")
    kill = "import os; os.kill(next(int(p) for p in os.listdir('/proc') if p.isdigit() and b"
    kill += "'speechless' in open(f'/proc/{p}/cmdline', 'rb').read() and p != '1'), 9)"
    full_stack.compose("exec", "-T", "vui", "python", "-c", kill, check=False)
    wait_until(lambda: health() == "healthy", 60, full_stack.logs)
    assert vuis_container(full_stack)["RestartCount"] == 1


def test_a_backup_gives_back_memories_and_voices(full_stack: Stack) -> None:
    def tar(*options: str, given: str = "") -> str:
        run = ("run", "--rm", "-T", "--no-deps", "--entrypoint", "tar", "vui", "-C", "/home/vui")
        return full_stack.compose(*run, *options, given=given).stdout

    def mine(command: str) -> str:
        return full_stack.compose("exec", "-T", "vui", "sh", "-c", command).stdout

    mine("echo Ada > .vui/kept; echo soul > prompts/.soul")
    backup = tar("-c", ".vui", "prompts")
    mine("rm .vui/kept prompts/.soul")
    tar("-x", given=backup)
    assert mine("cat .vui/kept prompts/.soul; rm .vui/kept prompts/.soul") == "Ada\nsoul\n"


def hours_apart(one: datetime, other: datetime) -> float:
    return abs((one - other).total_seconds()) / 3600


@pytest.mark.parametrize("zone", ["America/New_York", "Mars/Olympus"])
def test_the_clock_is_right_in_the_users_zone(full_stack: Stack, zone: str) -> None:
    env, host = full_stack.folder / ".env", full_stack.folder / "localtime"
    shutil.copy("/usr/share/zoneinfo/Asia/Kathmandu", host)  # a host in another zone than UTC
    before = env.read_text()
    env.write_text(f"{before}TZ={zone}\nVUI_LITELLM_LOCALTIME=./localtime\n")
    full_stack.script(repeats=True)
    try:
        result = full_stack.chat("What time is it?")
    finally:
        env.write_text(before)
    used = "Asia/Kathmandu" if zone == "Mars/Olympus" else zone
    now = datetime.now(ZoneInfo(used)).replace(tzinfo=None)
    told = datetime.strptime(result.stdout, "Today is %A, %B %d, %Y, current time is %H:%M.\n")
    assert hours_apart(now, told) < 0.05, (now, told)
    warned = [line for line in result.stderr.splitlines() if "TZ" in line]
    assert len(warned) == (zone == "Mars/Olympus"), warned
    assert full_stack.seen()[0]["body"]["messages"][0]["content"].count("Today is ") == 1


def test_without_a_setting_it_is_this_machines_own_time(full_stack: Stack) -> None:
    full_stack.script(repeats=True)
    now = datetime.now()
    told = full_stack.chat("What time is it?").stdout
    said = datetime.strptime(told, "Today is %A, %B %d, %Y, current time is %H:%M.\n")
    assert hours_apart(now, said) < 0.05


def test_the_server_has_the_users_zone_too(full_stack: Stack) -> None:
    show = "import time; from vui_litellm.timezone import *; use_timezone(); print(time.tzname[0])"
    found = full_stack.compose("exec", "-T", "-e", "TZ=Asia/Tokyo", "vui", "python", "-c", show)
    assert found.stdout.strip() == "JST"
    look = "from vui_litellm.timezone import HOST_ZONE; print(HOST_ZONE.read_bytes()[:4])"
    found = full_stack.compose("exec", "-T", "vui", "python", "-c", look)
    assert found.stdout.strip() == "b'TZif'"


async def test_a_gateway_that_is_killed_comes_back_and_vui_with_it(full_stack: Stack) -> None:
    full_stack.script()
    async with open_page(full_stack.vui()) as page:
        kill = "import os; [os.kill(int(p), 9) for p in os.listdir('/proc') if p.isdigit() and "
        kill += (
            "b'vui_gateway' in open(f'/proc/{p}/cmdline', 'rb').read() and int(p) != os.getpid()]"
        )
        full_stack.compose("exec", "-T", "gateway", "python", "-c", kill, check=False)
        replies = await page.say("Are you there?")
        assert replies[-1] == GATEWAY_AWAY
        await page.wait_for("llm_status", lambda event: not event["available"])
        page.events.clear()
        await page.wait_for("llm_status", lambda event: event["available"], seconds=120)
        assert await page.say("And now?") == ["Yeah, doing alright.", "What about you?"]


async def test_a_rotated_key_leaves_the_old_one_refused_and_vui_working(full_stack: Stack) -> None:
    old = full_stack.key()
    new = "sk-rotated-7c1e0b9f5d3a"
    env = full_stack.folder / ".env"
    env.write_text(env.read_text() + f"VUI_LITELLM_KEY={new}\n")
    full_stack.compose("up", "-d", "--wait", "gateway", "vui")
    models = f"{full_stack.url}/v1/models"
    wait_until(lambda: http(models, key=new)[0] == 200, 10, full_stack.logs)
    assert http(f"{full_stack.url}/v1/models", key=old)[0] == 401
    full_stack.script()
    async with open_page(full_stack.vui()) as page:
        assert await page.say("Still there?") == ["Yeah, doing alright.", "What about you?"]
    assert full_stack.chat("Hello").returncode == 0
    shown = json.dumps(containers(full_stack)) + full_stack.logs()
    assert new not in shown


def test_status_tells_what_is_served_and_what_is_not(full_stack: Stack) -> None:
    status = full_stack.compose("exec", "-T", "gateway", "vui-gateway", "status").stdout
    assert "vui, gpt-4.1-mini, other, demo" in status
    assert "vui is openai/vui: " in status


def test_check_tells_a_program_which_models_to_talk_to(full_stack: Stack) -> None:
    full_stack.script(text="Alpha. Hold on. Omega.", tool="add_memory", arguments='{"text": "Ada"}')
    result = full_stack.compose("run", "--rm", "-T", "check", "--yes", "--json")
    found = {row["model"]: row["verdict"] for row in json.loads(result.stdout)}
    assert found["vui"] == found["other"] == "good for voice"
    assert found["demo"].startswith("demo")
    assert PROVIDER_KEY not in result.stdout + result.stderr


def test_what_turns_cost_is_told(full_stack: Stack) -> None:
    full_stack.script()
    full_stack.chat("Hello", "there")
    line = "reply model=vui deployment=openai/vui"
    wait_until(lambda: line in full_stack.logs(), 10, "the line of the call")
    status = full_stack.compose("exec", "-T", "gateway", "vui-gateway", "status").stdout
    assert "Since the start: " in status
    told, metrics = http(f"{full_stack.url}/metrics", key=full_stack.key())
    assert told == 200
    assert 'vui_calls_total{deployment="openai/vui"' in metrics


@pytest.mark.parametrize(
    "edit",
    [
        "sed -i s/'model_name: other'/'model_name: added'/ F",
        "sed s/'model_name: other'/'model_name: added'/ F > .F.swp && mv .F.swp F",
        "cp F F~ && sed s/'model_name: other'/'model_name: added'/ F~ > F",
    ],
    ids=["sed -i", "mv", "in place"],
)
def test_an_edit_from_the_host_is_in_force_without_a_restart(full_stack: Stack, edit: str) -> None:
    path = full_stack.folder / "litellm_config.yaml"
    before = path.read_text()
    command = edit.replace("F", path.name)
    subprocess.run(["sh", "-c", command], cwd=full_stack.folder, check=True)

    def served() -> bool:
        models = http(f"{full_stack.url}/v1/models", key=full_stack.key())[1]["data"]
        return "added" in [model["id"] for model in models]

    wait_until(served, 5, "the added model is served")
    path.write_text(before)
    wait_until(lambda: not served(), 5, "the added model is gone")
