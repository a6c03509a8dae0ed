"""Three real gateways and a real Redis, which is in nobody's way."""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path

import httpx
import pytest
from redis import Redis
from vui_gateway.state.entries import State
from vui_gateway.state.redis import KEYS, Connection, connect
from vui_gateway.state.sync import Sync

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.logs import lines_of
from tests.support.poll import until, wait_until
from tests.support.redis import FakeRedis, RedisServer, redis_server
from tests.support.report import record
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import KEY_REVOKED

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello there, how are you today?"}]
PRICE = 0.002  # US dollars, of a call of "priced"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def providers() -> Iterator[list[tuple[OpenAI, str]]]:
    """A first one, which tests make sick, and a second."""
    stand_ins = OpenAI(), OpenAI()
    with serving(stand_ins[0].app) as first, serving(stand_ins[1].app) as second:
        yield list(zip(stand_ins, (f"{first}/v1", f"{second}/v1"), strict=True))


@pytest.fixture(scope="module")
def three(
    redis: RedisServer,
    providers: list[tuple[OpenAI, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Program]]:
    """Gateways whose router asks Redis for its own strategy, too."""
    (_, first), (_, second) = providers
    prices = {"input_cost_per_token": PRICE / 1200, "output_cost_per_token": 0.0}
    config = {
        "model_list": [
            openai_model("pair", first, order=1, tpm=10**9),
            openai_model("pair", second, order=2, tpm=10**9),
            openai_model("priced", second, **prices),
        ],
        "router_settings": {"routing_strategy": "usage-based-routing-v2", "cooldown_time": 5},
    }
    folder = tmp_path_factory.mktemp("three")
    # The address in a file, as a Docker secret is.
    (folder / "redis_url").write_text(redis.url + "\n")
    env = {"VUI_GATEWAY_REDIS_URL_FILE": str(folder / "redis_url"), "VUI_LITELLM_HEDGE": "0"}
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        starts = [
            pool.submit(stack.enter_context, gateway(folder / str(i), config, env)) for i in "abc"
        ]
        yield [start.result() for start in starts]


@pytest.fixture(autouse=True)
def well(providers: list[tuple[OpenAI, str]]) -> None:
    for stand_in, _ in providers:
        stand_in.clear()


def cli(redis: RedisServer, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`vui-gateway COMMAND` where a Redis is configured."""
    env = {
        "VUI_GATEWAY_PROJECT": str(folder),
        "VUI_LITELLM_KEY_FILE": str(folder / "key"),
        "VUI_GATEWAY_REDIS_URL": redis.url,
    }
    return subprocess.run(
        [sys.executable, "-m", "vui_gateway", *command],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


def ask(up: Program, model: str = "pair", key: str = "") -> int:
    return http(up.url + CHAT, {"model": model, "messages": HELLO}, key=key or up.key)[0]


def spent(up: Program) -> float:
    """What a gateway says was spent today, by all."""
    _, text = http(f"{up.url}/metrics", key=up.key)
    return float(re.search(r"^vui_usd_today (\S+)", text, re.M)[1])  # type: ignore[index]


def booked(three: list[Program]) -> float:
    """What the lines of their logs come to."""
    lines = (line for up in three for line in up.log.splitlines() if " usd=" in line)
    return sum(float(line.rsplit(" usd=~" if "~" in line else " usd=")[-1]) for line in lines)


async def test_a_key_is_good_everywhere_and_taken_back_everywhere_within_a_second(
    redis: RedisServer, three: list[Program], providers: list[tuple[OpenAI, str]], tmp_path: Path
) -> None:
    made = await asyncio.to_thread(cli, redis, tmp_path, "key", "add", "kitchen")
    key = made.stdout.strip()
    assert key.startswith("sk-"), made.stderr
    again = await asyncio.to_thread(cli, redis, tmp_path, "key", "add", "kitchen")
    assert "There is a key for kitchen" in again.stderr
    await until(lambda: all(ask(up, key=key) == 200 for up in three), 5, "the key is good")
    for stand_in, _ in providers:
        stand_in.clear(text="word " * 400, pace=0.05)
    heard = [""] * 3

    async def listen(i: int) -> None:
        backend = LiteLLMBackend("pair", three[i].url, api_key=key)
        with suppress(httpx.HTTPError):
            async with aclosing(backend.stream(HELLO)) as tokens:
                async for token in tokens:
                    heard[i] += token
        await backend.aclose()

    replies = [asyncio.create_task(listen(i)) for i in range(3)]
    await until(lambda: sum(len(stand_in.seen) for stand_in, _ in providers) >= 3, 10, "replies")
    await asyncio.sleep(0.5)
    listed = await asyncio.to_thread(cli, redis, tmp_path, "key", "list")
    assert re.search(r"kitchen +20\d\d-.* 20\d\d-.* 0\.\d{4} USD", listed.stdout)
    command = await asyncio.to_thread(cli, redis, tmp_path, "key", "revoke", "kitchen")
    began = time.monotonic()
    assert command.returncode == 0, command.stderr
    await asyncio.wait(replies, timeout=5)
    ended = time.monotonic() - began
    assert all(KEY_REVOKED in text for text in heard), heard
    assert ended < 1
    codes = [http(up.url + "/v1/models", key=key) for up in three]
    assert {(status, body["error"]["code"]) for status, body in codes} == {(401, "key_revoked")}
    assert all("client=kitchen outcome=key_revoked" in up.log for up in three)
    assert not any(key in up.log for up in three)
    assert key not in redis.ask("HVALS", KEYS[0])
    what = "a key is taken back while it is used on all three"
    told = f"refused everywhere, each reply ends with its sentence: {ended:.2f} s"
    record("gateways", what, told)


def test_a_cooldown_that_one_finds_holds_for_the_others_within_a_second(
    three: list[Program], providers: list[tuple[OpenAI, str]]
) -> None:
    (sick, _), _ = providers
    sick.clear(fault=500)
    assert ask(three[0]) == 200
    assert len(sick.seen) == 1
    began = time.monotonic()

    def known() -> bool:
        return all("openai/pair is cooling down for" in up.status().stdout for up in three[1:])

    wait_until(lambda: time.monotonic() - began > 0.9 or known(), 5, "the others know")
    sick.seen.clear()
    assert [ask(up) for up in three * 2] == [200] * 6
    assert not sick.seen
    sick.clear()
    wait_until(lambda: ask(three[1]) == 200 and sick.seen, 10, "it is asked again")
    told = "one failed attempt on one gateway, then none on any until the cooldown is over"
    record("gateways", "a provider dies", told)


async def test_a_budget_of_three_is_exceeded_by_no_more_than_the_calls_under_way(
    three: list[Program], providers: list[tuple[OpenAI, str]]
) -> None:
    before = spent(three[0])
    limit = before + 0.10
    for up in three:
        (up.project / ".env").write_text(f"VUI_LITELLM_BUDGET={limit:.6f}\n")
    providers[1][0].clear(delay=0.05)
    body = {
        "model": "priced",
        "messages": [{"role": "user", "content": "word " * 960}],
        "max_tokens": 12,
    }
    await asyncio.sleep(1.5)
    clients = 4
    answered = 0

    async def vui(client: httpx.AsyncClient, up: Program) -> None:
        nonlocal answered
        while (answer := await client.post(up.url + CHAT, json=body)).status_code == 200:
            answered += 1
        assert answer.json()["error"]["code"] == "budget_exceeded"

    headers = {"Authorization": f"Bearer {three[0].key}"}
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        await asyncio.gather(*(vui(client, up) for up in three for _ in range(clients)))
    for up in three:
        (up.project / ".env").unlink()
    under_way = clients * len(three)
    total = before + answered * PRICE
    await until(lambda: {round(spent(up), 6) for up in three} == {round(total, 6)}, 2, "one sum")
    over = total - limit
    assert -under_way * PRICE * 1.5 <= over <= under_way * PRICE
    what = f"a budget of 0.10 USD for three, {under_way} calls of {PRICE} USD at once"
    bound = 0.1 + under_way * PRICE
    record("gateways", what, f"{answered * PRICE:.3f} USD spent; the bound is {bound:.3f}")


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def calls_meanwhile(three: list[Program], seconds: float) -> tuple[list[float], int]:
    """Milliseconds of calls that go on on all three for so long, and how many failed."""
    took: list[float] = []
    failed = 0
    until_ = time.monotonic() + seconds

    async def vui(client: httpx.AsyncClient, up: Program) -> None:
        nonlocal failed
        while time.monotonic() < until_:
            began = time.perf_counter()
            answer = await client.post(up.url + CHAT, json={"model": "priced", "messages": HELLO})
            took.append((time.perf_counter() - began) * 1000)
            failed += answer.status_code != 200
            await asyncio.sleep(0.05)

    headers = {"Authorization": f"Bearer {three[0].key}"}
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        await asyncio.gather(*(vui(client, up) for up in three))
    return took, failed


async def agree(three: list[Program], seconds: float) -> float:
    """Seconds until all say the sum of what was booked."""
    began = time.monotonic()

    def same() -> bool:
        sums = [spent(up) for up in three]
        return max(sums) - min(sums) < 1e-9 and abs(sums[0] - booked(three)) < 1e-5 * len(sums)

    await until(same, seconds, lambda: ([spent(up) for up in three], booked(three)))
    return time.monotonic() - began


async def test_a_redis_that_is_killed_and_starts_empty_loses_no_call_and_no_cent(
    redis: RedisServer, three: list[Program], tmp_path: Path
) -> None:
    made = await asyncio.to_thread(cli, redis, tmp_path, "key", "add", "attic")
    gone = await asyncio.to_thread(cli, redis, tmp_path, "key", "add", "cellar")
    await asyncio.to_thread(cli, redis, tmp_path, "key", "revoke", "cellar")
    await asyncio.sleep(1)
    await agree(three, 5)
    usual, _ = await calls_meanwhile(three, 3)
    before = [len(up.log) for up in three]
    redis.kill()
    took, failed = await calls_meanwhile(three, 3)
    assert all("Redis is away (" in up.status().stdout for up in three)
    redis.start()
    seconds = await agree(three, 5)
    again, failed_again = await calls_meanwhile(three, 1)
    took += again
    assert failed + failed_again == 0
    assert seconds < 1
    said = "Redis is back"
    await until(
        lambda: all(said in up.log[n:] for up, n in zip(three, before, strict=True)), 1, said
    )
    await until(lambda: all(ask(up, key=made.stdout.strip()) == 200 for up in three), 2, "the key")
    assert {ask(up, key=gone.stdout.strip()) for up in three} == {401}
    assert '"revoked"' in redis.ask("HGET", KEYS[0], "clients cellar")
    for up, length in zip(three, before, strict=True):
        since = up.log[length:]
        assert [since.count(said) for said in ("Redis is away (", "Redis is back")] == [1, 1]
        others = [line for line in lines_of(since) if not line.startswith("thoughts model=")]
        assert len(others) == 2, others
        assert redis.password not in up.log
    assert statistics.median(took) - statistics.median(usual) < 20
    assert p95(took) - p95(usual) < 60
    told = f"{len(took)} calls meanwhile, 0 lost; sums and keys right after {seconds:.2f} s"
    record("gateways", "Redis killed for 3 s, and started empty", told)


async def test_a_redis_that_answers_nothing_costs_no_call_more_than_its_limit_once(
    redis: RedisServer, three: list[Program]
) -> None:
    usual, _ = await calls_meanwhile(three, 4)
    redis.pause()
    try:
        took, failed = await calls_meanwhile(three, 4)
        await until(lambda: all("Redis is away (" in up.status().stdout for up in three), 3, "said")
    finally:
        redis.resume()
    assert failed == 0
    assert statistics.median(took) - statistics.median(usual) < 20
    assert p95(took) - p95(usual) < 60
    await agree(three, 5)
    record(
        "gateways",
        "Redis stopped for 4 s (it takes connections and answers nothing)",
        f"{len(took)} calls, 0 lost; median {statistics.median(took):.0f} ms instead of "
        f"{statistics.median(usual):.0f}, p95 {p95(took):.0f} instead of {p95(usual):.0f}",
    )


def test_a_gateway_starts_without_its_redis_and_finds_it_later(
    redis: RedisServer, providers: list[tuple[OpenAI, str]], tmp_path: Path
) -> None:
    with redis_server(tmp_path / "redis") as own:
        own.kill()
        config = {"model_list": [openai_model("pair", providers[1][1])]}
        with gateway(tmp_path / "g", config, {"VUI_GATEWAY_REDIS_URL": own.url}) as up:
            assert ask(up) == 200
            assert "Redis is away (" in up.log
            refused = cli(own, tmp_path / "g", "key", "add", "kitchen")
            assert (refused.returncode, refused.stdout) == (2, "")
            assert "Redis can't be asked" in refused.stderr
            own.start()
            wait_until(lambda: "Redis is back" in up.log, 5, "it is found")
            key = cli(own, tmp_path / "g", "key", "add", "kitchen").stdout.strip()
            wait_until(lambda: ask(up, key=key) == 200, 2, "the key is good")


async def test_what_is_no_entry_in_redis_is_passed_over_and_written_over(
    redis: RedisServer,
) -> None:
    url = redis.url.replace("/0", "/2")
    junk = [b"", b"x", b"\xff\xfe 0 1", b"nan 0 null", b"1e308 0 null", b"inf 0 null"]
    entries, order, _, mark = KEYS
    for number, text in enumerate(junk, 1):
        with Redis.from_url(url) as other:
            other.hset(entries, f"cooling {number}", text)
            other.zadd(order, {f"cooling {number}": number})
            other.hset(mark, "number", number)
    states = []
    for gateway_name in ("one", "two"):
        states.append(state := State(gateway_name))
        sync = Sync(state, connect(url, state.clock))
        if gateway_name == "one":
            for number in range(1, 7):
                state.put("cooling", str(number), None, lifetime=100)
        assert await sync.exchange(), sync.away
        await sync.store.close()
    assert [len(list(state.items("cooling"))) for state in states] == [6, 6]


def without_time(entry: str) -> tuple[str, bool, str]:
    """The clocks of two Redis aren't the same to the millisecond."""
    rank, expires, value = entry.split(" ", 2)
    return rank, expires == "0", value


async def test_the_tests_redis_answers_as_a_real_one_does(redis: RedisServer) -> None:
    redis.ask("SELECT", "1")
    real = Connection(redis.url.replace("/0", "/1"))
    fake = FakeRedis(time.time)
    draws = random.Random(7)
    marks: dict[object, tuple[str, str]] = {}
    for _ in range(300):
        new: list = []
        for _ in range(draws.randrange(4)):
            name = f"subject {draws.randrange(6)}"
            if name not in new:
                new += [
                    name,
                    repr(float(draws.randrange(20))),
                    draws.choice((0, 0, 500)),
                    '{"a": [1]}',
                ]
        behind = draws.random() < 0.1
        answers = []
        for script in (real, fake):
            epoch, number = ("", "0") if behind else marks.get(script, ("", "0"))
            epoch, number, now, found = await script(KEYS, ["first", epoch, number, *new])
            marks[script] = epoch, number
            assert abs(float(now) - time.time()) < 1
            told = zip(found[::2], map(without_time, found[1::2]), strict=True)
            answers.append((number, list(told)))
        assert answers[0] == answers[1]
    with suppress(OSError):
        await real.close()
