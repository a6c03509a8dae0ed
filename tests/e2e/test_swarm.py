"""Many vuis and three gateways on Docker Swarm, as deploy/swarm/README.md has it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from tests.conftest import require
from tests.support.harness import vui_env
from tests.support.outages import failover, provider_dies, revoke, roll, without_redis
from tests.support.poll import until
from tests.support.report import record
from tests.support.swarm import COOLDOWN, GATEWAYS, VUIS, Swarm, swarm, why_not
from tests.support.talk import HELLO, TEXT

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def up(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    if missing := why_not():
        require(False, missing)
    with swarm(tmp_path_factory.mktemp("swarm")) as stack:
        yield stack


def test_a_turn_is_answered_through_haproxy(up: Swarm) -> None:
    env = {**vui_env(up.url, "vui"), "SSL_CERT_FILE": str(up.ca)}
    command = [sys.executable, "-m", "vui_litellm", "chat", "Hello"]
    told = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert told.stdout.split() == TEXT.split(), told.stderr + up.logs()


def test_the_gateways_share_a_redis(up: Swarm) -> None:
    named = up.redis("HKEYS", "{vui-gateway}:entries").splitlines()
    assert {f"clients vui-{number}" for number in range(VUIS)} <= set(named)
    assert not any(key in up.redis("HVALS", "{vui-gateway}:entries") for key in up.keys)
    for where in range(GATEWAYS):
        told = up.gateway("status", where=where)
        assert "Redis" not in told
        assert all(f"vui-{number}: " in told for number in range(VUIS))


async def test_a_vui_stays_with_one_gateway(up: Swarm) -> None:
    vui = up.vui()
    for provider in up.ports:
        up.script(provider)
    for _ in range(6):
        _ = [token async for token in vui.stream(HELLO)]
    hosts = {entry["connection"].split(":")[0] for p in up.ports for entry in up.seen(p)}
    await vui.aclose()
    assert len(hosts) == 1


async def test_a_barge_in_ends_the_providers_call_behind_haproxy(up: Swarm) -> None:
    up.script("first", text="word " * 1000, pace=0.02)
    vui = up.vui()
    heard = 0
    async with aclosing(vui.stream(HELLO)) as tokens:
        async for _ in tokens:
            heard += 1
            if heard == 2:
                vui.barge_in()
                stopped = time.monotonic()

    closed = await until(
        lambda: up.seen("first")[0]["closed_at"], 5, lambda: f"{up.seen('first')}\n{up.logs()}"
    )
    await vui.aclose()
    assert closed - stopped < 0.5  # this machine has one clock


def healthy(up: Swarm) -> None:
    for provider in up.ports:
        up.script(provider, pace=0.03)


async def test_a_gateway_that_is_killed_loses_no_call_and_is_replaced(up: Swarm) -> None:
    healthy(up)
    talk, repeated, seconds = await failover(up)
    assert repeated  # or nothing was tried
    assert (talk.lost, talk.silent) == ([], [])
    record(
        "gateways",
        "one of three gateways is killed, 20 vuis talking",
        f"{talk}; {repeated} of them asked twice, three gateways again after {seconds:.0f} s",
    )


async def test_a_new_configuration_is_rolled_out_and_nobody_hears_it(up: Swarm) -> None:
    healthy(up)
    talk, seconds = await roll(up)
    assert (talk.lost, talk.silent, talk.cut) == ([], [], [])
    record(
        "gateways",
        "a new configuration is rolled out, 20 vuis talking",
        f"{talk}; done after {seconds:.0f} s",
    )


async def test_redis_may_be_killed_and_come_back_empty(up: Swarm) -> None:
    healthy(up)
    talk, seconds = await without_redis(up)
    assert (talk.lost, talk.silent, talk.cut) == ([], [], [])
    test_the_gateways_share_a_redis(up)
    record(
        "gateways",
        "Redis is killed for 10 s and comes back empty, 20 vuis talking",
        f"{talk}; keys known, sums right after {seconds:.1f} s",
    )


async def test_a_provider_that_dies_is_asked_once_by_each_gateway(up: Swarm) -> None:
    first, later = await provider_dies(up)
    assert 1 <= first <= GATEWAYS
    assert later == 0
    record(
        "gateways",
        f"a provider dies: {2 * VUIS} turns on three gateways",
        f"asked {first} times, then left alone for {COOLDOWN} s",
    )


async def test_a_key_that_is_taken_back_is_refused_by_all_within_a_second(up: Swarm) -> None:
    seconds = await revoke(up)
    assert seconds < 1
    record(
        "gateways",
        "`vui-gateway key revoke` in one of three",
        f"all refuse the key within {max(seconds, 0):.2f} s of its end",
    )
