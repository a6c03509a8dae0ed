"""`vui-litellm check`: which model can I talk to?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.providers.anthropic import Anthropic
from tests.providers.base import StandIn, serving
from tests.providers.cache import PromptCache
from tests.providers.openai import OpenAI
from tests.providers.openai_like import DeepSeek
from tests.support.harness import Program, gateway, openai_model, vui_env

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
    env = {**os.environ, **vui_env(lab[0].url, model, lab[0].key), "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "vui_litellm", "check", *options],
        env={**env, "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )


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
    assert len(streams) == 9
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


def test_a_model_that_isnt_served_is_named(lab: Lab, tmp_path: Path) -> None:
    result = check(lab, tmp_path, "--model", "gpt-9")
    assert result.returncode == 2
    assert "doesn't serve 'gpt-9'. Choose from: vui, gpt-4.1-mini" in result.stderr
