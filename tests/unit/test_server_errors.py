"""Failures of servers that people run themselves, by their words, and the cure for each."""

from __future__ import annotations

import pytest
from vui_gateway.errors import Code
from vui_gateway.providers.endpoints import Server
from vui_gateway.providers.errors import Asked, error_code
from vui_gateway.providers.server_errors import (
    context_size,
    no_route,
    tools_cure,
    unreachable,
)

TOOLS_REFUSED = [
    '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    "registry.ollama.ai/library/gemma3:4b does not support tools",
    "tools param requires --jinja flag",
    "tool_choice param requires --jinja flag",
    "No endpoints found that support tool use. To learn more about provider routing, visit: …",
    "`tool calling` is not supported with this model",
    "This model doesn't support tool use.",
    "Function calling is not enabled for models/gemma-3-27b-it",
    "Unrecognized request argument supplied: tools",
    "litellm.UnsupportedParamsError: x does not support parameters: ['tools'], for model=y",
    "Tools are not supported by this model.",
]


@pytest.mark.parametrize("message", TOOLS_REFUSED)
@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_tools_refused_is_known_by_its_words(message: str, status: int) -> None:
    assert error_code(status, message, Asked(tools=True)) == Code.PROVIDER_REFUSED_TOOLS
    assert error_code(status, message) != Code.PROVIDER_REFUSED_TOOLS
    assert tools_cure(message)


@pytest.mark.parametrize(
    "message",
    [
        "Failed to call a function. Please adjust your prompt. See 'failed_generation'",
        "Invalid schema for function 'get_time': 'x' is not of type 'object'",
        "tools[0].function.parameters: keyword oneOf is not supported",
        "Invalid 'tools[3].function.name': string too long",
        "The model is overloaded",
    ],
)
def test_a_refusal_of_one_tool_is_no_refusal_of_tools(message: str) -> None:
    assert error_code(400, message, Asked(tools=True)) != Code.PROVIDER_REFUSED_TOOLS


CONTEXTS = [
    ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
     4096),
    ("the request exceeds the available context size. try increasing the context size", None),
    ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
     "(2952 in the messages, 2048 in the completion).", 4096),
    ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", 4096),
    ("Trying to keep the first 4210 tokens when context the overflows. However, the model is "
     "loaded with context length of only 4096 tokens, which is not enough.", 4096),
    ("The number of tokens to keep from the initial prompt is greater than the context length.",
     None),
    ("Requested tokens (4210) exceed context window of 2048", 2048),
    ("the input length exceeds the context length", None),
    ("The input (5000 tokens) is longer than the model's context length (4,096 tokens).", 4096),
    ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", 4096),
]  # fmt: skip


@pytest.mark.parametrize(("message", "size"), CONTEXTS)
@pytest.mark.parametrize("status", [400, 500])
def test_a_context_that_vui_doesnt_fit_into_is_too_small(
    message: str, size: int | None, status: int
) -> None:
    assert context_size(message) == size
    first = Asked(first=True, context=8192)
    assert error_code(status, message, first) == Code.CONTEXT_TOO_SMALL
    grown = Asked(first=False, context=2048 if size else 8192)
    assert error_code(status, message, grown) == Code.CONTEXT_WINDOW_EXCEEDED


def test_a_limit_of_tokens_per_minute_is_no_context() -> None:
    message = "Request too large on tokens per minute (TPM): Limit 6000, Requested 11400"
    assert error_code(413, message, Asked(first=True, context=8192)) == Code.PROVIDER_RATE_LIMITED


@pytest.mark.parametrize(
    "message",
    ["Loading model", "Model is loading", "Model foo/bar is currently loading",
     "The model is still being loaded", "llm server loading model", "model is not ready yet"],
)  # fmt: skip
def test_a_server_that_loads_its_model_is_known_by_its_words(message: str) -> None:
    assert error_code(503, message) == Code.MODEL_LOADING
    assert error_code(400, message) != Code.MODEL_LOADING
    assert error_code(503, "The model is overloaded. Please try again later.") == Code.NO_ANSWER


AIOHTTP = (
    "litellm.APIConnectionError: Ollama_chatException - Cannot connect to host localhost:11434 "
    "ssl:<ssl.SSLContext object at 0x7f8a1c0d2ae0> [Connect call failed ('127.0.0.1', 11434)]"
)


def test_nothing_at_a_containers_own_address_names_the_hosts() -> None:
    server = Server("ollama_chat", "http://localhost:11434", True, container=True)
    assert error_code(500, AIOHTTP, Asked(local=True)) == Code.SERVER_UNREACHABLE
    said = unreachable(server)
    assert "http://host.docker.internal:11434" in said
    assert "OLLAMA_HOST=0.0.0.0" in said
    host = unreachable(server._replace(origin="http://host.docker.internal:11434"))
    assert "OLLAMA_HOST=0.0.0.0" in host
    outside = unreachable(server._replace(container=False))
    assert "host.docker.internal" not in outside


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "OpenAIException - 404 page not found"),  # Ollama, LocalAI
        (404, """OpenAIException - Error code: 404 - {'detail': 'Not Found'}"""),  # vLLM, SGLang
        (404, 'OpenAIException - {"detail":"Not Found"}'),
        (
            404,
            '{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}',
        ),  # llama
        (500, "Unexpected endpoint or method. (POST /chat/completions)"),  # LM Studio, with 200
    ],
)
def test_an_address_without_v1_is_no_missing_model(status: int, message: str) -> None:
    assert error_code(status, message, Asked(local=True)) == Code.SERVER_UNREACHABLE
    assert error_code(404, message) == Code.PROVIDER_MODEL_NOT_FOUND


def test_the_cure_of_a_wrong_path_is_the_address_that_the_provider_needs() -> None:
    vllm = Server("hosted_vllm", "http://gpu:8000", True, container=False)
    assert no_route(vllm).endswith("write api_base: http://gpu:8000/v1.")
    ollama = Server("ollama_chat", "http://gpu:11434", True, container=False)
    assert no_route(ollama).endswith("write api_base: http://gpu:11434.")
