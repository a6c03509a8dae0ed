"""What is measured: each returns flat keys, and each comparison alternates between its arms."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from vui_gateway.turns.plain_speech import PlainSpeech
from vui_gateway.turns.reply import Reply

from bench.arms import (
    CONVERSATION,
    GATEWAY,
    MODEL,
    OPTIONS,
    PROVIDER_KEY,
    STOCK,
    Arm,
    direct_client,
    docker,
    far_away,
    first_token,
    our_client,
    ours,
    provider,
    seed,
    stock,
    stock_client,
)
from bench.load import throughput
from tests.matrix.conversations import STOPS
from tests.support.harness import gateway, http

Keys = dict[str, float]

TURNS = 200
WARM_UP = 20
PAUSE = 0.3  # between the turns of a start: back to back they find the processor's caches warm


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def spread(name: str, values: list[float]) -> Keys:
    return {f"{name}_p50": statistics.median(values), f"{name}_p95": p95(values)}


def spreads(what: str, arms: dict[str, list[float]]) -> Keys:
    return {k: v for arm in arms for k, v in spread(f"{what}_{arm}_ms", arms[arm]).items()}


async def alternate(clients: dict[str, Any], turns: int = TURNS) -> dict[str, list[float]]:
    """First tokens of all arms in turn (A B C A B C …), after a warm-up of each."""
    for client in clients.values():
        for _ in range(WARM_UP):
            await first_token(client)
    found: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(turns):
        for name, client in clients.items():
            found[name].append(await first_token(client))
    for client in clients.values():
        await client.aclose()
    return found


def added_by(
    variables: dict[str, str], env: dict[str, str], folder: Path, base: str, turns: int
) -> tuple[float, float]:
    """Milliseconds that variables add to a gateway's first token; and what of it is chance: the
    same between two gateways without them.

    env: of all three. base: the provider's address.
    """
    config = seed({"": base})
    with (
        gateway(folder / "without", config, env, fresh=True) as without,
        gateway(folder / "same", config, env, fresh=True) as same,
        gateway(folder / "with", config, env | variables, fresh=True) as with_them,
    ):
        ups = {"without": without, "with": with_them, "same": same}
        clients = {name: our_client(Arm("", up.url, 0)) for name, up in ups.items()}
        found = asyncio.run(alternate(clients, turns))
    pairs = [zip(found[name], found["without"], strict=True) for name in ("with", "same")]
    more, chance = (statistics.median(a - b for a, b in pair) for pair in pairs)
    return more, chance


def added(folder: Path, turns: int = 2 * TURNS) -> Keys:
    """The time that a gateway adds to the first token, on loopback; how many turns it can bear.

    And the processor's time for each of them.
    """
    with provider(folder) as port:
        base = f"http://127.0.0.1:{port}/v1"
        config = seed({"": base})
        with ours(folder / "ours", config) as a, stock(folder / "stock", config) as b:
            clients = {
                "direct": direct_client(base), "ours": our_client(a), "stock": stock_client(b)
            }  # fmt: skip
            found = asyncio.run(alternate(clients, turns))
            keys = spreads("ttft", found)
            direct = keys["ttft_direct_ms_p50"]
            keys["ttft_added_ms"] = keys["ttft_ours_ms_p50"] - direct
            keys["ttft_added_stock_ms"] = keys["ttft_stock_ms_p50"] - direct
            keys["ttft_added_vs_stock"] = keys["ttft_added_ms"] / keys["ttft_added_stock_ms"]
            return {**keys, **throughput(a, b, max(1, turns // 80))}


def starts(folder: Path, rounds: int = 12) -> Keys:
    """From `docker run` to healthy, the first turn after it, and the memory once it idles."""
    found: dict[str, list[float]] = {}

    async def talk(client: Any) -> list[float]:
        await client.health()  # vui asks at its own start
        times = []
        for _ in range(WARM_UP):
            await asyncio.sleep(PAUSE)
            times.append(await first_token(client))
        await client.aclose()
        return times

    with provider(folder) as port:
        config = seed({"": f"http://127.0.0.1:{port}/v1"})
        for index in range(rounds + 1):
            for name, run, client in (("ours", ours, our_client), ("stock", stock, stock_client)):
                with run(folder / name, config) as arm:
                    times = asyncio.run(talk(client(arm)))
                    time.sleep(1)
                    seen = {
                        "start_s": arm.start_s, "rss_mb": arm.rss_mb,
                        "first_turn_ms": times[0], "warm_turn_ms": statistics.median(times[1:]),
                    }  # fmt: skip
                if index:  # the very first fills the page cache and this process's own caches
                    for key, value in seen.items():
                        found.setdefault(f"{key}_{name}", []).append(value)
    keys = {key: statistics.median(values) for key, values in found.items()}
    return {
        "start_s": keys["start_s_ours"], "start_s_stock": keys["start_s_stock"],
        "start_vs_stock": keys["start_s_ours"] / keys["start_s_stock"],
        "rss_mb": keys["rss_mb_ours"], "rss_mb_stock": keys["rss_mb_stock"],
        "rss_vs_stock": keys["rss_mb_ours"] / keys["rss_mb_stock"],
        "first_turn_ms": keys["first_turn_ms_ours"], "warm_turn_ms": keys["warm_turn_ms_ours"],
        "first_turn_vs_warm": keys["first_turn_ms_ours"] / keys["warm_turn_ms_ours"],
        "first_turn_stock_ms": keys["first_turn_ms_stock"],
        "first_turn_vs_warm_stock": keys["first_turn_ms_stock"] / keys["warm_turn_ms_stock"],
    }  # fmt: skip


def failover(folder: Path) -> Keys:
    """The first deployment answers 500: the first token of the next one, minus a healthy one's."""
    with provider(folder) as well, provider(folder) as sick:
        http(f"http://127.0.0.1:{sick}/_script", {"fault": 500})
        healthy, failing = (f"http://127.0.0.1:{port}/v1" for port in (well, sick))
        config = seed({"": healthy, "failing": failing})
        second = {"model": "openai/gpt-4.1-mini", "api_base": healthy, "api_key": PROVIDER_KEY}
        config["model_list"][-1]["litellm_params"]["order"] = 1
        config["model_list"].append(
            {"model_name": "failing", "litellm_params": {**second, "order": 2}}
        )
        # Else only the first turn would ask the sick one.
        config["router_settings"] = {"cooldown_time": 0}
        with ours(folder / "failover", config) as arm:
            clients = {"healthy": our_client(arm), "failing": our_client(arm, "failing")}
            found = asyncio.run(alternate(clients))
    usual = statistics.median(found["healthy"])
    return {
        **spread("failover_added_ms", [value - usual for value in found["failing"]]),
        "failover_healthy_ms_p50": usual,
    }


def barge_in(folder: Path) -> Keys:
    """From the moment vui stops listening until the provider's stream is closed."""

    async def run(stand_in: str, arm: Arm, tokens_before: int) -> list[float]:
        client, found = our_client(arm), []
        for _ in range(TURNS):
            http(f"{stand_in}/_seen", method="DELETE")
            heard, stopped = 0, 0.0

            async def listen() -> None:
                nonlocal heard
                stream = client.stream(CONVERSATION, **OPTIONS)
                async with aclosing(stream) as tokens:
                    async for _ in tokens:
                        heard += 1

            listening = asyncio.create_task(listen())
            await asyncio.sleep(0.05)
            while heard < tokens_before:
                await asyncio.sleep(0.002)
            stopped = time.monotonic()
            client.barge_in()
            await listening
            closed = None
            while closed is None:  # this machine has one clock
                await asyncio.sleep(0.02)
                seen = http(f"{stand_in}/_seen")[1]
                closed = seen[0]["closed_at"] if seen else None
            found.append((closed - stopped) * 1000)
        await client.aclose()
        return found

    with provider(folder) as port:
        stand_in = f"http://127.0.0.1:{port}"
        with ours(folder / "barge-in", seed({"": f"{stand_in}/v1"})) as arm:
            http(f"{stand_in}/_script", {"delay": 2.0})
            before = asyncio.run(run(stand_in, arm, 0))
            http(f"{stand_in}/_script", {"text": "word " * 2000, "pace": 0.01})
            middle = asyncio.run(run(stand_in, arm, 3))
    return {
        **spread("barge_in_before_first_token_ms", before),
        **spread("barge_in_mid_reply_ms", middle),
        **spread("barge_in_ms", [*before, *middle]),
    }


def wan(folder: Path, conversations: int = 20, pause: float = 20.0) -> Keys:
    """First tokens behind TLS and 60 ms, with a listener's pauses.

    Conversations run side by side, each on an address of its own: no one's connection is kept
    open by another one's turns. vui's prefill isn't called: it comes with long sentences only.
    Where it does come, vui going direct pays a request for it and finds its connection open: see
    `wan_direct_prefill_ms`.
    """
    found: dict[str, list[float]] = {"direct": [], "ours": [], "direct_prefill": []}

    async def converse(index: int, base: str, arm: Arm) -> None:
        clients = {"direct": direct_client(base), "ours": our_client(arm, f"c{index}")}
        prefilling = direct_client(base)
        await asyncio.sleep(index * pause / conversations)
        for turn in range(TURNS // conversations + 1):
            began = time.perf_counter()
            names = ["direct", "ours"] if turn % 2 else ["ours", "direct"]
            for name in names:
                took = await first_token(clients[name])
                if turn:
                    found[name].append(took)
            await prefilling.prefill(CONVERSATION)
            await asyncio.sleep(1)
            found["direct_prefill"].append(await first_token(prefilling))
            await asyncio.sleep(pause - (time.perf_counter() - began) + 1)
        for client in (*clients.values(), prefilling):
            await client.aclose()

    async def run(bases: list[str], arm: Arm) -> None:
        await asyncio.gather(*(converse(i, base, arm) for i, base in enumerate(bases)))

    with far_away(folder, conversations) as (bases, ca):
        config = seed({"": bases[0], **{f"c{i}": base for i, base in enumerate(bases)}})
        os.environ["SSL_CERT_FILE"] = str(ca)
        try:
            with ours(folder / "wan", config, ca) as arm:
                asyncio.run(run(bases, arm))
        finally:
            del os.environ["SSL_CERT_FILE"]
    keys = spreads("wan", found)
    ratio = keys["wan_ours_ms_p50"] / keys["wan_direct_ms_p50"]
    return {**keys, "turn_vs_direct_wan": ratio}


def images(_: Path) -> Keys:
    """Sizes of the images, and of the base that they share."""

    def size(image: str) -> float:
        return int(docker("image", "inspect", "-f", "{{.Size}}", image)) / 1e6

    return {
        "image_mb": size(GATEWAY), "image_mb_stock": size(STOCK),
        "image_mb_base": size("python:3.12-slim-bookworm"),
    }  # fmt: skip


FLOOR = """
import os
from litellm.proxy import proxy_server
def rss(): return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
imported = rss()
from litellm.main import _get_encoding
_get_encoding()
print(imported, rss())
"""


def floor(_: Path) -> Keys:
    """The memory of LiteLLM's proxy module alone, and with the tokenizer that each call loads."""
    env = ["-e", "LITELLM_LOCAL_MODEL_COST_MAP=True", "--entrypoint", "python"]
    told = docker("run", "--rm", *env, STOCK, "-c", FLOOR).split()
    return {"rss_floor_imported_mb": float(told[-2]), "rss_floor_tokenizer_mb": float(told[-1])}


# A reply as a model writes it, with all that is taken out or rewritten; 4 characters a token.
WRITTEN = (
    "**Oh**, good question. The *moon* pulls at the sea, and [the sun](http://a.b/c) helps a "
    "little, as Dr. Smith says.\n\n- The tide comes in.\n- It goes out at 3.5 p.m., so hurry.\n\n"
)
TOKENS, TOKEN = 2048, 4


def plain_speech(_: Path, rounds: int = 50) -> Keys:
    """Processor time of a whole reply of 2,048 tokens, a token at a time: Markdown to speech, and
    all of the way from raw text to sentences.
    """
    text = (WRITTEN * (TOKENS * TOKEN // len(WRITTEN) + 1))[: TOKENS * TOKEN]
    tokens = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]

    def speech() -> None:
        plain = PlainSpeech()
        for token in tokens:
            plain.feed(token)
        plain.feed("", final=True)

    def all_of_it() -> None:
        reply = Reply(stops=STOPS, plain=True)
        for token in tokens:
            reply.feed(token)
            if reply.may_release():
                reply.release()
        reply.feed("", final=True)
        reply.release(final=True)

    def ms(work: Callable[[], None]) -> float:
        times = []
        for _ in range(rounds):
            began = time.process_time()
            work()
            times.append((time.process_time() - began) * 1000)
        return statistics.median(times)

    return {"plain_speech_ms": ms(speech), "said_ms": ms(all_of_it)}


ALL = (plain_speech, images, floor, starts, added, failover, barge_in, wan)
__all__ = ["ALL", "MODEL", "Keys"]
