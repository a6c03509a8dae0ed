"""Credentials are found wherever they stand, and replaced in whatever way they are written."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from vui_gateway.redaction import RedactAnswers, Redactor, credentials, redact

KEY = "sk-proj-4fQ9/+xZ=abcDEF0123456789"


def redactor(*found: tuple[str, str]) -> Redactor:
    made = Redactor()
    made.configure(found)
    return made


@pytest.fixture
def process() -> Any:
    """The process's own, which knows one key for the length of a test."""
    redact.configure([("K", KEY)])
    yield redact
    redact.configure([])
    redact.configure([])


@pytest.mark.parametrize(
    "text",
    [KEY, KEY.upper(), json.dumps(KEY), json.dumps(json.dumps(KEY)), KEY.replace("/", "\\/"),
     "sk-proj-4fQ9%2F%2BxZ%3DabcDEF0123456789", "sk-proj-4fQ9%2f%2bxZ%3dabcDEF0123456789",
     KEY.encode().hex(), KEY.encode().hex().upper()],
)  # fmt: skip
def test_a_credential_is_replaced_in_every_spelling(text: str) -> None:
    assert redactor(("K", KEY))(f"a {text} b").replace('"', "").replace("\\", "") == "a $K b"


@pytest.mark.parametrize("before", ["", "u:", "me:", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_base64_hides_nothing_whatever_stands_around_it(before: str, after: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(f"{before}{KEY}{after}".encode()).decode()
        told = redactor(("K", KEY))(coded)
        assert "$K" in told
        assert len(told) < 20  # a few characters of what stood around it


def test_the_longer_of_two_credentials_wins_and_both_are_replaced() -> None:
    clean = redactor(("SHORT", "sk-12345678"), ("LONG", "sk-12345678-9abc"))
    assert clean("sk-12345678-9abc sk-12345678 sk-1234567") == "$LONG $SHORT sk-1234567"


@pytest.mark.parametrize(
    "value", ["none", "k", "sk-1234", "anything", "not-needed", "lm-studio", "12345678", "", "1.5"]
)
def test_a_placeholder_spoils_no_text(value: str) -> None:
    text = "Is anything not-needed none k sk-1234 12345678 lm-studio 1.5?"
    assert redactor(("K", value))(text) == text


def test_a_replaced_key_is_still_known_while_calls_with_it_are_under_way() -> None:
    clean = redactor(("K", KEY))
    clean.configure([("K", "sk-another-one-77")])
    assert clean(f"{KEY} sk-another-one-77") == "$K $K"


def names(env: dict[str, str], config: Any = ()) -> dict[str, str]:
    return {value: name for name, value in credentials(env, config)}


def test_credentials_are_found_by_name_by_reference_and_inside_addresses() -> None:
    config = {
        "model_list": [{
            "model_name": "x",
            "litellm_params": {
                "model": "os.environ/MODEL", "api_key": "os.environ/MINE", "organization": "org-1",
                "api_base": "https://me:p%40ss@h/v1?sig=s1&version=2", "api_version": "2024-10-21",
                "aws_region_name": "os.environ/REGION", "max_tokens": 5,
                "extra_headers": {"x-mine": "abcdefgh12345678", "auth": "Bearer tok123456"},
                "extra_body": {"reasoning": {"effort": "none"}, "order": ["Fireworks"]},
            },
        }],
    }  # fmt: skip
    env = {"MINE": "mine-value", "REGION": "us-east-1", "MODEL": "openai/x", "PATH": "/usr/bin"}
    env |= {"VUI_LITELLM_KEY_FILE": "/run/key", "BASE": "https://u:inside@h", "X_TOKEN": "tok"}
    found = names(env, config)
    assert {v: n for v, n in found.items() if v} == {
        "mine-value": "MINE", "org-1": "organization", "p%40ss": "api_base", "p@ss": "api_base",
        "s1": "api_base", "abcdefgh12345678": "x_mine",
        "tok123456": "auth", "Bearer tok123456": "auth", "inside": "BASE", "tok": "X_TOKEN",
    }  # fmt: skip


def test_the_name_of_a_model_is_no_credential_wherever_it_stands() -> None:
    model = "openrouter/meta-llama/llama-3.3-70b-instruct"
    params = {"model": model, "extra_body": {"models": [model.partition("/")[2]]}}
    info = {"base_model": "azure/gpt-4.1-mini-2025"}
    entry = {"model_name": "kitchen-model-2025", "litellm_params": params, "model_info": info}
    params["extra_headers"] = {"x-model": "gpt-4.1-mini-2025", "x-name": "Kitchen-Model-2025"}
    env = {"TOKENIZER_MODEL": "gpt-4.1-mini", "AUTH_TYPE": "oauth2-client", "GREETING": "Hi 2 you!"}
    params["mock_response"] = "os.environ/GREETING"
    assert not names(env, {"model_list": [entry]})


def test_a_private_key_is_known_by_its_lines() -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    account = json.dumps({"private_key": f"-----BEGIN-----\n{line}\n-----END-----\n"})
    assert names({"VERTEX_CREDENTIALS": account})[line] == "VERTEX_CREDENTIALS"


def test_a_sentence_takes_microseconds() -> None:
    clean = redactor(*((f"K{n}", f"sk-{n:02}{'aB3_x' * 20}{n:04}") for n in range(40)))
    text = "Yeah, doing alright, and the weather is quite nice today as far as I can tell. " * 4
    began = time.perf_counter()
    for _ in range(200):
        assert clean(text) == text
    assert (time.perf_counter() - began) / 200 < 200e-6  # 6 are seen


async def answered(start: dict, *bodies: dict) -> list[dict]:
    sent: list[dict] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        for message in ({"type": "http.response.start", "status": 200, **start}, *bodies):
            await send({"type": "http.response.body", **message})

    async def send(message: Any) -> None:
        sent.append(message)

    await RedactAnswers(app)({"type": "http"}, None, send)  # type: ignore[arg-type]
    return sent


async def test_an_answer_keeps_its_length_right(process: Redactor) -> None:
    body = json.dumps({"a": KEY, "b": "ü"}, ensure_ascii=False).encode()
    headers = [(b"content-length", b"%d" % len(body)), (b"x-told", KEY.encode())]
    start, told = await answered({"headers": headers}, {"body": body})
    assert told["body"] == '{"a": "$K", "b": "ü"}'.encode()
    assert dict(start["headers"]) == {
        b"content-length": b"%d" % len(told["body"]), b"x-told": b"$K",
    }  # fmt: skip


async def test_a_streamed_answer_goes_on_as_it_comes(process: Redactor) -> None:
    pieces: list[dict] = [{"body": b"\xff one", "more_body": True}, {"body": KEY.encode()}]
    _, first, last = await answered({"headers": []}, *pieces)
    assert (first["body"], last["body"]) == (b"\xff one", b"$K")
