"""A sick provider: the next deployment answers, or one sentence is said, in a bounded time."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from vui.serving.stream import llm_backend

from tests.matrix.conversations import TEXT_CHAT as HELLO
from tests.matrix.conversations import heard_of
from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.fillers import FILLERS
from tests.support.harness import Program, free_port, gateway, http
from tests.support.poll import until
from tests.support.report import record, rss_mb
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import APOLOGY, NAMED_KEY, SENTENCES

REPLY = ["Yeah, doing alright.", "What about you?"]
DEADLINE = 2.0  # the first-token deadline of this gateway; the default is 4 s
COOLDOWN = 1.0


@dataclass
class Faults:
    """A group `vui` of a first deployment, which the tests make sick, and a second."""

    program: Program
    first: OpenAI
    second: OpenAI

    def backend(self, model: str = "vui") -> LiteLLMBackend:
        backend = LiteLLMBackend(model, self.program.url, api_key=self.program.key)
        llm_backend.set_backend(backend)
        return backend

    def counts(self) -> tuple[int, int]:
        return len(self.first.seen), len(self.second.seen)


def deployment(base: str, order: int, variable: str, group: str = "vui") -> dict:
    params = {"model": "openai/gpt-4.1-mini", "api_base": f"{base}/v1", "order": order}
    return {"model_name": group, "litellm_params": {**params, "api_key": f"os.environ/{variable}"}}


@pytest.fixture(scope="module")
def _ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    with serving((one := OpenAI()).app) as first, serving((two := OpenAI()).app) as second:
        nobody = f"http://127.0.0.1:{free_port()}"
        config = {
            "model_list": [
                deployment(first, 1, "FIRST_API_KEY"),
                deployment(second, 2, "SECOND_API_KEY"),
                deployment(nobody, 1, "FIRST_API_KEY", "nobody"),
                deployment(second, 2, "SECOND_API_KEY", "nobody"),
                deployment("https://does-not-exist.invalid", 1, "FIRST_API_KEY", "no-dns"),
                deployment(first.replace("http:", "https:"), 1, "FIRST_API_KEY", "no-tls"),
                {
                    "model_name": "demo",
                    "litellm_params": {"model": "openai/d", "mock_response": "Hi."},
                },
            ],
            "litellm_settings": {"drop_params": True},
            "router_settings": {"stream_timeout": DEADLINE, "cooldown_time": COOLDOWN},
        }
        keys = {"FIRST_API_KEY": "sk-one-1f0e", "SECOND_API_KEY": "sk-two-2d3c"}
        env = {**keys, "VUI_LITELLM_HEDGE": "0"}
        with gateway(tmp_path_factory.mktemp("ward"), config, env) as program:
            yield Faults(program, one, two)


@pytest.fixture
async def ward(_ward: Faults) -> Faults:
    """Everybody is well, and no cooldown is left."""
    _ward.first.clear()
    _ward.second.clear()
    await first_is_asked(_ward)
    _ward.first.clear()
    _ward.second.clear()
    return _ward


async def turn(ward: Faults, model: str = "vui") -> tuple[list[str], Exception | None, float]:
    """What was heard, fillers included, what was raised, and how long it took."""
    backend = ward.backend(model)
    began = time.monotonic()
    chunks, raised = await heard_of(HELLO)
    took = time.monotonic() - began
    await backend.aclose()
    return chunks, raised, took


async def first_is_asked(ward: Faults, seconds: float = COOLDOWN + 0.2) -> None:
    """Turn after turn, all of them answered, until the first deployment is used (again)."""

    async def asked() -> bool:
        assert (await turn(ward))[0] == REPLY
        return bool(ward.first.seen)

    await until(asked, seconds, "the first deployment is used")


@pytest.mark.parametrize(
    ("name", "sick", "waits"),
    [
        ("500", {"fault": 500}, 0),
        ("503", {"fault": 503}, 0),
        ("529", {"fault": 529}, 0),
        ("429", {"fault": 429}, 0),
        ("429 with Retry-After", {"fault": 429, "fault_headers": {"retry-after": "1"}}, 0),
        ("404", {"fault": 404}, 0),
        ("no first token", {"delay": 60}, 1),
    ],
)
async def test_the_next_deployment_answers_and_the_sick_one_is_left_alone_then_used_again(
    ward: Faults, name: str, sick: dict[str, Any], waits: int
) -> None:
    ward.first.clear(**sick)
    chunks, raised, took = await turn(ward)
    assert (chunks, raised) == (REPLY, None)
    assert took // DEADLINE == waits
    assert ward.counts() == (1, 1)
    after, _, again = await turn(ward)
    assert after == REPLY
    assert ward.counts() == (1, 2), "the sick one was asked again at once"
    ward.first.clear()
    await first_is_asked(ward)
    record("faults", name, f"answered after {took:.2f} s, the next turn after {again:.2f} s")


async def test_a_provider_that_refuses_connections_is_passed_over(ward: Faults) -> None:
    chunks, raised, took = await turn(ward, "nobody")
    assert (chunks, raised) == (REPLY, None)
    assert took < DEADLINE
    record("faults", "connection refused", f"answered after {took:.2f} s")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_named_once_and_not_tried_again(ward: Faults, status: int) -> None:
    logged = ward.program.log.count("Put a valid FIRST_API_KEY into .env")
    ward.first.clear(fault=status)
    assert (await turn(ward))[0] == REPLY
    time.sleep(COOLDOWN + 0.2)
    assert (await turn(ward))[0] == REPLY
    assert ward.counts() == (1, 2), "the refused key was tried again"
    assert ward.program.log.count("Put a valid FIRST_API_KEY into .env") == logged + 1
    record("faults", str(status), "the next deployment answers; not tried again; one log line")
    # What changes is tried: here, an edit of its entry.
    ward.first.clear()
    path = ward.program.project / "litellm_config.yaml"
    config = yaml.safe_load(path.read_text())
    config["model_list"][0]["litellm_params"]["rpm"] = 1000 + status
    path.write_text(yaml.safe_dump(config))
    await first_is_asked(ward, 5)


@pytest.mark.parametrize(
    ("name", "sick"),
    [
        ("stalls in mid-reply", {"fault": "stall", "after": 8}),
        ("reset in mid-reply", {"fault": "reset", "after": 8}),
        ("error frame in mid-reply", {"fault": "error-frame", "after": 8}),
        ("ends early in mid-reply", {"fault": "end", "after": 8}),
    ],
)
async def test_a_reply_that_breaks_off_is_heard_whole_and_the_next_turn_works(
    ward: Faults, name: str, sick: dict[str, Any]
) -> None:
    ward.first.clear(**sick)
    chunks, raised, took = await turn(ward)
    assert (chunks, raised) == (REPLY, None)
    assert took < DEADLINE + 3
    assert ward.counts() == (1, 1)
    assert (await turn(ward))[0] == REPLY
    record("faults", name, f"heard whole after {took:.2f} s, and the next turn works")


GARBAGE: dict[str, dict[str, Any]] = {
    "HTML page": {"fault": 200, "fault_body": "<html><body>Bad gateway</body></html>"},
    "empty 200": {"fault": 200, "fault_body": ""},
    "invalid JSON": {"fault": 200, "fault_body": 'data: {"choices": [{"delta": {"con\n\n'},
    "wrong content type": {"fault": 200, "fault_body": "\x00\x01\x02" * 100},
    "10 MB line": {"fault": 200, "fault_body": "data: " + "x" * 10_000_000 + "\n\n"},
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_a_clear_error_and_memory_stays_bounded(ward: Faults, name: str) -> None:
    before = rss_mb(ward.program.process.pid)
    ward.first.clear(**GARBAGE[name])
    chunks, raised, took = await turn(ward)
    assert chunks[-1] in SENTENCES if raised else chunks == REPLY
    assert took < DEADLINE + 3
    grown = rss_mb(ward.program.process.pid) - before
    assert grown < 150
    assert (await turn(ward))[0] == REPLY
    record("faults", name, f"handled after {took:.2f} s, memory {grown:+.0f} MB")


async def test_invalid_utf8_and_a_gzip_bomb_do_no_harm(ward: Faults) -> None:
    before = rss_mb(ward.program.process.pid)
    for body, headers in (
        (b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n', {}),
        (gzip.compress(b"x" * 200_000_000), {"content-encoding": "gzip"}),
    ):
        ward.first.raw = (body, headers)
        try:
            chunks, raised, _took = await turn(ward)
        finally:
            ward.first.raw = None
        assert chunks[-1] in SENTENCES if raised else chunks == REPLY
        assert (await turn(ward))[0] == REPLY
        ward.first.clear()
        await first_is_asked(ward)
    grown = rss_mb(ward.program.process.pid) - before
    assert grown < 600
    record("faults", "invalid UTF-8, 200 MB gzip bomb", f"next turn works, memory {grown:+.0f} MB")


async def test_with_all_of_a_group_down_the_sentence_comes_in_time(ward: Faults) -> None:
    for name, sick in (("all answer 500", {"fault": 500}), ("all hang", {"delay": 60})):
        ward.first.clear(**sick)
        ward.second.clear(**sick)
        chunks, raised, took = await turn(ward)
        assert raised
        *fillers, said = chunks
        assert said == APOLOGY
        assert len(fillers) == (name == "all hang")
        assert {*fillers} <= {*FILLERS}
        assert took < 10
        assert ward.counts() == (1, 1), "a retry storm"
        before = f" (“{fillers[0]}” before)" if fillers else ""
        how = f"the sentence after {took:.2f} s{before}, one request per deployment"
        record("faults", name, how)
        ward.first.clear()
        ward.second.clear()
        assert (await turn(ward))[0] == REPLY, "the next turn waits for a cooldown"


async def test_all_keys_refused_is_said(ward: Faults) -> None:
    ward.first.clear(fault=401)
    ward.second.clear(fault=401)
    assert (await turn(ward))[0] == [NAMED_KEY.format("SECOND API KEY")]
    ward.first.clear()
    ward.second.clear()
    assert (await turn(ward))[0] == REPLY, "a key that works again isn't tried when none is left"


@pytest.mark.parametrize("model", ["no-dns", "no-tls"])
async def test_without_the_internet_the_demo_answers_and_the_rest_is_said(
    ward: Faults, model: str
) -> None:
    chunks, raised, took = await turn(ward, model)
    assert raised
    assert chunks[-1] in SENTENCES
    assert took < 10
    assert (await turn(ward, "demo"))[0] == ["Hi."]
    record("faults", model, f"said after {took:.2f} s; demo answers")


async def test_no_key_of_a_provider_shows_in_the_log(ward: Faults) -> None:
    assert "sk-one-1f0e" not in ward.program.log
    assert "sk-two-2d3c" not in ward.program.log
    assert ward.program.key not in ward.program.log
    models = http(f"{ward.program.url}/model/info", key=ward.program.key)[1]
    assert "sk-one-1f0e" not in str(models)
