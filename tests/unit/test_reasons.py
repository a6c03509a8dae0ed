"""Why a provider's call failed, in the log's words and its own."""

from __future__ import annotations

import json
import time

import pytest
from vui_gateway.errors import Code
from vui_gateway.litellm_proxy.http_bounds import MAX_ERROR
from vui_gateway.providers.errors import error_code, unechoed
from vui_gateway.providers.reasons import own_words, reason

from tests.support.stalls import in_time

OPENAI = {"error": {"message": "The model `x` does not exist", "type": "invalid_request_error"}}
ANTHROPIC = {"type": "error", "error": {"type": "authentication_error", "message": 'invalid "x"'}}
GEMINI = [{"error": {"code": 429, "message": "You exceeded your\ncurrent quota", "status": "X"}}]


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (404, f"litellm.NotFoundError: OpenAIException - {json.dumps(OPENAI)}",
         "the provider, not the gateway, lacks this model (404: The model `x` does not exist)"),
        (401, f"litellm.AuthenticationError: AnthropicException - {json.dumps(ANTHROPIC)}",
         'the provider refused its key (401: invalid "x")'),
        (429, f"litellm.RateLimitError: litellm.RateLimitError: {json.dumps(GEMINI, indent=2)}",
         "the quota or credit at the provider is used up (429: You exceeded your current quota)"),
        (500, "litellm.APIConnectionError: APIConnectionError: OpenAIException - Stream ended",
         "500: Stream ended"),
        (500, "Cannot connect to host x:443 ssl:default [Name or service not known]",
         "500: Cannot connect to host x:443 ssl:default [Name or service not known]"),
        (503, "", "503"),
        (500, '{"message": "\\u12"}', "500: \"\\u12\""),
        (500, "x" * 1000, f"500: {'x' * 200}…"),
    ],
)  # fmt: skip
def test_the_reason_is_one_line_in_the_providers_own_words(
    status: int, message: str, said: str
) -> None:
    assert reason(status, error_code(status, message), message) == said


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ('{"input": "He said \\"no\\"", "msg": "no"}', '{"input": "", "msg": "no"}'),
        ("{'input': 'It is late', 'msg': 'no'}", "{'input': \"\", 'msg': 'no'}"),
        ('{"msg": "no", "input": {"stop": ["a"]}}', '{"msg": "no", "input": ""'),
        ('{\\"input\\": \\"stop\\"}', '{\\"input\\": ""'),
        ('{"failed_generation": "cut off', '{"failed_generation": ""'),
        ("Input should be 'stop'", "Input should be 'stop'"),
    ],
)
def test_what_an_error_repeats_of_the_request_is_no_part_of_it(message: str, left: str) -> None:
    assert unechoed(message) == left


@pytest.mark.parametrize(
    "text",
    [
        "x",
        " ",
        ". ",
        "<",
        "litellm.",
        "model ",
        "exceed ",
        "context length ",
        '"message" ',
        "'input': '",
        '"input": [',
    ],
)
def test_no_error_is_looked_through_more_than_once(text: str) -> None:
    began = time.process_time()
    reason(500, error_code(500, text * (MAX_ERROR // len(text))), text * (MAX_ERROR // len(text)))
    assert in_time(time.process_time() - began, 0.1)


AIOHTTP = (
    "litellm.APIConnectionError: Ollama_chatException - Cannot connect to host localhost:11434 "
    "ssl:<ssl.SSLContext object at 0x7f8a1c0d2ae0> [Connect call failed ('127.0.0.1', 11434)]"
)


@pytest.mark.parametrize(
    "message",
    [
        AIOHTTP,
        "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.",
        "Server error <httpx.Response object at 0x1>. Received Model Group=vui\nAvailable Model "
        "Group Fallbacks=None LiteLLM Retried: 0 times",
        "litellm.BadRequestError: Hosted_vllmException - litellm.APIError: odd <x.Y at 0xabc>",
        "AnthropicException - Overloaded. Handle with `litellm.InternalServerError`.",
        "KeyError: 'message', Got unexpected response from Ollama: {'error': 'unexpected EOF'}",
    ],
)
def test_what_a_user_reads_holds_no_object_and_no_exceptions_name(message: str) -> None:
    for said in (own_words(message), reason(500, Code.NO_ANSWER, message)):
        assert " object at 0x" not in said
        assert " at 0x" not in said
        assert "Exception" not in said
        assert "Error:" not in said
        assert "litellm" not in said.lower()
        assert "Model Group" not in said


def test_json_of_a_provider_is_read_for_its_own_words() -> None:
    of_ollama = 'Ollama_chatException - {"error":"model \\"x\\" does not support tools"}'
    assert own_words(of_ollama) == 'model "x" does not support tools'
    of_llama = json.dumps({"error": {"code": 503, "message": "Loading model"}})
    assert own_words(f"litellm.ServiceUnavailableError: {of_llama}") == "Loading model"


def test_a_page_of_a_proxy_is_its_title() -> None:
    page = (
        "<!DOCTYPE html><html>\r\n<head><title>502 Bad\nGateway</title></head><body>x</body></html>"
    )
    assert own_words(f"litellm.InternalServerError: OpenAIException - {page}") == "502 Bad Gateway"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("KeyError: 'message', Got unexpected response from Ollama: {'error': 'x: unexpected EOF'}",
         "x: unexpected EOF"),
        ("KeyError: 'choices', Got unexpected response from Databricks: "
         "{'error': {'type': 'error', 'message': \"it's gone\", 'code': 500}}", "it's gone"),
        ("OpenrouterException - Message: It broke off, Metadata: {}, User ID: user_2x",
         "It broke off"),
        ("OpenrouterException - Message: Provider returned error, Metadata: {'raw': "
         '\'{"error": {"message": "Bad stop"}}\'}, User ID: user_2x', "Bad stop"),
    ],
)  # fmt: skip
def test_what_litellm_puts_around_an_error_of_a_stream_is_left_out(
    message: str, words: str
) -> None:
    assert own_words(message) == words
