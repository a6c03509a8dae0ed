"""The fields of a request: what is kept, what is refused and in which words, and for how long."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel
from vui_gateway.api import schema, sizes
from vui_gateway.api.schema import MAX_BODY, ChatRequest, PrefillRequest, read_body
from vui_gateway.errors import Code, RequestError

from tests.matrix.conversations import tools
from tests.support.clock import run_virtual

HELLO = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def read(**fields: Any) -> dict:
    body = json.dumps({"model": "vui", "messages": HELLO, **fields}).encode()
    return ChatRequest.read(body).model_dump(exclude_none=True)


def calls(arguments: str) -> list[dict]:
    function = {"name": "f", "arguments": arguments}
    call = {"id": "1", "type": "function", "function": function, "signature": "kept"}
    return [*HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}]


def test_what_no_turn_needs_is_left_out() -> None:
    assert read(api_base="http://evil.test", num_retries=9, seed=7) == {
        "model": "vui", "messages": HELLO, "seed": 7,
    }  # fmt: skip


def test_a_models_signature_of_its_thoughts_comes_along() -> None:
    (call,) = read(messages=calls("{}"))["messages"][1]["tool_calls"]
    assert call["signature"] == "kept"


def test_a_tool_call_without_arguments_has_none() -> None:
    """As some models write it; LiteLLM can't read it for Ollama."""
    (call,) = read(messages=calls(""))["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == "{}"


@pytest.mark.parametrize(("role", "joined"), [("user", True), ("system", False)])
def test_parts_of_a_text_are_joined_but_for_those_of_the_prompt(role: str, joined: bool) -> None:
    parts = [{"type": "text", "text": "One."}, {"type": "text", "text": " Two."}]
    (message,) = read(messages=[{"role": role, "content": parts}])["messages"]
    assert message["content"] == ("One. Two." if joined else parts)


@pytest.mark.parametrize(
    ("stop", "kept"), [("One", ["One"]), (["", "Two"], ["Two"]), ("", None), ([""], None)]
)
def test_a_stop_phrase_of_nothing_ends_no_reply(stop: Any, kept: Any) -> None:
    assert read(stop=stop).get("stop") == kept


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": ""}, "model: "),
        ({"messages": []}, "messages: "),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}] * 101}]},
         "messages.0.content: more than 100 parts."),
        ({"messages": calls("{")}, "The body: the arguments of a tool call are not JSON."),
        ({"tools": [{"type": "mcp", "server_url": "http://evil.test"}]}, "tools.0.type: "),
        ({"tools": [TOOL] * 129}, "tools: "),
        ({"temperature": 3}, "temperature: "),
        ({"max_tokens": 0}, "max_tokens: "),
        ({"seed": 2**63}, "seed: "),
        ({"reasoning_effort": "a lot"}, "reasoning_effort: "),
        ({"response_format": {"a": 2**64}}, "The body: a number is too large."),
        ({"response_format": {"a": "x" * 100_001}}, "The body: the tools, or the calls to them"),
        ({"tool_choice": {"a": list(range(5_000))}}, "The body: the tools, or the calls to them"),
        ({"tools": [{**TOOL, "function": {"name": "f", "parameters": {"a": "x" * 100_000}}}]},
         "The body: the tools, or the calls to them"),
    ],
)  # fmt: skip
def test_a_field_that_is_none_is_refused_by_its_name(fields: dict, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(**fields)
    assert str(refused.value).startswith(said)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "extra",
    [
        '"max_tokens": -1', '"max_tokens": 1e9', '"max_tokens": 1000001', '"max_tokens": 1.5',
        '"max_completion_tokens": 0', '"reasoning_effort": ""', '"reasoning_effort": 3',
        '"temperature": 2.1', '"temperature": -1', '"temperature": 1e999', '"temperature": NaN',
        '"top_p": 1.1', '"top_p": -0.1', '"presence_penalty": 3', '"frequency_penalty": -3',
        '"seed": 1e30', '"seed": 9223372036854775808', '"tool_choice": {"a": 1e999}',
        '"tool_choice": {"a": 36893488147419103232}', f'"tool_choice": {{"a": {"9" * 4000}}}',
        f'"stop": ["{"x" * 65}"]', '"stop": 5', f'"stop": {json.dumps(["x"] * 65)}',
        f'"messages": {json.dumps(calls("[" * 900))}',
    ],
)  # fmt: skip
def test_a_value_that_no_provider_takes_is_refused_in_a_short_sentence(extra: str) -> None:
    body = json.dumps({"model": "vui", "messages": HELLO}).encode()[:-1] + f", {extra}}}".encode()
    with pytest.raises(RequestError) as refused:
        ChatRequest.read(body)
    assert (refused.value.status, refused.value.code) == (400, Code.INVALID_REQUEST)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
def test_every_effort_that_the_docs_name_is_taken(effort: str) -> None:
    assert read(reasoning_effort=effort)["reasoning_effort"] == effort


def test_what_vui_asks_is_an_eighth_of_what_is_taken_at_the_most() -> None:
    assert read(tools=tools() * 8, messages=HELLO * 30)
    assert len(tools()) * 8 <= schema.MAX_TOOLS


def test_an_object_that_is_nested_without_end_is_refused() -> None:
    deep: Any = {}
    for _ in range(sizes.MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(RequestError, match="nested too deeply"):
        read(response_format={"a": deep})


def growing(levels: int, places: str = "$defs") -> dict:
    """A schema that doubles at each level where its references are replaced."""
    ends: dict[str, Any] = {f"a{levels}": {"type": "string"}}
    for level in range(levels):
        twice = {"$ref": f"#/{places}/a{level + 1}"}
        ends[f"a{level}"] = {"type": "object", "properties": {"x": twice, "y": twice}}
    return {"type": "object", "properties": {"p": {"$ref": f"#/{places}/a0"}}, places: ends}


def asking_for(schema: Any) -> list[dict]:
    """The fields in which a client can send a schema."""
    function = {"name": "f", "parameters": schema}
    answer = {"name": "f", "schema": schema}
    return [
        {"tools": [{"type": "function", "function": function}]},
        {"response_format": {"type": "json_schema", "json_schema": answer}},
        {"response_format": {"type": "json_object", "response_schema": schema}},
    ]


EMPTY_LISTS = {"$defs": {"a": [[]] * 4000}, "anyOf": [{"$ref": "a"}] * 4}


@pytest.mark.parametrize("field", range(3))
@pytest.mark.parametrize(
    "schema",
    [growing(15), growing(11), growing(15, "definitions"), {"components": growing(15, "schemas")},
     {"properties": {"nested": growing(15)}}, EMPTY_LISTS, {"x": 5, "y": EMPTY_LISTS},
     {"$defs": {"a": {"description": "x" * 9000}}, "anyOf": [{"$ref": "a"}] * 40}],
)  # fmt: skip
def test_a_schema_whose_references_grow_too_large_is_refused(schema: dict, field: int) -> None:
    with pytest.raises(RequestError, match=r"^The body: the tools, or the calls to them, are too "):
        read(**asking_for(schema)[field])


def test_a_schema_whose_references_nest_it_too_deeply_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^The body: it is nested too deeply"):
        read(**asking_for(growing(20))[0])


class Address(BaseModel):
    street: str
    city: str | None = None


class Person(BaseModel):
    name: str
    home: Address
    others: list[Address]
    work: Address | None = None


class Party(BaseModel):
    """As clients write it with Pydantic: https://docs.pydantic.dev/latest/concepts/json_schema/"""

    hosts: list[Person]
    guests: dict[str, Person]
    place: Address


class Folder(BaseModel):
    name: str
    folders: list[Folder]


class And(BaseModel):
    all: list[And | Or | str]


class Or(BaseModel):
    any: list[And | Or | str]


@pytest.mark.parametrize("model", [Party, Folder, And])
def test_schemas_that_clients_write_with_references_are_taken(model: type[BaseModel]) -> None:
    tool, answer, *_ = asking_for(model.model_json_schema())
    assert read(**tool, **answer)["tools"] == tool["tools"]
    assert read(tools=tool["tools"] * 20)


@pytest.mark.parametrize("place", ["definitions", "schemas"])
def test_a_schema_that_litellm_would_replace_without_end_is_refused(place: str) -> None:
    """It replaces references in definitions, too, unless they are the schema's own `$defs`."""
    circle = {"properties": {"a": {"$ref": f"#/{place}/a"}}}
    (tool, *_) = asking_for({"properties": {"a": {"$ref": "a"}}, place: {"a": circle}})
    with pytest.raises(RequestError, match="a schema that refers to itself"):
        read(**tool)


def test_a_conversation_that_is_too_long_is_too_large_and_no_wrong_field() -> None:
    with pytest.raises(RequestError) as refused:
        read(messages=HELLO * 301)
    assert refused.value.status == 413
    assert len(read(messages=HELLO * 300)["messages"]) == 300


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_named_as_the_body(body: bytes) -> None:
    with pytest.raises(RequestError, match=r"^The body: "):
        ChatRequest.read(body)


def test_a_prompt_may_be_announced_without_its_messages() -> None:
    assert PrefillRequest.read(b'{"model": "vui"}').messages is None


# ---- the body


def chunks(*parts: bytes, endless: bytes = b"") -> Any:
    left = [{"body": part, "more_body": bool(endless) or i < len(parts) - 1}
            for i, part in enumerate(parts)]  # fmt: skip

    async def receive() -> dict:
        return left.pop(0) if left else {"body": endless, "more_body": True}

    return receive


async def test_a_body_is_put_together() -> None:
    assert await read_body(chunks(b"{", b'"a"', b": 1}")) == b'{"a": 1}'


@pytest.mark.parametrize("size", [MAX_BODY, MAX_BODY + 1])
async def test_a_body_has_a_largest_size(size: int) -> None:
    if size == MAX_BODY:
        assert len(await read_body(chunks(b"x" * size))) == size
        return
    with pytest.raises(RequestError, match="larger than") as refused:
        await read_body(chunks(b"x" * size))
    assert refused.value.status == 413


async def test_a_body_without_end_is_read_no_further_than_its_limit() -> None:
    with pytest.raises(RequestError) as refused:
        await read_body(chunks(endless=b"x" * 65536))
    assert refused.value.status == 413


def test_a_body_that_takes_too_long_is_given_up() -> None:
    async def drips() -> Any:
        await asyncio.sleep(1)
        return {"body": b"x", "more_body": True}

    async def run() -> float:
        with pytest.raises(RequestError) as refused:
            await read_body(drips)
        assert refused.value.status == 408
        return asyncio.get_running_loop().time()

    assert run_virtual(run()) == pytest.approx(schema.BODY_SECONDS, abs=0.1)
