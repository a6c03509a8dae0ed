"""What real models and servers leave in the text, through a real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.base import Script, serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.said import GOOD

LEAKED = "Okay, the user asks about tides. Keep it short.\n</think>\n\nOh, good question."
CALL = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "UTC"}}\n</tool_call>'
TOOLS = [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}]


class Leaky(OpenAI):
    """A server without parsers: calls are text; and content may come as a list of parts, or as
    words of a refusal.
    """

    form = "text"
    name = ""  # of a tool, as it leaks it

    def said(self, text: str) -> dict[str, Any]:
        if self.form == "refusal":
            return {"content": None, "refusal": text}
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
        parts = [thought, {"type": "text", "text": text}]
        return {"content": parts if self.form == "parts" else text}

    def frames(self, body: dict, script: Script) -> list[bytes]:
        if self.name:
            return super().frames(body, script)
        bare = {name: value for name, value in body.items() if name != "tools"}
        out = super().frames(bare, script)
        if self.form == "text":
            return out
        pieces = [self.frame(body, self.said(one)) for one in script.cut()]
        return [out[0], *pieces, *out[1 + len(pieces) :]]

    def whole(self, body: dict, script: Script) -> dict:
        if self.name:
            return super().whole(body, script)
        bare = {name: value for name, value in body.items() if name != "tools"}
        answer = super().whole(bare, script)
        answer["choices"][0]["message"] |= self.said(script.text)
        return answer


@pytest.fixture(scope="module")
def leaky() -> Iterator[tuple[Leaky, str]]:
    stand_in = Leaky()
    with serving(stand_in.app) as url:
        yield stand_in, f"{url}/v1"


@pytest.fixture(scope="module")
def up(leaky: tuple[Leaky, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    names = ("first", "second", "QwQ-32B", "vui")
    config = {"model_list": [openai_model(name, leaky[1]) for name in names]}
    with gateway(tmp_path_factory.mktemp("gateway"), config) as running:
        yield running


def ask(up: Program, model: str = "vui", **fields: Any) -> list[dict]:
    """The chunks of a reply, or its one answer."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    if fields.get("stream"):
        body["stream_options"] = {"include_usage": True}
    status, answer = http(f"{up.url}/v1/chat/completions", body, key=up.key)
    assert status == 200, answer
    if not fields.get("stream"):
        return [answer]
    lines = (line.removeprefix("data: ") for line in answer.splitlines())
    return [json.loads(line) for line in lines if line.startswith("{")]


def text_of(chunks: list[dict]) -> str:
    deltas = (one["delta"] for chunk in chunks for one in chunk["choices"])
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.fixture
def server(leaky: tuple[Leaky, str]) -> Iterator[Leaky]:
    stand_in = leaky[0]
    stand_in.clear()
    yield stand_in
    stand_in.form, stand_in.name = "text", ""


def test_thinking_that_was_never_opened_is_heard_once_at_the_most(
    server: Leaky, up: Program
) -> None:
    server.clear(text=LEAKED)
    first = ask(up, "first", stream=True)
    assert text_of(first).strip().endswith(GOOD)
    for _ in range(2):
        assert text_of(ask(up, "first", stream=True)).strip() == GOOD
    usage = [chunk["usage"] for chunk in first if chunk.get("usage")]
    assert usage[-1]["taken_out"] == ["thoughts"]
    server.clear(text=GOOD)  # it may answer without a thought
    assert text_of(ask(up, "first", stream=True)).strip() == GOOD


def test_a_model_whose_name_says_that_it_thinks_is_believed_from_its_first_reply(
    server: Leaky, up: Program
) -> None:
    server.clear(text=LEAKED)
    assert text_of(ask(up, "QwQ-32B", stream=True)).strip() == GOOD


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("form", ["parts", "refusal"])
def test_content_that_is_a_list_of_parts_or_a_refusal_is_read(
    server: Leaky, up: Program, stream: bool, form: str
) -> None:
    server.form = form
    server.clear(text=GOOD)
    answer = ask(up, stream=stream)
    said = text_of(answer) if stream else answer[0]["choices"][0]["message"]["content"]
    assert said == GOOD


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("text", [CALL, f"<think>I'll look.</think>\n{CALL}"])
def test_a_tool_call_that_is_text_becomes_that_call(
    server: Leaky, up: Program, stream: bool, text: str
) -> None:
    server.clear(text=text)
    answer = ask(up, "second", stream=stream, tools=TOOLS)
    choices = [choice for chunk in answer for choice in chunk["choices"]]
    found = [one.get("delta") or one.get("message") or {} for one in choices]
    (call,) = [call for one in found for call in one.get("tool_calls") or ()]
    assert call["function"] == {"name": "get_time", "arguments": '{"zone": "UTC"}'}


def test_a_call_of_a_tool_that_was_not_offered_is_none(server: Leaky, up: Program) -> None:
    server.clear(text=CALL.replace("get_time", "launch"))
    (answer,) = ask(up, "second", tools=TOOLS)
    message = answer["choices"][0]["message"]
    assert not message.get("tool_calls")
    assert not message.get("content")


@pytest.mark.parametrize("stream", [True, False])
def test_the_name_of_a_tool_is_freed_of_control_tokens(
    server: Leaky, up: Program, stream: bool
) -> None:
    server.name = "get_time<|channel|>commentary"
    server.clear(tool=server.name, arguments="{}")
    answer = json.dumps(ask(up, "second", stream=stream, tools=TOOLS))
    assert '"name": "get_time"' in answer
    assert "commentary" not in answer


def test_plain_speech_can_be_turned_off(leaky: tuple[Leaky, str], tmp_path: Path) -> None:
    leaky[0].clear(text="See **[this](http://a.b/c)**.")
    config = {"model_list": [openai_model("vui", leaky[1])]}
    for switch, said in (("0", "See **[this](http://a.b/c)**."), ("1", "See this.")):
        env = {"VUI_LITELLM_PLAIN_SPEECH": switch}
        with gateway(tmp_path / switch, config, env) as running:
            assert text_of(ask(running, stream=True)) == said
