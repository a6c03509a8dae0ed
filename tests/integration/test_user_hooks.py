"""Hooks of the user's callbacks around a call: as in LiteLLM's proxy, and they blame no model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import ROOT, Program, gateway, http, openai_model
from tests.support.poll import wait_until

MODULE = """
from fastapi import HTTPException
from litellm.integrations.custom_guardrail import ModifyResponseException
from litellm.integrations.custom_logger import CustomLogger


class Hooks(CustomLogger):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        last = data["messages"][-1]
        if "reject" in last["content"]:
            raise ModifyResponseException("I'd rather talk about tea.", data["model"], data)
        if "say no" in last["content"]:
            return "No."
        if "forbid" in last["content"]:
            raise HTTPException(403, {"error": "Not in this house."})
        if "leave" in last["content"]:
            raise SystemExit(3)
        if "fail" in last["content"]:
            raise KeyError("a bug of the callback")
        assert data["model"] == "vui", data["model"]
        last["content"] += " (said politely)"
        return data

    async def async_moderation_hook(self, data, user_api_key_dict, call_type):
        if "moderate" in data["messages"][-1]["content"]:
            raise HTTPException(400, "That is not for me.")

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        response.choices[0].message.content += " Bye."
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict, response, request_data
    ):
        text = request_data["messages"][-1]["content"]
        if "iterate" in text:
            raise HTTPException(403, "No iteration.")
        if "break" in text:
            raise KeyError("a bug of the stream's hook")
        async for chunk in response:
            for choice in chunk.choices:
                if choice.delta.content:
                    choice.delta.content = choice.delta.content.replace("sunny", "cloudy")
            yield chunk

    async def async_post_call_streaming_hook(self, user_api_key_dict, response):
        if "thunder" in response:  # the reply until now
            raise HTTPException(400, "No thunder here.")

    async def async_post_call_failure_hook(
        self, request_data, original_exception, user_api_key_dict, traceback_str=None
    ):
        if "explain" in request_data["messages"][-1]["content"]:
            return HTTPException(500, "The model is on holiday.")


hooks = Hooks()
"""


@pytest.fixture(scope="module")
def stand_in() -> OpenAI:
    return OpenAI()


@pytest.fixture(scope="module")
def hooked(stand_in: OpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with a callback of the user's that defines every hook around a call."""
    folder = tmp_path_factory.mktemp("hooked")
    (folder / "own_hooks.py").write_text(MODULE)
    env = {"PYTHONPATH": f"{folder}:{ROOT}"}
    with serving(stand_in.app) as url:
        config = {
            "model_list": [
                openai_model("gpt-4.1-mini", f"{url}/v1") | {"model_name": "vui"},
                openai_model("gpt-4.1-nano", f"{url}/v1") | {"model_name": "vui"},
            ],
            "litellm_settings": {"callbacks": ["own_hooks.hooks"]},
        }
        with gateway(folder, config, env) as program:
            # Callbacks come after the start.
            wait_until(lambda: _is_hooked(program, stand_in), 10, "the callback is in force")
            yield program


def _is_hooked(program: Program, stand_in: OpenAI) -> bool:
    ask(program, "Hello")
    return "politely" in stand_in.seen[-1].body["messages"][-1]["content"]


def ask(program: Program, text: str, **fields: Any) -> tuple[int, Any]:
    body = {"model": "vui", "messages": [{"role": "user", "content": text}], **fields}
    return http(f"{program.url}/v1/chat/completions", body, key=program.key)


def test_the_pre_call_hook_changes_what_the_provider_gets(
    hooked: Program, stand_in: OpenAI
) -> None:
    stand_in.clear()
    assert ask(hooked, "Hello")[0] == 200
    assert stand_in.seen[-1].body["messages"][-1]["content"] == "Hello (said politely)"


def test_the_success_hook_changes_an_answer_that_is_not_streamed(
    hooked: Program, stand_in: OpenAI
) -> None:
    stand_in.clear(text="It is sunny.")
    _, answer = ask(hooked, "Hello")
    assert answer["choices"][0]["message"]["content"] == "It is sunny. Bye."


def test_the_streaming_hooks_change_what_is_heard(hooked: Program, stand_in: OpenAI) -> None:
    stand_in.clear(pieces=["It ", "is ", "sunny", "."])
    _, events = ask(hooked, "Hello", stream=True)
    assert "It is cloudy." in events
    stand_in.clear(pieces=["It ", "is ", "rainy. ", "And ", "thunder ", "comes."])
    _, events = ask(hooked, "Hello", stream=True)
    assert "thunder comes" not in events


@pytest.mark.parametrize("stream", [False, True])
def test_a_rejecting_hook_answers_instead_of_the_model(
    hooked: Program, stand_in: OpenAI, stream: bool
) -> None:
    stand_in.clear()
    before = len(hooked.log)
    status, answer = ask(hooked, "Please reject this", stream=stream)
    assert status == 200
    said = answer if stream else answer["choices"][0]["message"]["content"]
    assert "I'd rather talk about tea." in said
    assert "litellm" not in said
    assert not stand_in.seen
    wait_until(lambda: "outcome=ok" in hooked.log[before:], 5, "the call's line")
    assert "usd=0.000000" in hooked.log[before:]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("forbid it", "Not in this house."),
        ("say no", "No."),
        ("fail now", "a bug of the callback"),
        ("leave now", "3"),
        ("moderate me", "That is not for me."),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusing_hook_blames_no_model(
    hooked: Program, stand_in: OpenAI, text: str, why: str, stream: bool
) -> None:
    stand_in.clear()
    before = len(hooked.log)
    status, answer = ask(hooked, text, stream=stream)
    assert status == 422
    assert answer["error"]["code"] == "provider_refused_request"
    assert why in answer["error"]["message"]
    assert "cooling down" not in hooked.status().stdout
    wait_until(lambda: hooked.log[before:].count("outcome=hook") == 1, 5, "the call's line")
    paid = text == "moderate me"
    assert ("usd=0.000000" in hooked.log[before:]) is not paid
    assert "attempts=hook " in hooked.log[before:]
    assert len(stand_in.seen) == paid
    assert ask(hooked, "Hello", stream=stream)[0] == 200


@pytest.mark.parametrize(
    ("text", "why"), [("iterate it", "No iteration."), ("break it", "a bug of the stream's hook")]
)
def test_a_hook_of_a_stream_that_fails_blames_no_model(
    hooked: Program, stand_in: OpenAI, text: str, why: str
) -> None:
    stand_in.clear()
    status, answer = ask(hooked, text, stream=True)
    assert status == 422
    assert why in answer["error"]["message"]
    assert len(stand_in.seen) == 1
    shown = hooked.status().stdout
    assert "cooling down" not in shown
    assert "refused" not in shown


def test_the_failure_hook_has_the_last_word_on_a_failure(hooked: Program, stand_in: OpenAI) -> None:
    stand_in.clear(fault=400)
    _, answer = ask(hooked, "explain it")
    assert answer["error"]["message"] == "The model is on holiday."
