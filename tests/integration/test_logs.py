"""A log that one can read: a few lines for a start, at most two for a turn that failed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.faults import BROKEN, NO_WORDS
from tests.support.harness import ROOT, free_port, gateway, http, openai_model
from tests.support.logs import lines_of, times_of
from tests.support.poll import until, wait_until
from tests.support.sick_and_well import SickAndWell, ward
from vui_litellm.errors import PROVIDER_MODEL

STATUSES = (302, 400, 401, 402, 403, 404, 413, 422, 429, 500, 503)
CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]
TRACEBACK = re.compile(r'Traceback|File "|\.py', re.I)


@pytest.fixture(scope="module")
def _up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickAndWell]:
    router = {"stream_timeout": 1.0, "cooldown_time": 60}
    with ward(tmp_path_factory.mktemp("ward"), router, {"VUI_LITELLM_HEDGE": "0"}) as up:
        yield up


@pytest.fixture
def up(_up: SickAndWell) -> SickAndWell:
    _up.fall_ill()
    return _up


async def said_of(up: SickAndWell, *calls: tuple[str, str]) -> list[str]:
    """The lines that calls leave (kind, group), once all that is to come has had its time."""
    before = len(up.program.log)
    await asyncio.gather(
        *(up.turn(group) if kind == "reply" else up.thoughts(group) for kind, group in calls)
    )

    def told() -> bool:
        log = up.program.log[before:]
        return all(f"{kind} model={group} " in log for kind, group in calls)

    await until(told, 5, "the lines of the calls")
    await asyncio.sleep(0.2)
    return lines_of(up.program.log[before:])


FAULTS: dict[str, dict[str, Any]] = {
    **{str(status): {"fault": status} for status in STATUSES},
    **NO_WORDS,
    **{name: sick for name, sick in BROKEN.items() if "third word" in name},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_call_that_failed_leaves_two_lines_at_most(up: SickAndWell, name: str) -> None:
    sick = FAULTS[name]
    up.fall_ill(sick)
    lines = await said_of(up, ("reply", group := up.group()))
    assert lines[0].startswith(f"reply model={group} ")
    assert len(lines) <= 2, lines
    up.fall_ill(sick, **{**sick, "continued": ""})
    calls = [("reply", up.group()), ("reply", up.group("one"))]
    calls += [("thoughts", up.group())] * (isinstance(sick.get("fault"), int))
    more = await said_of(up, *calls)
    assert len(more) <= 2 * len(calls), more
    assert not TRACEBACK.search("\n".join(lines + more))
    assert all(len(line) < 600 for line in lines + more)


async def test_a_providers_404_says_that_the_provider_lacks_the_model(up: SickAndWell) -> None:
    up.fall_ill({"fault": 404})
    before, group = len(up.program.log), up.group("one")
    assert (await up.turn(group)).chunks == [PROVIDER_MODEL]
    await until(lambda: f"model={group} " in up.program.log[before:], 5, "the line of the call")
    assert lines_of(up.program.log[before:])[1:] == [
        "openai/gpt-4.1-mini: the provider, not the gateway, lacks this model "
        "(404: the model is not well)"
    ]


async def test_calls_that_broke_off_together_are_told_apart(up: SickAndWell) -> None:
    """The lines of a call follow each other, whatever else happens."""
    up.fall_ill({"fault": 500})
    groups = [up.group("one") for _ in range(8)]
    before = len(up.program.log)
    await asyncio.gather(*(up.turn(group) for group in groups))
    await until(lambda: up.program.log[before:].count("reply ") == 8, 5, "the calls' lines")
    lines = lines_of(up.program.log[before:])
    assert [line.split()[0] for line in lines] == ["reply", "openai/gpt-4.1-mini:"] * 8


def _eight(log: str) -> list[str]:
    lines = lines_of(log)
    return lines if len(lines) == 8 else []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_one_line_that_names_its_variable_once(
    tmp_path: Path, status: int
) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        config = {"model_list": [
            openai_model(name, f"{url}/v1", api_key=f"os.environ/{variable}")
            for name, variable in (("vui", "ONE_API_KEY"), ("vui", "TWO_API_KEY"),
                                   ("other", "ONE_API_KEY"))
        ]}  # fmt: skip
        env = {"ONE_API_KEY": "sk-one-0123", "TWO_API_KEY": "sk-two-0123"}
        with gateway(tmp_path, config, env) as running:
            stand_in.clear(fault=status)
            before = len(running.log)
            for name in ("vui", "other", "vui", "other"):
                http(f"{running.url}{CHAT}", {"model": name, "messages": HELLO}, key=running.key)
            lines = wait_until(lambda: _eight(running.log[before:]), 5, "the calls' lines")
    for variable in env:
        (line,) = [line for line in lines if f"Put a valid {variable} into .env." in line]
        assert f"the provider refused its key ({status}: " in line


@pytest.mark.parametrize("key", ["", "OPENAI_API_KEY=sk-0123456789abcdef\n"], ids=["none", "one"])
def test_a_start_leaves_five_lines_at_most_and_ready_names_the_address(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / ".env").write_text(f"TZ=Asia/Kathmandu\n{key}")
    text = (ROOT / "litellm_config.yaml").read_text()
    published = free_port()
    env = {"VUI_GATEWAY_PUBLISHED_PORT": str(published)}
    with gateway(tmp_path, text, env) as running:
        wait_until(lambda: "Serving " in running.log, 5, "what is served")
        if not key:
            http(f"{running.url}{CHAT}", {"model": "vui", "messages": HELLO}, key=running.key)
            wait_until(lambda: "thoughts model=vui " in running.log, 5, "the line of the call")
        log = running.log
        wait_until(lambda: running.status().returncode == 0, 5, "a status")
    lines = [line for line in lines_of(log) if not line.startswith("thoughts ")]
    assert len(lines) <= 5, log
    assert f"Ready at http://127.0.0.1:{published}" in lines
    assert not re.search("LiteLLM", log)
    assert all(time.endswith("+05:45") for time in times_of(log))


def test_an_edit_of_env_brings_litellms_own_log_and_takes_it_away_again(tmp_path: Path) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        config = {"model_list": [openai_model("m", f"{url}/v1")]}
        with gateway(tmp_path, config) as running:
            stand_in.clear(fault=500)

            def lines(level: str) -> list[str]:
                edits = running.log.count("Serving ")
                (tmp_path / ".env").write_text(f"VUI_LITELLM_LOG={level}\n")
                wait_until(lambda: running.log.count("Serving ") > edits, 5, "the edit is in force")
                before = len(running.log)
                http(f"{running.url}{CHAT}", {"model": "m", "messages": HELLO}, key=running.key)
                called = "thoughts model=m "
                wait_until(lambda: called in running.log[before:], 5, "the line of the call")
                return lines_of(running.log[before:])

            assert any("LiteLLM" in line for line in lines("debug"))
            assert len(lines("info")) == 2
            (tmp_path / ".env").write_text("VUI_LITELLM_LOG=loud\n")
            refused = "VUI_LITELLM_LOG is 'loud'. Use info or debug."
            wait_until(lambda: refused in running.log, 5, "the edit is refused")
            assert times_of(running.log)
