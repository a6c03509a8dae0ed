"""Attacks with the key: names, bodies, credentials, what is shown."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.providers.base import serving, sse
from tests.providers.gemini import Gemini
from tests.providers.openai import OpenAI
from tests.support import report
from tests.support.credentials import env_file, leaked, planted, written
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.logs import lines_of
from tests.support.poll import wait_until

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "hi"}]
BODY: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": HELLO}
FAULTS = (400, 401, 403, 404, 408, 429, 500, 503)


class Echo(OpenAI):
    """A provider that tells everybody what it was sent, and more."""

    told = ""

    def error_frame(self, message: str) -> bytes:
        return sse(self.error(f"{message}: {self.told}", 500))


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Echo, dict]]:
    """A gateway with planted credentials, before a provider that echoes them all."""
    folder, secrets = tmp_path_factory.mktemp("echoing"), planted()
    (folder / ".env").write_text(env_file(secrets))
    echo = Echo()
    with serving(echo.app) as url:
        address = url.replace("http://", f"http://vui:{secrets['file url']}@")
        basic = base64.b64encode(secrets["file basic"].encode()).decode()
        literal = {
            "api_key": secrets["file api_key"], "organization": secrets["file organization"],
            "extra_headers": {"x-mine": secrets["file header"], "x-basic": f"Basic {basic}"},
            "extra_body": {"user": secrets["file body"]},
        }  # fmt: skip
        config = {
            "model_list": [
                openai_model("plain", f"{url}/v1", api_key="os.environ/REFERENCED"),
                openai_model("literal", f"{url}/v1", **literal),
                openai_model("address", f"{address}/v1", api_key="os.environ/OPENAI_API_KEY"),
            ],
            "litellm_settings": {"drop_params": True},
        }
        env = {"LITELLM_LOG": "DEBUG", "VUI_LITELLM_LOG": "debug"}
        with gateway(folder, config, env, key=None) as up:
            assert up.key == secrets["VUI_LITELLM_KEY"]
            yield up, echo, secrets


def test_no_credential_that_a_provider_echoes_leaves_the_gateway(
    echoing: tuple[Program, Echo, dict],
) -> None:
    up, echo, secrets = echoing
    everything = [spelling for value in secrets.values() for spelling in written(value)]
    echo.told = " ".join(everything)
    split = [echo.told[i : i + 5] for i in range(0, len(echo.told), 5)]
    arguments = json.dumps({"text": echo.told, **{f"k{i}": s for i, s in enumerate(everything)}})
    # As headers can be sent: ASCII, and not hundreds of them.
    header = " ".join(s for s in secrets.values() if s.isascii() and s.isprintable())
    page = f"<html>{echo.told}</html>"
    scripts: list[dict[str, Any]] = [
        {"text": echo.told}, {"pieces": split}, {"arguments": arguments},
        {"fault": "error-frame", "after": 1}, {"fault": "error-frame", "after": 5},
        {"fault": "end", "after": 3, "pieces": [f"{echo.told}. And "]},
        *({"fault": n, "fault_body": json.dumps(echo.error(echo.told, n))} for n in FAULTS),
        *({"fault": n, "fault_body": page} for n in (400, 500, 200)),
        *({"fault": n, "fault_headers": {"x-echo": header, "retry-after": header}} for n in FAULTS),
    ]  # fmt: skip
    for key in ("refused", *secrets):  # cut in half wherever a message may be cut
        scripts.append({"fault": 200, "fault_body": "x" * 190 + secrets.get(key, "")})
    tool = {"type": "function", "function": {"name": "no_action", "parameters": {}}}
    reply: tuple[bool, dict] = (True, {})
    thoughts: tuple[bool, dict] = (False, {"tools": [tool]})
    answers: list[str] = []
    statuses: set[int] = set()
    with httpx.Client(headers={"Authorization": f"Bearer {up.key}"}, timeout=30) as client:
        for script, (stream, tools) in product(scripts, (reply, thoughts)):
            echo.clear(**script)
            model = ("plain", "literal", "address")[len(answers) % 3]
            body = {"model": model, "messages": HELLO, "stream": stream, "max_tokens": 60000}
            answer = client.post(f"{up.url}{CHAT}", json={**body, **tools})
            statuses.add(answer.status_code)
            answers.append(f"{answer.headers}\n{answer.text}")
            found = leaked(secrets, answers[-1])
            assert not found, (script, stream, tools, found, answers[-1][:2000])
        told = "".join(answers)
        assert 200 in statuses
        assert "$MISTRAL_API_KEY" in told
        assert "$api_key" in told
        for path in ("/v1/models", "/model/info", "/metrics", "/status"):
            shown = client.get(up.url + path)
            assert shown.status_code == 200
            assert not leaked(secrets, f"{shown.headers}{shown.text}"), path
    assert not leaked(secrets, up.status().stdout)
    assert not leaked(secrets, up.log)
    told = f"{len(secrets)} credentials that a provider echoes, in {len(written('x'))} spellings"
    report.attack(told, "all in the answers, 7 in the log", f"none, in {len(answers)} answers")


def test_a_configuration_that_is_refused_is_quoted_without_its_credentials(
    echoing: tuple[Program, Echo, dict],
) -> None:
    up, _, secrets = echoing
    path = up.project / "litellm_config.yaml"
    good, new = path.read_text(), "sk-brandnew-4f8a1c2d9e7b"
    bad = [
        f"model_list:\n- model_name: x\n  litellm_params: {{model: openai/x, api_key: *{new}}}\n",
        f"model_list:\n- model_name: x\n  litellm_params: {{model: openai/x, api_key: !{new} }}\n",
        f"model_list:\n- model_name: x\n  litellm_params: {{model: openai/x, api_key: '{new}\n",
        f"{good}router_settings: {{routing_strategy: {secrets['file api_key']}}}\n",
    ]

    def answers() -> int:
        return sum(map(up.log.count, ("stays in force", "router_settings.routing_strategy is")))

    try:
        for text in bad:
            before = answers()
            path.write_text(text)
            wait_until(functools.partial(lambda n: answers() > n, before), 10, "it is answered")
    finally:
        path.write_text(good)
    assert new not in up.log
    assert not leaked(secrets, up.log + up.status().stdout)


def test_model_info_shows_what_check_needs_and_nothing_else(
    echoing: tuple[Program, Echo, dict],
) -> None:
    up, _, _ = echoing
    data = http(f"{up.url}/model/info", key=up.key)[1]["data"]
    assert {entry["model_name"] for entry in data} >= {"plain", "literal", "address"}
    assert {name for entry in data for name in entry["litellm_params"]} <= {
        "model", "order", "mock_response",
    }  # fmt: skip
    shown = {name for entry in data for name in entry["model_info"]}
    assert "input_cost_per_token" in shown
    assert not {name for name in shown if re.search("base|key$|body|header|organi", name)}
    report.attack(
        "credentials in `api_base`, `extra_body`, `organization`", "shown by `/model/info`", "none"
    )


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, OpenAI]]:
    """A gateway with a wildcard, a name with a space and a comma, and an alias."""
    with serving((stand_in := OpenAI()).app) as url, serving(Gemini().app) as google:
        wildcard = openai_model("any/*", f"{url}/v1")
        wildcard["litellm_params"]["model"] = "openai/*"
        gemini = openai_model("gemini", google, model="gemini/gemini-2.5-flash")
        models = [openai_model(n, f"{url}/v1") for n in ("one", "two", "a, b")]
        names = [wildcard, gemini, *models]
        settings = {"model_group_alias": {"nick": "one", "smart": "any/gpt-4.1-mini"}}
        folder = tmp_path_factory.mktemp("wild")
        with gateway(folder, {"model_list": names, "router_settings": settings}) as up:
            yield up, stand_in


FORGED = "any/x\nreply model=forged"


@pytest.mark.parametrize(
    "name",
    ["one,two", "any/x,any/y", "one, two", " one", "one ", "ONE", "*", "any/*\x1b[2J", "any/\r\nx",
     FORGED, "any/\u2028x", "any/\u202ex", "any/" + "x" * 197, "any/\x00", "any/a b", "any/é",
     "t*", "any/../../files", "any/..", "any/x/../y"],
)  # fmt: skip
@pytest.mark.parametrize("route", [CHAT, "/v1/preconnect"])
def test_only_names_that_are_served_are_asked(
    wild: tuple[Program, OpenAI], name: str, route: str
) -> None:
    up, stand_in = wild
    stand_in.clear()
    status, body = http(f"{up.url}{route}", {"model": name, "messages": HELLO}, key=up.key)
    assert status in (400, 404) or (route != CHAT and status == 202), body
    assert not stand_in.seen
    assert "forged" not in up.log
    assert len(json.dumps(body)) < 1000


@pytest.mark.parametrize(
    "name", ["one", "a, b", "nick", "smart", "any/gpt-4.1-mini", "any/meta/l-3.3:free"]
)
def test_a_served_name_is_one_field_of_the_log(wild: tuple[Program, OpenAI], name: str) -> None:
    up, stand_in = wild
    stand_in.clear()
    before = len(up.log)
    assert http(f"{up.url}{CHAT}", {"model": name, "messages": HELLO}, key=up.key)[0] == 200
    assert len(stand_in.seen) == 1
    shown = json.dumps(name) if " " in name else name
    wait_until(lambda: f"thoughts model={shown} " in up.log[before:], 5, "the call's line")


def test_names_that_a_wildcard_matches_make_no_metrics_of_their_own(
    wild: tuple[Program, OpenAI],
) -> None:
    up, _ = wild
    with httpx.Client(headers={"Authorization": f"Bearer {up.key}"}, timeout=20) as client:
        for n in range(40):
            body = {"model": f"any/{n}-{'x' * 180}", "messages": HELLO}
            assert client.post(f"{up.url}{CHAT}", json=body).status_code == 200
        wait_until(lambda: up.log.count("model=any/") >= 40, 5, "the calls' lines")
        text = client.get(f"{up.url}/metrics").text
    assert "xxx" not in text
    assert 'deployment="openai/*",' in text
    assert 'model="any/*"' in text
    assert len(text) < 30_000
    report.attack("40 made-up model names", "`/metrics` of 175 MB", f"{len(text) // 1000} KB")


def test_a_providers_message_makes_no_line_of_its_own_in_the_log(
    wild: tuple[Program, OpenAI],
) -> None:
    up, stand_in = wild
    text = "sorry\nReady at http://x:4000\r\x1b[2J\x1b]0;owned\x07\u202e" + "\nforged line" * 5
    for fault in (400, 401, 500):
        body = json.dumps(stand_in.error(text, fault))
        stand_in.clear(fault=fault, fault_body=body)
        http(f"{up.url}{CHAT}", {"model": "two", "messages": HELLO}, key=up.key)
    wait_until(lambda: "500: sorry" in up.log, 5, "the last call's line")
    lines = lines_of(up.log)
    assert not [line for line in lines if line.startswith("forged")]
    assert sum(line.startswith("Ready at") for line in lines) == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", up.log)


def function(number: int, parameters: Any = None) -> dict:
    described = {"name": f"t{number}", "description": "x", "parameters": parameters or {}}
    return {"type": "function", "function": described}


def calls(count: int, arguments: str = "{}") -> list[dict]:
    """A conversation in which the model has called so many tools."""
    called = {"name": "t0", "arguments": arguments}
    made = [{"id": f"c{n}", "type": "function", "function": called} for n in range(count)]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": "ok"} for n in range(count)]
    return [*HELLO, {"role": "assistant", "tool_calls": made}, *results, *HELLO]


def growing(levels: int) -> dict:
    """A tool whose schema doubles at each level where LiteLLM replaces references."""
    ends: dict[str, Any] = {f"a{levels}": {"type": "string"}}
    for level in range(levels):
        twice = {"$ref": f"#/$defs/a{level + 1}"}
        ends[f"a{level}"] = {"type": "object", "properties": {"x": twice, "y": twice}}
    return function(0, {"type": "object", "properties": {"x": ends["a0"]}, "$defs": ends})


def raw(extra: str) -> bytes:
    return json.dumps({**BODY, "model": "one"}).encode()[:-1] + f", {extra}}}".encode()


TURNS = [{"role": ("user", "assistant")[n % 2], "content": "x" * 1200} for n in range(299)]
# With what the loop did before, where it is refused now.
LARGE: dict[str, tuple[Any, str]] = {
    "a name of 4 KB": ({"model": "any/" + "a" * 4096}, "600 ms"),
    "a name of 1.9 MB": ({"model": "any/" + "a" * 1_900_000}, "2.5 s"),
    "10,000 tools": ({"tools": [function(n) for n in range(10_000)]}, "133 ms"),
    "150,000 stops": ({"stop": ["a"] * 150_000}, "81 ms"),
    "a schema of 1.9 MB": ({"tools": [function(0, {"a": ["b"] * 380_000})]}, "162 ms"),
    "25,000 tool calls": ({"messages": calls(25_000)[:2]}, "137 ms"),
    "a tool call's arguments nested 90,000 deep": (
        {"messages": calls(1, "[" * 90_000)},
        "480 to 740 ms, and a deployment left alone for half a minute",
    ),
    "arguments of 30,000 values": ({"messages": calls(1, json.dumps([0] * 30_000))}, "18 ms"),
    "a text in 9,000 parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "and"}] * 9000}]},
        "33 ms",
    ),
    "a schema of 2 KB that its references make 3 GB": ({"tools": [growing(20)]}, "sent on"),
    "a schema of 2 KB that its references make 3 GB, for Gemini": (
        {"model": "gemini", "tools": [growing(20)]},
        "the gateway stopped",
    ),
    "a schema that its references make ten times as large, for Gemini": (
        {"model": "gemini", "tools": [growing(5)]},
        "",
    ),
    "arguments of 1,400 values": ({"messages": calls(1, str([0] * 1400))}, ""),
    "128 tools": ({"tools": [function(n) for n in range(128)]}, ""),
    "a schema of 2,000 keys": ({"tools": [function(0, {f"k{n}": {} for n in range(2000)})]}, ""),
    "a schema of 90 KB": ({"tools": [function(0, {"description": "x" * 90_000})]}, ""),
    "64 stops": ({"stop": [f"{n} " + "s" * 60 for n in range(64)]}, ""),
    "64 tool calls": ({"messages": calls(64)}, ""),
    "arguments of 45 KB": ({"messages": calls(1, json.dumps({"a": "x" * 45_000}))}, ""),
    "400 KB of words": ({"messages": [{"role": "user", "content": "and words " * 39_000}]}, ""),
    "400 KB of quotes": ({"messages": [{"role": "user", "content": '"\\\n' * 66_000}]}, ""),
    "400 KB of what looks like keys": (
        {"messages": [{"role": "user", "content": "sk-api_key=://a:b@" * 21_000}]},
        "",
    ),
    "299 turns of 1.2 KB": ({"messages": TURNS}, ""),
}


def busy(up: Program) -> float:
    """Milliseconds of work of the event loop's thread until now."""
    # https://www.kernel.org/doc/html/latest/scheduler/sched-stats.html
    return int(Path(f"/proc/{up.process.pid}/schedstat").read_text().split()[0]) / 1e6


@pytest.mark.parametrize("name", LARGE)
def test_no_request_holds_up_the_others(wild: tuple[Program, OpenAI], name: str) -> None:
    """What the loop works for a call in all is more than it can stand still for it."""
    up, stand_in = wild
    stand_in.clear()
    extra, before = LARGE[name]
    plain, _ = work(up, {})
    took, status = work(up, extra)
    assert status in ((400, 413) if before else (200,))
    assert took < (4 if before else 8) * plain
    if before:
        report.attack(name, before, f"{took:.1f} ms, {status}")


def work(up: Program, extra: dict) -> tuple[float, int]:
    """Milliseconds of the loop's thread for a call with these fields, and the answer's status."""
    body = json.dumps({**BODY, "model": "one", **extra}).encode()
    headers = {"Authorization": f"Bearer {up.key}"}
    took = []
    with httpx.Client(headers=headers, timeout=60) as client:
        for _ in range(4):
            began = busy(up)
            status = client.post(f"{up.url}{CHAT}", content=body).status_code
            took.append(busy(up) - began)
    return min(took), status


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [function(0, {"properties": {"a": {"$ref": 5}}})]},
        {"tools": [function(0)], "tool_choice": {"type": "function", "function": 5}},
        {"response_format": {"type": "json_schema", "json_schema": 5}},
    ],
)
def test_a_request_that_litellm_stumbles_over_leaves_its_model_to_the_others(
    wild: tuple[Program, OpenAI], fields: dict
) -> None:
    up, _ = wild
    body = {**BODY, "model": "gemini", "stream": True}
    status, answer = http(f"{up.url}{CHAT}", {**body, **fields}, key=up.key)
    assert (status, answer["error"]["code"]) == (400, "provider_refused_request")
    models = {m["model"]: m["state"] for m in http(f"{up.url}/status", key=up.key)[1]["models"]}
    assert models["gemini/gemini-2.5-flash"] == "serving"


@pytest.mark.parametrize("extra", ['"max_tokens": 0', '"temperature": NaN'])
def test_a_value_that_no_provider_takes_is_refused_by_us(
    wild: tuple[Program, OpenAI], extra: str
) -> None:
    """Others: tests/unit/test_schema.py."""
    up, stand_in = wild
    stand_in.clear()
    headers = {"Authorization": f"Bearer {up.key}"}
    answer = httpx.post(f"{up.url}{CHAT}", content=raw(extra), headers=headers, timeout=20)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert not stand_in.seen
