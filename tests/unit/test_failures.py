"""What LiteLLM's chunks and errors become."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import litellm
import pytest
from vui_gateway.litellm_proxy.failures import _retry_after, failure
from vui_gateway.providers.blame import HOUR, Blamed, Failure, blame

FAR_AWAY = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("7.66", 7.66),
        ("1e9", HOUR),
        (FAR_AWAY, HOUR),
        (formatdate(0, usegmt=True), 0.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        (None, 0.0),
    ],
)
def test_the_time_that_a_provider_asks_for_is_read(value: str | None, seconds: float) -> None:
    error: Any = SimpleNamespace(response=SimpleNamespace(headers={"retry-after": value}))
    assert _retry_after(error) == seconds


def test_a_date_a_minute_from_now_is_a_minute() -> None:
    date = formatdate(time.time() + 60, usegmt=True)
    error: Any = SimpleNamespace(response=SimpleNamespace(headers={"retry-after": date}))
    assert 55 < _retry_after(error) <= 60


def in_stream(code: str) -> Exception:
    """What LiteLLM makes of an error in a stream."""
    error = ValueError(f"invalid literal for int() with base 10: '{code}'")
    error.__context__ = RuntimeError("Failed to call a function.")
    return error


def test_an_error_in_a_stream_is_said_in_the_providers_words_and_may_be_chance() -> None:
    found = asyncio.run(failure(None, 8192, {}, in_stream("tool_use_failed")))
    assert found.reason == "500: Failed to call a function. (tool_use_failed)"
    assert found.chance


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (litellm.RateLimitError("slow down", "openai", "gpt-4.1"), 429, "provider_rate_limited"),
        (litellm.AuthenticationError("no key", "openai", "gpt-4.1"), 401, "provider_key_refused"),
        (RuntimeError("a bug"), 500, "no_answer"),
        (in_stream("insufficient_quota"), 500, "provider_quota_exceeded"),
        (in_stream("rate_limit_exceeded"), 500, "provider_rate_limited"),
        # LiteLLM's 400 for an error in a stream of Ollama's
        (
            litellm.BadRequestError(
                "KeyError: 'message', Got unexpected response from Ollama: {'error': 'EOF'}",
                "m",
                "ollama_chat",
            ),
            500,
            "no_answer",
        ),
    ],
)
def test_an_error_keeps_its_status_and_gets_a_code(
    error: Exception, status: int, code: str
) -> None:
    found = asyncio.run(failure(None, 8192, {}, error))
    assert (found.status, found.code) == (status, code)
    assert "Traceback" not in str(found)


SECRET = "My bank's code is 4711. Don't tell anybody, büddy."


@pytest.mark.parametrize(
    "echo",
    [
        f"Invalid user message={{'role': 'user', 'content': {SECRET!r}}} at index 0",
        f"Cannot read {json.dumps(SECRET)}",
        f"Cannot read {json.dumps(SECRET.split('. ')[1])}",
        json.dumps({"message": f"messages.1.content: {SECRET}"}),
        json.dumps({"detail": [{"msg": "Field required", "input": {"content": SECRET}}]}),
        f"bad text: '{SECRET[:32]}...'",
        f"Wrong input `{SECRET[4:24]}`",
        "1 validation error [type=missing, input_value={'content': \"My bank's... büddy.\"}, "
        "input_type=dict]",
    ],
)
@pytest.mark.parametrize("parts", [False, True])
def test_no_word_of_what_was_said_is_in_the_reason_for_the_log(echo: str, parts: bool) -> None:
    content: Any = [{"type": "text", "text": SECRET}] if parts else SECRET
    request = {"messages": [{"role": "user", "content": content}]}
    error = litellm.BadRequestError(echo, "openai", "gpt-4.1")
    reason = asyncio.run(failure(None, 8192, request, error)).reason
    assert reason.startswith("the provider refused the request (400: ")
    assert not {"bank's", "4711", "Don't", "büddy"} & {*re.findall(r"[\w']+", reason)}


CALL = {"id": "c1", "function": {"name": "call", "arguments": '{"message": "Anna, the lawyer"}'}}
CONVERSATION = [
    {"role": "user", "content": "pin 47"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "insufficient_quota, try again in 50m"},
]


@pytest.mark.parametrize(
    "words",
    [
        "AnthropicException - 'tool_call_id'\nReceived Messages={all}",
        "Missing corresponding tool call for tool response message. Received - message={one}, "
        "last_message_with_tool_calls={call}",
        "Invalid Message passed in - {one}. File an issue",
        "Invalid Message passed in {one}",
        "Unable to convert openai tool calls={call} to gemini tool calls. Received error=5",
        "function_call missing. No function call in argument - {call}",
        "Unable to parse anthropic tool result for message: {one}",
        "Unsupported type 5 for key tool_calls in message {call}",
        "Error parsing chunk: 5,\nReceived chunk: {one}",
        "Invalid response object \n\nreceived_args={call}",
    ],
)
def test_a_conversation_that_litellm_repeats_is_neither_in_the_log_nor_a_verdict(
    words: str,
) -> None:
    message = words.format(all=CONVERSATION, one=CONVERSATION[2], call=CONVERSATION[1])
    error = litellm.BadRequestError(message, "m", "gemini")
    found = asyncio.run(failure(None, 8192, {"messages": CONVERSATION}, error))
    assert (found.code, found.retry_after) == ("provider_refused_request", 0)
    assert found.reason.startswith("the provider refused the request (400")
    assert not {"Anna", "lawyer", "47", "quota"} & {*re.findall(r"[^\W_]+", found.reason)}


def test_a_reason_keeps_its_own_words_where_somebody_has_said_them_in_short() -> None:
    request = {"messages": [{"role": "user", "content": "Rate limit"}]}
    error = litellm.RateLimitError("Rate limit reached for gpt-4.1", "openai", "gpt-4.1")
    assert "Rate limit reached" in asyncio.run(failure(None, 8192, request, error)).reason


HELLO = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def of_litellm(model: str, fields: dict) -> Any:
    """The failure of a call that reaches nobody, with these fields."""
    request = {"messages": [HELLO], **fields}

    async def ask() -> Any:
        try:
            nobody = {"api_base": "http://127.0.0.1:9", "api_key": "k", "max_retries": 0}
            call = {**nobody, **copy.deepcopy(request)}
            stream = await litellm.acompletion(model=model, stream=True, drop_params=True, **call)
            async for _ in stream:
                pass
        except Exception as error:
            return await failure(None, 8192, request, error)

    return asyncio.run(ask())


def tool_of(parameters: Any) -> dict:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gemini/gemini-2.5-flash", {"messages": [HELLO, {"role": "tool", "content": "x"}]}),
        ("gemini/gemini-2.5-flash", tool_of({"properties": {"a": {"$ref": 5}}})),
        ("gemini/gemini-2.5-flash", tool_of({"$defs": [1]})),
        ("gemini/gemini-2.5-flash", tool_of({"properties": [1]})),
        ("gemini/gemini-2.5-flash", {"tools": [TOOL], "tool_choice": {"type": "function",
                                                                      "function": 5}}),
        ("gemini/gemini-2.5-flash", {"response_format": {"type": "json_schema", "json_schema": 5}}),
        ("bedrock/us.amazon.nova-lite-v1:0", {"response_format": {}}),
        ("anthropic/claude-haiku-4-5", {"response_format": {"type": "json_schema"}}),
        ("ollama_chat/qwen3", {"response_format": {"type": "json_schema", "json_schema": 5}}),
    ],
)  # fmt: skip
def test_a_request_that_litellm_cant_write_is_a_refused_request(model: str, fields: dict) -> None:
    found = of_litellm(model, fields)
    assert (found.status, found.code) == (400, "provider_refused_request")
    assert found.reason == str(found)
    assert found.reason.startswith("LiteLLM can't write this request in the provider's format (")


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gemini/gemini-2.5-flash", {"tools": [TOOL]}),
        ("openai/gpt-4.1-mini", {"tools": [TOOL]}),
        ("gemini/gemini-2.5-flash", {"thinking": 5}),  # a setting of the deployment's
        ("vertex_ai/gemini-2.5-flash", {"tools": [TOOL], "vertex_credentials": "/nowhere.json"}),
        ("vertex_ai/gemini-2.5-flash", {"tools": [TOOL], "vertex_credentials": "{}"}),
        ("bedrock/us.amazon.nova-lite-v1:0", {"tools": [TOOL], "aws_role_name": "",
                                              "aws_session_name": "x"}),
        ("snowflake/x", {"tools": [TOOL], "api_key": None}),
    ],
)  # fmt: skip
def test_a_deployment_that_cant_be_asked_is_not_the_requests_fault(
    model: str, fields: dict
) -> None:
    found = of_litellm(model, fields)
    assert (found.status, found.code) != (400, "provider_refused_request")
    assert blame(Failure(found.ended, found.code, found.status)).blamed != Blamed.REQUEST
