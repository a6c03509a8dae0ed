"""What happens to deploy/swarm while vuis talk: gateways, Redis and providers come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yaml

from tests.support.harness import openai_model, paid
from tests.support.poll import until, wait_until
from tests.support.swarm import GATEWAYS, PROVIDERS, VUIS, Swarm, docker
from tests.support.talk import Talk, converse, counting_repeats, reply

__all__ = ["failover", "provider_dies", "revoke", "roll", "without_redis"]


@asynccontextmanager
async def talking(up: Swarm, count: int = VUIS) -> AsyncIterator[Talk]:
    """So many vuis, turn after turn; each ends with the turn that it is at."""
    talk, over = Talk(), asyncio.Event()
    vuis = [up.vui(number) for number in range(count)]
    tasks = [asyncio.create_task(converse(vui, talk, over)) for vui in vuis]
    try:
        await until(lambda: talk.whole >= 4 * count, 60, lambda: f"{talk}\n{up.logs()}")
        yield talk
        enough = talk.whole + 4 * count
        await until(lambda: talk.whole >= enough, 60, lambda: f"{talk}\n{up.logs()}")
    finally:
        over.set()
        await asyncio.wait(tasks)
        for vui in vuis:
            await vui.aclose()
    for task in tasks:
        task.result()


async def failover(up: Swarm) -> tuple[Talk, int, float]:
    """A gateway is killed while most of the vuis wait for an answer.

    Returns what became of the calls, how many of them had been passed on to the one that was killed
    and were asked again, and the seconds until there are three gateways again.
    """
    with counting_repeats() as repeats:
        async with talking(up) as talk:
            for provider in PROVIDERS:
                up.script(provider, delay=3.0, pace=0.03)
            await until(lambda: talk.waiting > VUIS * 0.7, 30, lambda: f"{talk}")
            doomed = (await asyncio.to_thread(up.containers, "gateway"))[0]
            await asyncio.to_thread(docker, "kill", doomed)
            killed = time.monotonic()
            for provider in PROVIDERS:
                up.script(provider, pace=0.03)

            async def back() -> bool:
                found = await asyncio.to_thread(up.containers, "gateway")
                return len(set(found) - {doomed}) == GATEWAYS

            await until(back, 90, up.logs)
            seconds = time.monotonic() - killed
    return talk, len(repeats), seconds


async def roll(up: Swarm) -> tuple[Talk, float]:
    """A model is added and rolled out while they talk; and the seconds that it took."""
    before = up.containers("gateway")
    config = yaml.safe_load(up.config.read_text())
    config["model_list"].append(openai_model("added", "http://second:9000/v1"))
    up.config.write_text(yaml.safe_dump(paid(config)))
    async with talking(up) as talk:
        began = time.monotonic()
        await asyncio.to_thread(up.roll)
        seconds = time.monotonic() - began
    after = up.containers("gateway")
    assert not set(after) & set(before), up.logs()
    assert len(after) == GATEWAYS
    return talk, seconds


async def provider_dies(up: Swarm) -> list[int]:
    """The group's first provider fails for good; how often it is asked in each of two rounds."""
    up.script("first", fault=503)
    up.script("second")
    asked: list[int] = []
    for _ in range(2):
        for number in range(VUIS):
            vui, talk = up.vui(number), Talk()
            await reply(vui, talk)
            await vui.aclose()
            assert talk.whole == 1, f"{talk}\n{up.logs()}"
        asked.append(len(up.seen("first")) - sum(asked))
    return asked


async def without_redis(up: Swarm, seconds: float = 10) -> tuple[Talk, float]:
    """Redis is killed while they talk, and comes back empty; and the seconds after the last word
    until all gateways say the sum of what they booked.
    """
    service = f"{up.stack}_redis"
    (killed,) = up.containers("redis")

    def kill() -> None:
        docker("service", "scale", "-d", f"{service}=0")
        docker("kill", killed, check=False)  # it may have ended by itself
        wait_until(lambda: not docker("ps", "-q", "-f", f"name={service}"), 20, "it is killed")
        docker("rm", "-f", killed, check=False)
        docker("volume", "rm", service)

    def away() -> list[str]:
        return [status["away"] for status in up.statuses()]

    def off() -> float:
        """The most that a gateway's sum is off, in US dollars."""
        booked = up.booked() - booked_before
        return max(abs(status["today"] - today - booked) for status in up.statuses())

    wait_until(lambda: len({round(s["today"], 6) for s in up.statuses()}) == 1, 5, up.logs)
    today, booked_before = up.statuses()[0]["today"], up.booked()
    async with talking(up) as talk:
        await asyncio.to_thread(kill)
        await asyncio.sleep(seconds)
        assert all("Redis is away" in told for told in await asyncio.to_thread(away))
        await asyncio.to_thread(docker, "service", "scale", "-d", f"{service}=1")
        await until(lambda: asyncio.to_thread(up.containers, "redis"), 60, up.logs)
    began = time.monotonic()
    wait_until(lambda: off() < 0.0005, 10, lambda: (off(), up.statuses()))
    return talk, time.monotonic() - began


# In a container: ask every gateway for the models until all refuse, and print when that was.
REFUSED = """
import socket, sys, time, urllib.error, urllib.request
def code(host):
    asked = urllib.request.Request(f"http://{host}:4000/v1/models")
    asked.add_header("Authorization", f"Bearer {sys.argv[1]}")
    try:
        return urllib.request.urlopen(asked, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
hosts = {found[4][0] for found in socket.getaddrinfo("tasks.gateway", 4000)}
print(len(hosts), sorted({code(host) for host in hosts}), flush=True)
while {code(host) for host in hosts} != {401}:
    time.sleep(0.02)
print(time.time())
"""


async def revoke(up: Swarm) -> float:
    """A key is taken back in one gateway; the seconds until all refuse it."""
    key = await asyncio.to_thread(up.gateway, "key add guest")
    await asyncio.sleep(1)
    asker = up.containers("gateway")[-1]
    process = await asyncio.create_subprocess_exec(
        *("docker", "exec", asker, "python", "-c", REFUSED, key), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    good = await asyncio.wait_for(process.stdout.readline(), 20)
    assert good.decode().strip() == f"{GATEWAYS} [200]"
    await asyncio.to_thread(up.gateway, "key revoke guest")
    done = time.time()
    refused, _ = await asyncio.wait_for(process.communicate(), 20)
    return float(refused) - done
