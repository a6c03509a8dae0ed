"""Words of the request in a provider's error: no verdict on the deployment."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import litellm
import pytest
from vui_gateway.litellm_proxy.failures import failure, refusal_of
from vui_gateway.providers.blame import Blamed, Failure, blame
from vui_gateway.providers.refusals import refusal

HELLO = {"role": "user", "content": "hi"}
VERDICTS = [
    "insufficient_quota", "invalid_api_key", "model does not support tools", "rate_limit_exceeded",
    "unknown model", "x' insufficient_quota 'y",
]  # fmt: skip


def tools(name: str = "f", **parameters: Any) -> dict:
    function = {"name": name, "parameters": parameters}
    return {"messages": [HELLO], "tools": [{"type": "function", "function": function}]}


def judged(message: str, request: dict) -> tuple[str, Blamed]:
    error = litellm.BadRequestError(f"OpenAIException - {message}", "m", "openai")
    found = asyncio.run(failure(None, 8192, request, error))
    return found.code, blame(Failure(found.ended, found.code, found.status)).blamed


@pytest.mark.parametrize("words", VERDICTS)
@pytest.mark.parametrize("quote", ["'", '"', "`"])
def test_the_words_of_a_request_that_a_provider_quotes_are_no_verdict(
    words: str, quote: str
) -> None:
    said = f"{quote}{words}{quote}"
    called = {"id": words, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = {"type": "json_schema", "json_schema": {"name": words, "schema": {}}}
    for request in (
        tools(words), tools(type=words), tools(properties={words: {"type": 5}}),
        {"messages": [HELLO], "response_format": answer},
        {"messages": [HELLO, {"role": "assistant", "tool_calls": [called]}]},
        {"messages": [HELLO, {"role": "tool", "tool_call_id": words, "content": "x"}]},
        {"messages": [{**HELLO, "name": words}]},
    ):  # fmt: skip
        for message in (
            f"Invalid schema for function 'f': {said} is not valid. Don't send it.",
            json.dumps({"error": {"message": f"It doesn't take {said}"}}),
        ):
            assert judged(message, request) == ("provider_refused_request", Blamed.REQUEST)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("You exceeded your current quota: 'insufficient_quota'", "provider_quota_exceeded"),
        ("'f' failed: invalid api key", "provider_key_refused"),
        ("The 'tools' of this model: it does not support tools", "provider_refused_tools"),
    ],
)
def test_a_providers_own_words_stay_its_verdict(message: str, code: str) -> None:
    assert judged(message, tools())[0] == code


def test_a_tool_with_a_property_of_an_errors_own_hides_no_verdict() -> None:
    request = tools(properties={"code": {}, "message": {}, "error": {}})
    spent = json.dumps({"error": {"code": "1113", "message": "no"}})
    assert judged(spent, request)[0] == "provider_quota_exceeded"


def refused(message: str, request: dict, param: str | None = None) -> str:
    optional = {"temperature": 0.7, "reasoning_effort": "none", "max_tokens": 50}
    error: Any = litellm.BadRequestError(message, "m", "openai")
    error.param = param
    found = refusal(*refusal_of(error, request, optional), optional)
    return found.field if found else ""


@pytest.mark.parametrize("field", ["temperature", "reasoning_effort", "max_tokens"])
def test_a_tool_that_is_named_like_a_field_takes_no_field_from_the_others(field: str) -> None:
    schema = f"Invalid schema for function 'f': '{field}' is not valid under any of the schemas."
    assert not refused(schema, tools(type=field))
    assert not refused(f"Invalid schema for function '{field}': 'x' is not valid.", tools(field))
    path = f"tools[0].function.parameters.properties.{field}"
    assert not refused("Unknown type", tools(properties={field: {"type": "x"}}), path)


def test_a_field_that_a_tool_has_as_a_property_can_still_be_refused() -> None:
    weather = tools(properties={"temperature": {"type": "number"}})
    said = "Unsupported value: 'temperature' is not supported with this model."
    assert refused(said, weather) == "temperature"
