"""`vui-litellm check`: which model can I talk to?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.providers.anthropic import Anthropic
from tests.providers.base import StandIn, serving
from tests.providers.cache import PromptCache
from tests.providers.openai import OpenAI
from tests.providers.openai_like import DeepSeek
from tests.support.harness import Program, gateway, openai_model, vui_env
from tests.support.poll import wait_until
from tests.support.terminal import Terminal, at_terminal

USES = {"tool": "add_memory", "arguments": '{"text": "Name is Ada"}'}
SAYS = {"text": "Alpha. Hold on. Omega."}
Lab = tuple[Program, dict[str, StandIn]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    models = {
        "gpt-4.1-mini": (OpenAI(), "openai/gpt-4.1-mini", "/v1"),
        "claude-haiku-4-5": (Anthropic(), "anthropic/claude-haiku-4-5", ""),
        "deepseek-v4-flash": (DeepSeek(), "deepseek/deepseek-v4-flash", "/v1"),
    }
    with ExitStack() as stack:
        entries = []
        for name, (stand_in, model, path) in models.items():
            base = stack.enter_context(serving(stand_in.app)) + path
            entries.append(openai_model(name, base, model=model))
        entries.append(openai_model("demo", "http://127.0.0.1:9/v1", mock_response="Hi."))
        config = {"model_list": entries, "litellm_settings": {"drop_params": True}}
        up = stack.enter_context(gateway(tmp_path_factory.mktemp("check"), config))
        yield up, {name: stand_in for name, (stand_in, _, _) in models.items()}


@pytest.fixture(autouse=True)
def well(lab: Lab) -> None:
    for stand_in in lab[1].values():
        stand_in.clear(**USES, **SAYS)


def check(
    lab: Lab, folder: Path, *options: str, model: str = "gpt-4.1-mini"
) -> subprocess.CompletedProcess[str]:
    return check_at(vui_env(lab[0].url, model, lab[0].key), folder, *options)


def check_at(env: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "vui_litellm", "check", *options],
        env={**os.environ, **env, "HOME": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def checking(
    lab: Lab, folder: Path, *options: str, columns: int = 80
) -> AbstractContextManager[tuple[Terminal, subprocess.Popen]]:
    env = {**vui_env(lab[0].url, "gpt-4.1-mini", lab[0].key), "HOME": str(folder)}
    command = [sys.executable, "-m", "vui_litellm", "check", *options]
    return at_terminal(command, env, columns)


def plain(text: str) -> str:
    """What was shown, without its colours and the cursor's way."""
    return re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text).strip("\r\n ")


def rows(result: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    assert result.stdout, result.stderr
    return {row["model"]: row for row in json.loads(result.stdout)}


def test_it_measures_every_served_model(lab: Lab, tmp_path: Path) -> None:
    lab[1]["claude-haiku-4-5"].clear(**USES, text="Sorry, I'd rather not.", pace=0.02)
    lab[1]["deepseek-v4-flash"].clear(**SAYS, tool="no_action", delay=0.8)
    result = check(lab, tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    found = rows(result)
    assert list(found) == ["vui", "gpt-4.1-mini", "claude-haiku-4-5", "deepseek-v4-flash", "demo"]
    gpt, claude, deepseek = list(found.values())[1:4]
    assert gpt["verdict"] == claude["verdict"] == "good for voice"
    assert deepseek["verdict"] == "usable"
    assert all(800 <= deepseek[when] < 1500 for when in ("first_token_ms", "cold_ms"))
    assert [row["tool_call"] for row in (gpt, claude, deepseek)] == [True, True, False]
    # Claude's stand-in didn't come to say the stop phrase: that proves nothing.
    assert [row["stops_held"] for row in (gpt, claude, deepseek)] == [True, None, True]
    assert claude["thinking"] is False
    assert claude["tokens_per_s"] > 1
    assert 0.001 < claude["usd_per_turn"] < 0.01  # 2,400 tokens in, 24 out
    assert found["demo"]["verdict"].startswith("demo")


def test_the_price_of_a_turn_is_that_of_a_conversation_whose_prompt_the_provider_knows(
    lab: Lab, tmp_path: Path
) -> None:
    claude = lab[1]["claude-haiku-4-5"]
    claude.clear(**USES, text="Sure. I am well, thank you.")
    options = ("--json", "--model", "claude-haiku-4-5")
    claude.cache = PromptCache(time.time)
    try:
        kept = rows(check(lab, tmp_path, *options))["claude-haiku-4-5"]["usd_per_turn"]
        (bills,) = claude.cache.bills.values()
    finally:
        claude.cache = None
    # Haiku keeps nothing below 4,096 tokens: the thoughts, but no reply.
    assert [bool(bill.read) for bill in bills] == [False] * 4 + [True]
    reply, thoughts = bills[2], bills[4]
    usd = 1e-6 * (reply.tokens + thoughts.fresh + 0.1 * thoughts.read)
    assert usd < kept < usd + 100 * 5e-6
    assert kept < 0.7e-6 * (reply.tokens + thoughts.tokens)


def test_first_tokens_are_measured_one_at_a_time(lab: Lab, tmp_path: Path) -> None:
    for stand_in in lab[1].values():
        stand_in.clear(**USES, **SAYS, delay=0.1)
    assert check(lab, tmp_path, "--json").returncode == 0
    streams = sorted(
        (seen.at, seen.ended_at)
        for stand_in in lab[1].values()
        for seen in stand_in.seen
        if seen.body.get("stream")
    )
    assert len(streams) == 12  # `vui` is one of them once more
    ends = [end for _, end in streams[:-1]]
    assert all(end <= began + 0.05 for end, (began, _) in zip(ends, streams[1:], strict=True))


def test_a_call_is_a_real_turn_and_a_tool_that_is_called_changes_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / ".vui").mkdir()
    assert check(lab, tmp_path, "--json", "--model", "gpt-4.1-mini").returncode == 0
    *replies, call, again = [seen.body for seen in lab[1]["gpt-4.1-mini"].seen]
    assert all(len(reply["stop"]) == 4 for reply in replies)
    assert len(replies) == 3
    assert len(call["tools"]) == 16
    assert again == call
    kept = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("Ada" in text for text in kept)


def test_a_broken_model_says_why_and_what_to_do(lab: Lab, tmp_path: Path) -> None:
    lab[1]["deepseek-v4-flash"].clear(fault=401)
    found = rows(check(lab, tmp_path, "--json"))
    assert re.match(r"broken: .*please check that key", found["deepseek-v4-flash"]["verdict"])
    assert check(lab, tmp_path, "--model", "deepseek-v4-flash").returncode == 1
    assert check(lab, tmp_path, "--model", "gpt-4.1-mini").returncode == 0
    assert check(lab, tmp_path, model="deepseek-v4-flash").returncode == 1


def test_a_dry_run_says_what_it_would_cost_and_asks_nobody(lab: Lab, tmp_path: Path) -> None:
    result = check(lab, tmp_path, "--dry-run")
    assert result.returncode == 0
    assert re.search(r"5 models, 5 requests each: about \d+ tokens in, \d+ out, 0\.\d+ USD",
                     result.stderr)  # fmt: skip
    assert not any(stand_in.seen for stand_in in lab[1].values())


def test_the_table_is_read_by_a_person(lab: Lab, tmp_path: Path) -> None:
    lab[1]["gpt-4.1-mini"].clear(fault=500)
    options = ["--model", "claude-haiku-4-5", "--model", "gpt-4.1-mini"]
    head, row, _, _, why = check(lab, tmp_path, *options).stdout.splitlines()[:5]
    assert head.split() == (
        "model provider 1st token cold tok/s tool stops thinks USD/turn verdict".split()
    )
    assert row.split()[:2] == ["claude-haiku-4-5", "anthropic"]
    assert row.rstrip().endswith("good for voice")
    assert why.startswith("gpt-4.1-mini is broken: ")


def test_the_report_is_one_page_that_loads_nothing(lab: Lab, tmp_path: Path) -> None:
    assert check(lab, tmp_path, "--report", "report.html").returncode == 0
    page = (tmp_path / "report.html").read_text()
    assert "claude-haiku-4-5" in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script", page)
    assert check(lab, tmp_path, "--report", "-", "--model", "demo").stdout.startswith("<!doctype")
    refused = check(lab, tmp_path, "--report", "/proc/report.html", "--model", "demo")
    assert refused.returncode == 2
    assert "--report - > report.html" in refused.stderr


def test_a_report_that_cant_be_written_costs_no_token(lab: Lab, tmp_path: Path) -> None:
    options = ("--model", "gpt-4.1-mini", "--report")
    refused = check(lab, tmp_path, *options, "/proc/report.html")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert not lab[1]["gpt-4.1-mini"].seen
    (tmp_path / "old.html").write_text("old")
    for name in ("old.html", "new.html"):
        assert check(lab, tmp_path, *options, name, "--dry-run").returncode == 0
    assert [path.name for path in tmp_path.glob("*.html")] == ["old.html"]
    assert (tmp_path / "old.html").read_text() == "old"


def test_a_model_that_is_named_is_all_that_must_be_served(lab: Lab, tmp_path: Path) -> None:
    named = check(lab, tmp_path, "--json", "--model", "gpt-4.1-mini", model="nowhere")
    assert named.returncode == 0, named.stderr
    assert rows(named)["gpt-4.1-mini"]["verdict"] == "good for voice"


def test_without_the_model_that_vui_starts_with_the_others_are_measured_and_it_is_said(
    lab: Lab, tmp_path: Path
) -> None:
    result = check(lab, tmp_path, "--json", model="nowhere")
    assert len(rows(result)) == 5
    assert result.returncode == 1
    assert "'nowhere', which the gateway doesn't serve. Change VUI_LITELLM_MODEL" in result.stderr


def test_at_a_terminal_it_asks_and_shows_the_question(lab: Lab, tmp_path: Path) -> None:
    with checking(lab, tmp_path, "--model", "gpt-4.1-mini") as (terminal, process):
        terminal.wait_for("Go on? [y/N] ")
        assert "1 model, 5 requests each" in terminal.text
        terminal.type("n\r")
        assert terminal.read_to_end(process) == 0
    for key in ("\x04", "\x03"):  # Ctrl-D, Ctrl-C
        with checking(lab, tmp_path) as (terminal, process):
            terminal.wait_for("Go on? [y/N] ")
            terminal.type(key)
            assert terminal.read_to_end(process, 5) in (0, 130)
            assert "Traceback" not in terminal.text
    assert not any(stand_in.seen for stand_in in lab[1].values())


def test_at_a_terminal_there_is_one_progress_bar_and_then_the_table(
    lab: Lab, tmp_path: Path
) -> None:
    lab[1]["gpt-4.1-mini"].clear(**USES, **SAYS, delay=0.3)
    lab[1]["claude-haiku-4-5"].clear(fault=401)
    with checking(lab, tmp_path) as (terminal, process):
        terminal.wait_for("Go on? [y/N] ")
        terminal.type("y\r")
        assert terminal.read_to_end(process) == 0
    after = terminal.text.split("Go on? [y/N] ")[1]
    told, table = after.rsplit("\x1b[2K", 1)
    drawn = {plain(line) for line in re.split(r"[\r\n]", told)} - {"", "y"}
    assert len(drawn) > 2
    assert all(line.startswith("Asking ") for line in drawn), drawn
    note, _, head = plain(table).splitlines()[:3]
    assert note.startswith("vui is gpt-4.1-mini")
    assert head.startswith("model")


def test_ctrl_c_while_it_measures_ends_it(lab: Lab, tmp_path: Path) -> None:
    lab[1]["gpt-4.1-mini"].clear(delay=5)
    with checking(lab, tmp_path, "--yes", "--model", "gpt-4.1-mini") as (terminal, process):
        wait_until(lambda: lab[1]["gpt-4.1-mini"].seen, 20, "a call")
        terminal.type("\x03")
        assert terminal.read_to_end(process, 5) == 130
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_model_and_verdict_are_shown_however_narrow_it_is(
    lab: Lab, tmp_path: Path, columns: int
) -> None:
    options = ("--yes", "--model", "claude-haiku-4-5", "--model", "vui")
    with checking(lab, tmp_path, *options, columns=columns) as (terminal, process):
        assert terminal.read_to_end(process) == 0
    lines = plain(terminal.text).splitlines()
    head, row, *_ = shown = lines[next(i for i, line in enumerate(lines) if line[:6] == "model ") :]
    assert max(map(len, shown)) <= columns
    assert "1st token" in head
    assert row.startswith("claude-haiku-4-5 ")
    assert row.rstrip().endswith("good for voice")
    assert ("provider" in head) is (columns == 120)


def test_a_model_that_isnt_served_is_named(lab: Lab, tmp_path: Path) -> None:
    result = check(lab, tmp_path, "--model", "gpt-9")
    assert result.returncode == 2
    assert "doesn't serve 'gpt-9'. Choose from: vui, gpt-4.1-mini" in result.stderr
