"""Attacks on the gateway by strangers: without the key, or before it is looked at."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse
from vui_gateway.api.connections import Connections

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support import report, strangers
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.poll import wait_until
from tests.support.strangers import CHUNKED, HEALTH, Watch, pour, stranger

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
FUZZ = int(os.environ.get("FUZZ") or "300")


@pytest.mark.parametrize(
    ("name", "head", "piece", "before"),
    [
        ("trailers", CHUNKED + b"0\r\n", b"a:\r\n", "1.6 GB of memory in 4 s"),
        ("chunks of one byte", CHUNKED, b"1\r\nx\r\n", "others waited 3.3 s"),
        ("extensions of a chunk", CHUNKED + b"5", b";a=b", "others waited 1.0 s"),
        ("header fields", b"GET / HTTP/1.1\r\n", b"a:\r\n", "ended past 64 KB"),
        ("empty lines", HEALTH, b"\r\n", "ended past 64 KB"),
        ("requests, no answer awaited", b"", HEALTH, "77 MB of memory, others waited 0.2 s"),
        ("a body", CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n", "taken for ever"),
    ],
)
def test_what_has_no_end_ends_the_connection(
    shared_gateway: Program, name: str, head: bytes, piece: bytes, before: str
) -> None:
    flood = piece * (100_000 // len(piece) + 1)
    with Watch(shared_gateway) as watch, ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: pour(shared_gateway, head, flood, 30), range(8)))
    assert all(ended)
    assert watch.grown < 30
    assert watch.stalled < 0.1
    seen = f"ended; {watch.grown:.0f} MB, others waited {watch.stalled * 1000:.0f} ms"
    report.attack(f"{name} without end, by 8 at once", before, seen)


def test_a_trailer_is_no_header(shared_gateway: Program) -> None:
    trailer = f"0\r\nAuthorization: Bearer {shared_gateway.key}\r\n\r\n".encode()
    content = json.dumps(BODY).encode()
    routes = [b"POST /v1/chat/completions", b"GET /v1/models", b"GET /model/info", b"GET /metrics"]
    for route in routes:
        request = CHUNKED.replace(b"POST /x", route) + b"%x\r\n%b\r\n" % (len(content), content)
        # Nor one of the next request on that connection.
        with stranger(shared_gateway, request + trailer + b"GET /metrics HTTP/1.1\r\n\r\n") as both:
            both.settimeout(1)
            answers = b""
            with suppress(TimeoutError):
                while data := both.recv(65536):
                    answers += data
        assert answers.count(b"HTTP/1.1 401 ") == 2, route
        assert b" 200 " not in answers
    report.attack("the key in a trailer", "200", "401")


def test_whoever_sends_slowly_is_gone_after_ten_seconds(shared_gateway: Program) -> None:
    key = f"Authorization: Bearer {shared_gateway.key}\r\n".encode()
    long = b"Host: x\r\nContent-Length: 999\r\n"
    ways = {
        "silence": (b"", b""),
        "headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        "empty lines after an answer": (HEALTH, b"\r\n"),
        "a body without the key": (b"POST /x HTTP/1.1\r\n" + long + b"\r\n", b"x"),
        "a body nobody reads": (b"GET /v1/models HTTP/1.1\r\n" + long + key + b"\r\n", b"x"),
    }
    with ThreadPoolExecutor() as pool:
        tries = {
            name: pool.submit(strangers.open_for, shared_gateway, first, piece, 25)
            for name, (first, piece) in ways.items()
        }
    for name, tried in tries.items():
        seconds = tried.result()
        assert 9 < seconds < 15, name
        report.attack(f"slowly: {name}", "kept for ever", f"ended after {seconds:.0f} s")


def test_whoever_reads_no_answer_is_gone() -> None:
    registry = CollectorRegistry()
    of_server: Any = {"http": Connections(registry).protocol, "timeout_keep_alive": 60}
    why = ("vui_connections_ended_total", {"why": "unread"})
    with serving(PlainTextResponse(b"x" * 20_000_000), **of_server) as url, socket.socket() as peer:
        peer.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        peer.sendall(HEALTH)
        began = time.monotonic()
        wait_until(lambda: registry.get_sample_value(*why), 20, "the connection is ended")
    took = time.monotonic() - began
    report.attack("an answer that nobody reads", "kept for ever", f"ended after {took:.0f} s")


@pytest.fixture
def narrow_gateway(tmp_path: Path, _openai: tuple[OpenAI, str]) -> Iterator[Program]:
    """A gateway that may open 1,024 files; this test may open as many as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    config = {"model_list": [openai_model("gpt-4.1-mini", f"{_openai[1]}/v1")]}
    try:
        with gateway(tmp_path / "narrow", config, preexec_fn=narrow) as running:
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_silent_connections_keep_nobody_out(narrow_gateway: Program, openai: OpenAI) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    key = {"Authorization": f"Bearer {narrow_gateway.key}"}
    openai.clear(text="one " * 40, words=1000, delay=1, pace=0.1)
    with (
        ExitStack() as opened,
        httpx.stream(
            "POST",
            narrow_gateway.url + CHAT,
            json={**BODY, "stream": True},
            headers=key,
            timeout=20,
        ) as under_way,
    ):
        openai.clear()
        took = {}
        for silent in (1100, 8000 if most > 10_000 or most < 0 else most // 2):
            for _ in range(silent):
                opened.enter_context(stranger(narrow_gateway))
            began = time.monotonic()
            assert http(f"{narrow_gateway.url}/health/readiness")[0] == 200
            assert http(narrow_gateway.url + CHAT, BODY, key=narrow_gateway.key)[0] == 200
            took[silent] = time.monotonic() - began
        seen = strangers.connections(narrow_gateway)
        assert seen["vui_connections"] <= 512
        assert seen["made-way"] > sum(took) - 520
        reply = under_way.read()
    assert reply.endswith(b"data: [DONE]\n\n")
    assert max(took.values()) < 5
    for silent, seconds in took.items():
        what = f"{silent} silent connections, 1,024 files"
        report.attack(what, "turns are reset", f"a turn and a health check in {seconds:.2f} s")


REQUESTS = [
    HEALTH,
    CHUNKED + b"5\r\nhello\r\n0\r\na: b\r\n\r\n",
    b"POST /x HTTP/1.1\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\nhello!!",
    b"GET /metrics HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /%00%ff/../v1/models?a=b#c HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n",
]
BITS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"0\r\n", b"\r\n\r\n", b"-1\r\n", b"f" * 17 + b"\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: 18446744073709551616\r\n",
    b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b"\x16\x03\x01\x02\x00\x01",
    b"\xff\xfe",
]  # fmt: skip


def nonsense(choice: random.Random) -> bytes:
    """Random bytes, or requests with random changes; now and then many of them."""
    if choice.random() < 0.2:
        return choice.randbytes(int(10 ** choice.uniform(0, 5)))
    data = bytearray(b"".join(choice.choices(REQUESTS, k=choice.randint(1, 3))))
    for _ in range(choice.choice((0, 1, 1, 2, 5))):
        at = choice.randrange(len(data) + 1)
        put = choice.choice((choice.choice(BITS), choice.randbytes(2), bytes(data[:at])))
        data[at : at + choice.choice((0, 0, 1, 10))] = put * int(10 ** choice.uniform(0, 2.5))
    return bytes(data[:300_000])


async def one_client(
    to: tuple[str, int], choice: random.Random, quickly: asyncio.Semaphore
) -> None:
    async with quickly:
        with suppress(OSError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(*to)
                try:
                    data, cut = nonsense(choice), choice.choice((1, 7, 1000, 1_000_000))
                    for start in range(0, min(len(data), cut * 30), cut):
                        writer.write(data[start : start + cut])
                        await writer.drain()
                        await asyncio.sleep(choice.choice((0, 0, 0.001)))
                    if choice.random() < 0.3:
                        writer.write_eof()
                    if choice.random() < 0.5:
                        async with asyncio.timeout(choice.choice((0.01, 0.1))):
                            while await reader.read(65536):
                                pass
                finally:
                    own: socket.socket = writer.get_extra_info("socket")
                    if choice.random() < 0.3 and own.fileno() >= 0:  # ends with a reset
                        linger = struct.pack("ii", 1, 0)
                        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()


@pytest.mark.timeout(3600)
async def test_random_clients_without_the_key(shared_gateway: Program, openai: OpenAI) -> None:
    seed = 11 if FUZZ < 1000 else random.SystemRandom().randrange(2**32)
    choice, quickly = random.Random(seed), asyncio.Semaphore(50)
    logged = len(shared_gateway.log)
    with Watch(shared_gateway) as watch:
        clients = (
            one_client(strangers.address(shared_gateway), random.Random(choice.random()), quickly)
            for _ in range(FUZZ)
        )
        await asyncio.gather(*clients)
    assert shared_gateway.process.poll() is None, seed
    assert http(shared_gateway.url + CHAT, BODY, key=shared_gateway.key)[0] == 200
    # No exception, and no line for each stranger: only for the call with the key.
    lines = shared_gateway.log[logged:].splitlines()
    assert not [line for line in lines if " thoughts model=" not in line], seed
    assert watch.stalled < 0.1, seed
    assert watch.grown < 200, seed
    # No provider was asked by anybody but us.
    assert len(openai.seen) == 1, seed
    seen = f"{FUZZ}: stalled {watch.stalled * 1000:.0f} ms at most; memory {watch.grown:+.0f} MB"
    report.record("fuzz", "raw clients without the key", seen, report.LONG)
