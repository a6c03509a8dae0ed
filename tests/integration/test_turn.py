"""One turn, as vui runs it: vui's real code, a real gateway, a strict stand-in."""

import os
import subprocess
import sys

import pytest

from tests.providers.openai import FIELDS, OpenAI, arguments
from tests.support.harness import ROOT, Program, vui_env


def chat(
    gateway: Program, *text: str, model: str = "gpt-4.1-mini", stdin: str | None = None, **env: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "vui_litellm", "chat", *text],
        env={**os.environ, **vui_env(gateway.url, model, gateway.key), **env},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )


def test_a_turn_is_two_requests_with_standard_fields_only(
    shared_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(tool="add_memory", arguments=arguments(text="Name is Ada"))
    result = chat(shared_gateway, "My", "name", "is", "Ada.")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Yeah, doing alright.\nWhat about you?\n"
    assert "[tool] add_memory {'text': 'Name is Ada'}" in result.stderr

    reply, thoughts = (seen.body for seen in openai.seen)
    assert all(seen.status == 200 for seen in openai.seen)
    assert reply["stream"] is True
    assert len(reply["stop"]) == 4
    assert reply["messages"][-1] == {"role": "user", "content": "My name is Ada."}
    assert len(thoughts["tools"]) > 10
    assert thoughts["temperature"] == 0.0
    assert not set(reply) - FIELDS
    assert not {"top_k", "chat_template_kwargs", "top_p", "temperature"} & set(reply)


def test_the_fifth_stop_cuts_what_reaches_tts(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="Yeah, one sec. Your calendar has three meetings today.")
    result = chat(shared_gateway, "What's on my calendar?")
    assert result.stdout == "Yeah.\n"  # vui ends the cut sentence by itself
    assert result.returncode == 0


def test_a_stop_ends_the_providers_stream(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="Yeah, one sec. " + "and on it goes. " * 200, pace=0.01)
    chat(shared_gateway, "What's on my calendar?")
    assert openai.seen[0].closed_at
    assert openai.seen[0].sent < 50


def test_piped_lines_are_a_conversation(shared_gateway: Program, openai: OpenAI) -> None:
    result = chat(
        shared_gateway, stdin="Hello\n/models\n/model other\nAgain\n/model gone\n/quit\nnever\n"
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "* gpt-4.1-mini" in lines
    assert "  other" in lines
    assert "Now talking to other." in lines
    assert "'gone' is not served" in result.stderr
    assert [seen.body["model"] for seen in openai.seen] == ["gpt-4.1-mini"] * 2 + ["other"] * 2
    second = openai.seen[2].body["messages"]
    assert [message["role"] for message in second[1:]] == ["user", "assistant", "user"]


def test_a_reply_that_fails_exits_1_with_the_providers_message(
    shared_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(fault=500)
    result = chat(shared_gateway, "Hello", model="other")
    assert result.returncode == 1
    assert result.stdout == "Sorry, something went wrong with the model, please try again.\n"
    assert "the model is not well" in result.stderr


def test_vui_is_the_first_model_and_chat_says_so(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="It is me. Hello.")
    result = chat(shared_gateway, "Hello", model="vui")
    assert result.returncode == 0
    assert result.stdout == "It is me.\nHello.\n"
    assert "vui is gpt-4.1-mini: the first model of litellm_config.yaml" in result.stderr
    assert openai.seen[0].body["model"] == "gpt-4.1-mini"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"VUI_LITELLM_URL": "http://127.0.0.1:9"}, "VUI_LITELLM_URL"),
        ({"VUI_LITELLM_KEY": "sk-wrong-0123456789"}, "VUI_LITELLM_KEY"),
        ({"VUI_LITELLM_MODEL": "nope"}, "VUI_LITELLM_MODEL"),
        ({"VUI_LITELLM_CONTEXT": "many"}, "VUI_LITELLM_CONTEXT"),
    ],
)
def test_what_stands_in_the_way_is_one_line_that_names_the_variable(
    shared_gateway: Program, env: dict[str, str], said: str
) -> None:
    path = {"PYTHONPATH": str(ROOT), "VUI_SPEECHLESS_PORT": "0"}
    for command in (("vui_litellm", "chat"), ("tests.support.speechless",)):  # a `serve`
        result = subprocess.run(
            [sys.executable, "-m", *command],
            env={**os.environ, **path, **vui_env(shared_gateway.url, "other"), **env},
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert result.returncode == 2
        lines = [line for line in result.stderr.splitlines() if line.startswith("vui-litellm: ")]
        assert len(lines) == 1
        assert said in lines[0]
    if said == "VUI_LITELLM_MODEL":
        assert "gpt-4.1-mini, other" in lines[0]


def test_vuis_doctor_checks_our_backend(shared_gateway: Program) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "vui_litellm", "doctor"],
        env={**os.environ, **vui_env(shared_gateway.url, "other", shared_gateway.key)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"[ok  ] llm     litellm other @ {shared_gateway.url}" in " ".join(
        result.stdout.split("\n")
    ).replace("llm        ", "llm     ").replace("llm       ", "llm     ")
