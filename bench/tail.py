"""What a listener waits for when providers are late: our gateway and stock LiteLLM side by side."""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from vui.serving.stream import llm, llm_backend

from bench.arms import (
    CONVERSATION,
    MODEL,
    OPTIONS,
    PROVIDER_KEY,
    Arm,
    direct_client,
    our_client,
    ours,
    ours_before,
    provider,
    stock,
    stock_client,
)
from tests.support.faults import BROKEN, DRIBBLE, NO_WORDS
from tests.support.harness import http
from tests.support.sick_and_well import FIRST, Heard, SickAndWell, ward
from vui_litellm.patches.speech import speak_sooner

__all__ = ["ALL"]

Keys = dict[str, float]

AT_ONCE = 20
# 15 tokens, a word each.
SENTENCE = "So the rain that fell all day long has gone and evening light came back."
REPLY = " ".join([SENTENCE] * 3)
# A sentence is out when the next one has begun; what our gateway releases ends in the space that
# comes before that, and a token of a model's has the space before it.
NEXT_BEGINS = re.compile(r"[.!?]\s")
# The timeouts that our gateway has anyway, for stock too.
TIMEOUTS = {"num_retries": 0, "stream_timeout": 4, "timeout": 20, "cooldown_time": 30}
PACE = {"text": REPLY, "delay": 0.45}


def group(base: str) -> dict:
    """Two deployments of a provider, the second for when the first fails."""

    def deployment(order: int) -> dict:
        params = {"model": "openai/gpt-4.1-mini", "api_key": PROVIDER_KEY, "order": order}
        return {"model_name": MODEL, "litellm_params": {**params, "api_base": f"{base}/{order}"}}

    return {
        "model_list": [deployment(1), deployment(2)],
        "litellm_settings": {"drop_params": True},
        "router_settings": TIMEOUTS,
        "general_settings": {"master_key": "os.environ/VUI_LITELLM_KEY"},
    }


async def hear(backend: Any, said: str) -> tuple[float, bool]:
    """Seconds until the first sentence was out, or the call had failed; and if it was all there."""
    messages = [CONVERSATION[0], {"role": "user", "content": said}]
    text, at, began = "", 0.0, time.perf_counter()
    try:
        async with aclosing(backend.stream(messages, **OPTIONS)) as tokens:
            async for token in tokens:
                text += token
                if not at and NEXT_BEGINS.search(text):
                    at = time.perf_counter() - began
    except httpx.HTTPError:
        pass
    return at or time.perf_counter() - began, text.strip() == REPLY


def tail(folder: Path, calls: int = 4000) -> Keys:
    """First sentences of a provider with a real one's tail; 20 calls at once, of both arms."""
    heard, billed = _play(folder, calls)
    keys: Keys = {}
    for arm, found in heard.items():
        times = [seconds for seconds, _ in found]
        requests = [row for row in billed if row["path"].startswith(f"/{arm}/")]
        keys |= {
            f"tail_{arm}_p50_s": statistics.median(times),
            f"tail_{arm}_p995_s": statistics.quantiles(times, n=200)[-1],
            f"tail_{arm}_max_s": max(times),
            f"tail_{arm}_failed": sum(not whole for _, whole in found),
            f"tail_{arm}_requests": len(requests) / len(found),
            f"tail_{arm}_extra_cost": extra_cost(requests, len(found)),
        }
    return {
        **keys, **_cancelled("hedge_cancel_ms_p95", billed),
        "tail_extra_cost": keys["tail_ours_extra_cost"],
        "tail_p995_vs_stock": keys["tail_ours_p995_s"] / keys["tail_stock_p995_s"],
        "tail_p50_vs_stock": keys["tail_ours_p50_s"] / keys["tail_stock_p50_s"],
    }  # fmt: skip


def tail_busy(folder: Path, calls: int = 4000) -> Keys:
    """How soon a hedge's loser ends, the same calls, with every core busy besides."""
    return _cancelled("hedge_cancel_busy_ms_p95", _play(folder, calls, busy)[1])


def _cancelled(key: str, billed: list[dict]) -> Keys:
    closed = cancels([row for row in billed if row["path"].startswith("/ours/")])
    return {key: statistics.quantiles(closed, n=20)[-1]} if len(closed) > 1 else {}


def _play(
    folder: Path, calls: int, beside: Callable[[], AbstractContextManager] = nullcontext
) -> tuple[dict[str, list], list[dict]]:
    """The sentences that the listeners of both arms hear, and the provider's bill for them.

    beside: what runs at the same time, once all is warm.
    """
    with provider(folder, name="paced") as port:
        base = f"http://127.0.0.1:{port}"
        with (
            ours(folder / "ours", group(f"{base}/ours")) as a,
            stock(folder / "stock", group(f"{base}/stock")) as b,
        ):
            # The first are for warming up.
            for count, around in ((4 * AT_ONCE, nullcontext), (calls, beside)):
                http(f"{base}/_script", {"text": REPLY})
                pairs = [{"ours": our_client(a), "stock": stock_client(b)} for _ in range(AT_ONCE)]
                with around():
                    heard = asyncio.run(listen(pairs, count))
            time.sleep(1)
            return heard, http(f"{base}/_seen")[1]


@contextmanager
def busy() -> Iterator[None]:
    """A busy loop for each core, of the same priority as everything else."""
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for one in loops:
            one.kill()
            one.wait()


async def listen(listeners: list[dict[str, Any]], calls: int) -> dict[str, list]:
    """What all of them hear, side by side, asking their arms in turn."""
    found: dict[str, list] = {arm: [] for arm in listeners[0]}
    numbers = iter(range(calls))

    async def talk(clients: dict[str, Any]) -> None:
        for number in numbers:
            arm = list(clients)[number % len(clients)]
            found[arm].append(await hear(clients[arm], f"Number {number}?"))
        for client in clients.values():
            await client.aclose()

    await asyncio.gather(*map(talk, listeners))
    return found


def extra_cost(requests: list[dict], calls: int) -> float:
    """Tokens billed over those of one whole answer to each call, less one."""
    single = max(row["tokens_in"] + row["tokens_out"] for row in requests)
    return sum(row["tokens_in"] + row["tokens_out"] for row in requests) / (calls * single) - 1


def cancels(requests: list[dict]) -> list[float]:
    """Milliseconds from a winner's first word until the loser's stream was closed."""
    calls = defaultdict(list)
    for row in requests:
        calls[row["call"]].append(row)
    return [
        (loser["closed_at"] - winner["spoke_at"]) * 1000
        for rows in calls.values()
        for winner in rows
        for loser in rows
        if not winner["closed_at"] and loser["closed_at"] > winner["spoke_at"]
    ]


def first_sentence(folder: Path, turns: int = 50) -> Keys:
    """The first sentence without any fault: out of vui's chunker, and out of the gateway.

    The gateway's own also over that of the commit before, with twice as many turns.
    """
    chunkers = {"direct": llm.llm_stream_chunks}  # vui as it comes
    speak_sooner()
    chunkers["ours"] = llm.llm_stream_chunks

    async def spoken(arm: str, backend: Any) -> float:
        """Seconds until vui's chunker hands its first chunk to TTS."""
        with patch.object(llm_backend, "_BACKEND", backend):
            began, first = time.perf_counter(), 0.0
            async for _ in chunkers[arm](CONVERSATION[1:], CONVERSATION[0]["content"]):
                first = first or time.perf_counter() - began
        return first

    async def alternate(base: str, now: Arm, before: Arm | None) -> dict[str, list[float]]:
        clients = {"direct": direct_client(base), "ours": our_client(now)}
        found: dict[str, list[float]] = defaultdict(list)
        for what, reply in (("spoken", REPLY), ("one", SENTENCE)):
            http(f"{base}/_script", {**PACE, "text": reply})
            for turn in range(turns + 1):
                for arm, client in clients.items():
                    took = await spoken(arm, client)
                    if turn:
                        found[f"{what}_{arm}"].append(took)
        if before:
            clients["before"] = our_client(before)
        http(f"{base}/_script", PACE)
        for turn in range(2 * turns + 1):
            for arm in list(clients)[:: 1 if turn % 2 else -1]:
                seconds, whole = await hear(clients[arm], f"Number {turn}?")
                if not whole:
                    sys.exit(f"{arm}: a reply wasn't whole: the figures would be worthless")
                if turn:
                    found[f"out_{arm}"].append(seconds)
        for client in clients.values():
            await client.aclose()
        return found

    with provider(folder, name="paced") as port:
        base = f"http://127.0.0.1:{port}"
        with (
            ours(folder / "ours", group(base)) as arm,
            ours_before(folder / "before", group(base)) as before,
        ):
            found = asyncio.run(alternate(base, arm, before))
    seconds = {name: statistics.median(times) for name, times in found.items()}
    keys: Keys = {}
    if before:
        added, added_before = (
            seconds[f"out_{a}"] - seconds["out_direct"] for a in ("ours", "before")
        )
        keys = {
            "first_sentence_added_before_ms": added_before * 1000,
            "first_sentence_added_vs_before": added / added_before,
        }
    return {
        **keys,
        "first_spoken_direct_ms": seconds["spoken_direct"] * 1000,
        "first_spoken_ours_ms": seconds["spoken_ours"] * 1000,
        "first_spoken_vs_direct": seconds["spoken_ours"] / seconds["spoken_direct"],
        "first_spoken_one_sentence_vs_direct": seconds["one_ours"] / seconds["one_direct"],
        "first_sentence_added_ms": (seconds["out_ours"] - seconds["out_direct"]) * 1000,
    }


def silence(folder: Path) -> Keys:
    """The longest silence that a listener hears in a turn: over every way in which the first of
    two deployments falls ill, of one that is alone and thinks or loads for long, and of replies
    that nobody goes on with in time. Speech lasts as long as vui's. And how many of those that
    think or load end in an apology.

    Without hedges, which a few calls in a row use up.
    """
    slow = {**DRIBBLE, "words": 1, "pace": 0.0}  # a pace would hold back the head too
    faults = {
        **NO_WORDS, **BROKEN,
        "a word every 3 s": slow,
        "a word every 3 s, the first one too": {**slow, "words": 0},
        "a stall after a sentence of one word":
            {"fault": "stall", "text": "Oh. " + " ".join(FIRST), "words": 3},
    }  # fmt: skip
    found: dict[str, float] = {}
    with ward(folder, {}, {"VUI_LITELLM_HEDGE": "0"}) as up:
        for name, sick in faults.items():
            up.fall_ill(sick)
            heard = asyncio.run(up.turn(up.group()))
            if heard.raised or not heard.chunks:
                sys.exit(f"{name}: no whole answer was heard ({heard.chunks}, {heard.raised!r})")
            found[name] = heard.dead_air
        waits, within = asyncio.run(_waits(up)), asyncio.run(_within(up))
    faults_s = max(found.values())
    found |= {name: heard.dead_air for name, heard in {**waits, **within}.items()}
    longest = max(found, key=lambda name: found[name])
    print(f"the longest silence: {longest}")
    return {
        "silence_max_s": found[longest], "silence_faults_s": faults_s,
        **{f"silence_{name}_s": heard.dead_air for name, heard in waits.items()},
        "apologies": sum(bool(heard.raised) for heard in waits.values()),
    }  # fmt: skip


async def _waits(up: SickAndWell) -> dict[str, Heard]:
    """A model alone that thinks for 12 s, and one whose server loads it for 15 s."""
    up.fall_ill({"reasoning": "hm " * 24, "pace": 0.5, "text": "Well, yes."})
    with patch.object(up.first, "thinks", lambda _: True):
        heard = {"thinking": await up.turn(up.group("one"), within=60)}
    message = {"message": "Loading model", "type": "unavailable_error", "code": 503}
    up.fall_ill({"fault": 503, "fault_body": json.dumps({"error": message})})
    asyncio.get_running_loop().call_later(15, up.fall_ill)
    return {**heard, "loading": await up.turn(up.group("one"), within=60)}


async def _within(up: SickAndWell) -> dict[str, Heard]:
    """Replies whose words come slowly, or stop behind one word while nobody else can go on."""
    up.fall_ill({"text": " ".join(FIRST), "pace": 0.25})  # seconds for half a word or a whole one
    heard = {"slow words": await up.turn(up.group("one"), within=60)}
    stalls = {"fault": "stall", "text": "Oh. " + " ".join(FIRST), "words": 3}
    up.fall_ill(stalls)
    heard["a stall, alone"] = await up.turn(up.group("one"), within=60)
    up.fall_ill(stalls, delay=60)
    return {**heard, "a stall, the other one hangs": await up.turn(up.group(), within=60)}


ALL = (tail, tail_busy, first_sentence, silence)
