"""Attacks by a provider, or by whoever stands in its place: redirects, bombs, floods."""

from __future__ import annotations

import gzip
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.httpsession import URLLib3Session  # type: ignore[import-untyped]

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.providers.raw import LONGEST, RESET, Answer, RawProvider, head, raw_provider
from tests.support.credentials import env_file, leaked, planted, written
from tests.support.harness import KEY, Program, gateway, openai_model
from tests.support.hostile import JSON, PROVIDER_ATTACKS, USAGE_FRAME, WHOLE, chunk, once
from tests.support.report import LONG, attack, peak_mb, record, reset_peak, rss_mb
from tests.support.stalls import Stalls, stalls

AWS_SECRET = "aws-secret-58d1e3b7c9"
FAMILIES: dict[str, dict[str, str]] = {
    "openai": {"model": "openai/gpt-4.1-mini", "api_base": "{url}/v1"},
    "azure": {"model": "azure/gpt-4.1-mini", "api_base": "{url}", "api_version": "2024-10-21"},
    "anthropic": {"model": "anthropic/claude-haiku-4-5", "api_base": "{url}"},
    "gemini": {"model": "gemini/gemini-2.5-flash", "api_base": "{url}/v1beta"},
    "ollama": {"model": "ollama_chat/qwen3.5:4b", "api_base": "{url}"},
    "bedrock": {
        "model": "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "aws_bedrock_runtime_endpoint": "{url}", "aws_region_name": "us-east-1",
        "aws_access_key_id": "AKIAQ58D1E3B7C9F2A4B", "aws_secret_access_key": AWS_SECRET,
    },
}  # fmt: skip
PROVIDER_KEYS = {
    family: f"sk-planted-{family}-58d1e3b7c9f2a4"
    for family, params in FAMILIES.items()
    if "api_base" in params
}
VARIABLES = {
    name: value
    for name, value in planted().items()
    if name not in ("VUI_LITELLM_KEY", "REFERENCED") and not name.startswith("file ")
}
CREDENTIALS = {**VARIABLES, **PROVIDER_KEYS, "aws_secret_access_key": AWS_SECRET}
SPELLINGS = [spelling.encode() for value in CREDENTIALS.values() for spelling in written(value)]
REDIRECTED = {
    "anthropic": "`x-api-key` and the conversation go along",
    "gemini": "`x-goog-api-key` and the conversation go along",
}
SECRET = "the conversation that nobody else may see"
TURN: dict[str, Any] = {"messages": [{"role": "user", "content": SECRET}]}
# Milliseconds that an attack may keep the loop: five times what is seen on a quiet machine.
STALL = 500
PEAK = 200  # MB above idle


@dataclass
class HostileProvider:
    """A gateway whose first deployment of each family is the hostile one; the second is well."""

    program: Program
    hostile: RawProvider
    well: OpenAI
    stalls: Stalls
    client: httpx.Client

    def ask(self, family: str = "openai", stream: bool = True) -> httpx.Response:
        body = {**TURN, "model": family, "stream": stream}
        return self.client.post("/v1/chat/completions", json=body)


@pytest.fixture(scope="module")
def hostile_ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileProvider]:
    well = OpenAI()
    with raw_provider(lambda _: iter(())) as hostile, serving(well.app) as well_url:
        models = []
        for family, params in FAMILIES.items():
            params = {name: value.format(url=hostile.url) for name, value in params.items()}
            key = {"api_key": PROVIDER_KEYS[family]} if family in PROVIDER_KEYS else {}
            first = {"model_name": family, "litellm_params": {**params, **key, "order": 1}}
            alone = {**first, "model_name": f"{family} alone"}
            models += [first, alone, openai_model(family, f"{well_url}/v1", order=2)]
            models[-1]["litellm_params"]["model"] = "openai/gpt-4.1-mini"
        config = {
            "model_list": models,
            "litellm_settings": {"drop_params": True},
            "router_settings": {"stream_timeout": 2.0, "cooldown_time": 0.001},
        }
        env = {"VUI_LITELLM_HEDGE": "0", "VUI_LITELLM_PRECONNECT": "0"}
        folder = tmp_path_factory.mktemp("hostile")
        (folder / ".env").write_text(env_file(VARIABLES))
        with (
            gateway(folder, config, env) as program,
            stalls(program.url, program.process.pid) as watching,
            httpx.Client(
                base_url=program.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=120
            ) as client,
        ):
            yield HostileProvider(program, hostile, well, watching, client)


@pytest.fixture
def ward(hostile_ward: HostileProvider) -> HostileProvider:
    hostile_ward.hostile.seen.clear()
    hostile_ward.well.clear()
    return hostile_ward


def moved(status: int, url: str) -> Answer:
    """A redirect to the same path at another address."""
    return lambda request: iter([head(status, location=url + request.split()[1].decode())])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [True, False], ids=["reply", "thoughts"])
def test_no_redirect_is_followed_and_the_next_deployment_answers(
    ward: HostileProvider, family: str, stream: bool
) -> None:
    with raw_provider(lambda _: iter([head(200), b"data: [DONE]\n\n"])) as other:
        for status in (307, 301, 302, 303, 308):
            ward.hostile.seen.clear()
            ward.hostile.answer = moved(status, other.url)
            answer = ward.ask(family, stream)
            assert answer.status_code == 200
            assert "doing alright" in answer.text if stream else answer.json()["choices"]
            assert SECRET.encode() in ward.hostile.seen[0], "it wasn't asked first"
            time.sleep(0.01)  # the cooldown's
        assert other.seen == []
    attack(
        f"redirect to another host, {family}, {'reply' if stream else 'thoughts'}",
        REDIRECTED.get(family, "the conversation goes along"),
        "not followed, the next deployment answers",
    )


def test_botocore_follows_no_redirect_either() -> None:
    with raw_provider(lambda _: iter([head(200)])) as other:
        with raw_provider(moved(307, other.url)) as hostile:
            request = AWSRequest("POST", hostile.url, data=b"x").prepare()
            assert URLLib3Session().send(request).status_code == 307
        assert other.seen == []


@pytest.mark.parametrize("name", PROVIDER_ATTACKS)
def test_a_hostile_answer_neither_stalls_the_loop_nor_fills_the_memory(
    ward: HostileProvider, name: str
) -> None:
    before, ward.hostile.answer, stream = PROVIDER_ATTACKS[name]
    pid = ward.program.process.pid
    idle = rss_mb(pid)
    reset_peak(pid)
    ward.stalls.clear()
    began = time.monotonic()
    answer = ward.ask("openai alone", stream)
    took = time.monotonic() - began
    time.sleep(0.2)  # what LiteLLM does after the end
    peak, stalled = peak_mb(pid) - idle, ward.stalls.worst
    assert answer.status_code >= 400 or '"error"' in answer.text or not stream
    assert took < LONGEST / 2, "it goes on for as long as the provider does"
    assert stalled < STALL
    assert peak < PEAK
    assert ward.program.process.poll() is None
    ward.hostile.answer = once(b"", status=503)
    assert "doing alright" in ward.ask("openai").text, "the next turn isn't answered"
    attack(name, before, f"over after {took:.1f} s, stall {stalled:.0f} ms, {peak:+.0f} MB")


def test_the_memory_is_back_after_the_floods(ward: HostileProvider) -> None:
    pid = ward.program.process.pid
    ward.hostile.answer = PROVIDER_ATTACKS["endless reply"].answer
    sizes = []
    for _ in range(10):
        ward.ask("openai alone")
        sizes.append(rss_mb(pid))
    # It rises until garbage is collected, each few of them.
    assert min(sizes[5:]) < max(sizes[:5]) + 10, f"each flood leaves something behind: {sizes}"
    most, left = max(sizes) - sizes[0], sizes[-1] - sizes[0]
    attack(
        "endless replies one after another",
        "19 MB more after each",
        f"after {len(sizes)}: {left:+.0f} MB, {most:+.0f} MB at the most",
    )


EDGES = (
    b"", b"\n", b"\r\n\r\n", b"data: ", b"data: [DONE]\n\n", b"event: error\n", b": hm\n", b"[",
    b"{", b"\xff\xfe", b"\x00" * 20, b"data: null\n\n", b'data: {"choices": null}\n\n',
    b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n', USAGE_FRAME, chunk("Hi. "),
    b'{"message": {"role": "assistant", "content": "Hm. "}, "done": false}\n', WHOLE + b"}",
    b"9" * 5000,
)  # fmt: skip
KINDS = (
    "text/event-stream", JSON, "application/x-ndjson", "text/html", "", "x" * 7000,
    "application/vnd.amazon.eventstream", "text/event-stream; charset=utf-16",
)  # fmt: skip
STATUSES = (
    *[200] * 8,
    204,
    206,
    301,
    307,
    308,
    400,
    401,
    403,
    404,
    408,
    413,
    429,
    500,
    503,
    529,
    999,
)


def random_answer(rng: random.Random) -> Answer:
    """Bytes, sizes, encodings, resets, redirects and credentials by chance, and the request's own
    head.
    """

    def answer(request: bytes) -> Iterator[object]:
        if rng.random() < 0.05:
            yield rng.randbytes(rng.choice((0, 1, 40, 9000)))
            yield RESET if rng.random() < 0.5 else b""
            return
        status = rng.choice(STATUSES)
        headers = {"location": "http://169.254.169.254/"} if 300 <= status < 400 else {}
        echo = request.split(b"\r\n\r\n")[0]
        secret = rng.choice(SPELLINGS)
        cut = secret.decode()[: len(secret) // 3], secret.decode()[len(secret) // 3 :]
        told = secret, chunk(secret.decode()), b"".join(map(chunk, cut))
        edges = (*EDGES, rng.randbytes(50), echo, *told)
        pieces = [rng.choice(edges) for _ in range(rng.randrange(12))]
        size = rng.choice((1, 1, 1, 1, 1, 100, 5000))
        body = b"".join(piece * (1 if len(piece) > 200 else size) for piece in pieces)
        encoding = rng.choice(("", "", "", "", "gzip", "deflate", "br", "zstd", "gzip, gzip", "x"))
        if encoding:
            headers["content_encoding"] = encoding
            if rng.random() < 0.7:
                body = gzip.compress(body)
        if rng.random() < 0.2:
            headers["content_length"] = str(rng.choice((0, 1, len(body), len(body) + 1, 10**12)))
        if rng.random() < 0.1:
            headers["transfer_encoding"] = "chunked"
        yield head(status, rng.choice(KINDS), **headers)
        for part in (body[: len(body) // 2], body[len(body) // 2 :]):
            yield part
            if rng.random() < 0.1:
                yield RESET
                return

    return answer


@pytest.mark.timeout(7200)
def test_a_provider_that_answers_by_chance_does_no_harm(ward: HostileProvider) -> None:
    tries = int(os.environ.get("FUZZ") or "200")
    rng = random.Random(0 if tries < 1000 else None)
    pid = ward.program.process.pid
    ward.hostile.answer = random_answer(rng)
    ward.ask("openai alone")
    idle = rss_mb(pid)
    reset_peak(pid)
    ward.stalls.clear()
    logged = len(ward.program.log)
    statuses: Counter[int] = Counter()
    leaks: dict[str, str] = {}

    def one(family: str) -> None:
        answer = ward.ask(f"{family} alone", rng.random() < 0.7)
        statuses[answer.status_code] += 1
        leaks.update(leaked(CREDENTIALS, f"{answer.headers}{answer.text}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, [rng.choice(list(FAMILIES)) for _ in range(tries)]))
    time.sleep(0.5)
    assert ward.program.process.poll() is None
    grown, stalled = peak_mb(pid) - idle, ward.stalls.worst
    slow = sum(took > 100 for took in ward.stalls.seen)
    assert stalled < STALL * 2
    assert grown < PEAK
    leaks.update(leaked(CREDENTIALS, ward.program.log[logged:]))
    assert not leaks
    ward.hostile.answer = once(b"", status=503)
    assert "doing alright" in ward.ask("openai").text
    seen = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    record(
        "fuzz", "providers' answers",
        f"{tries}: {seen}; worst stall {stalled:.0f} ms, {slow} of {len(ward.stalls.seen)} looks "
        f"over 100 ms; {grown:+.0f} MB; {len(leaks)} of {len(CREDENTIALS)} credentials leaked",
        LONG,
    )  # fmt: skip
