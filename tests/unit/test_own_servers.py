"""Which servers are one's own, and what their failures mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.errors import Code
from vui_gateway.litellm_proxy.servers import Servers, listens, servers_of
from vui_gateway.providers.endpoints import Server, server_of
from vui_gateway.providers.errors import Asked, error_code, own_words, reason
from vui_gateway.providers.families import apply
from vui_gateway.providers.server_errors import context_size, tools_cure, unreachable

from tests.support.harness import free_port


@pytest.mark.parametrize("provider", ["ollama", "ollama_chat", "lm_studio", "llamafile"])
def test_a_server_that_people_run_themselves_is_ones_own_wherever_it_is(provider: str) -> None:
    assert server_of(provider, "https://models.example.com").local
    assert server_of(provider, "").local


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8080/v1", "http://127.0.0.1:8080", "http://127.8.1.1", "http://[::1]:8080",
        "http://10.1.2.3:8000", "http://172.16.0.9", "http://192.168.1.20:1234/v1",
        "http://169.254.3.4", "http://[fe80::1]:1234", "http://[fd12:3456::1]:1234",
        "http://[::ffff:192.168.1.20]:80", "http://0.0.0.0:8000", "http://100.100.1.2:8080",
        "http://host.docker.internal:11434", "http://HOST.docker.internal:11434",
        "http://ollama:11434", "http://nas.local:8080", "http://box.lan",
    ],
)  # fmt: skip
def test_an_address_of_this_machine_or_network_is_ones_own(address: str) -> None:
    assert server_of("openai", address).local


@pytest.mark.parametrize(
    "address",
    [
        "https://api.openai.com/v1", "https://openrouter.ai/api/v1", "http://8.8.8.8:8000",
        "http://172.32.0.1", "http://192.169.1.1", "http://203.0.113.7", "http://[2001:db8::1]",
        "https://localhost.example.com", "https://10.example.com", "", "http://[broken",
    ],
)  # fmt: skip
def test_any_other_address_is_somebody_elses(address: str) -> None:
    assert not server_of("openai", address).local


def test_ollamas_own_service_is_somebody_elses() -> None:
    assert not server_of("ollama_chat", "https://ollama.com").local


@pytest.mark.parametrize(
    ("prices", "local"),
    [((0, 0), True), ((0.0, "0"), True), ((0, None), False), ((0, 1e-6), False),
     ((None, None), False), (("os.environ/X", 0), False)],
)  # fmt: skip
def test_a_price_of_nothing_makes_it_ones_own(prices: tuple, *, local: bool) -> None:
    assert server_of("openai", "https://models.example.com", prices=prices).local is local


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("address", ["http://localhost:11434", "https://api.openai.com/v1"])
def test_the_files_word_is_the_last(address: str, *, local: bool) -> None:
    assert server_of("ollama_chat", address, local=local).local is local


def entry(identity: str, **params: Any) -> dict:
    info = params.pop("info", {})
    return {
        "model_name": identity,
        "litellm_params": params,
        "model_info": {"id": identity, **info},
    }


def test_the_servers_of_a_configuration_are_where_litellm_would_ask() -> None:
    models = [
        entry("a", model="ollama_chat/qwen3.5:4b"),
        entry("b", model="openai/gpt-4.1-mini", api_key="k"),
        entry("c", model="openai/x", api_base="http://nas:1234/v1"),
        entry("d", model="openai/x", mock_response="Hi."),
        entry("e", model="hosted_vllm/x", api_base="https://gpu.example.com/v1"),
        entry("f", model="openai/x", api_base="http://nas:1234/v1", info={"local": False}),
        entry("g", model="openai/x", input_cost_per_token=0, output_cost_per_token=0),
        entry("h", model="nobodys/x"),
    ]
    found = servers_of(models, {"OLLAMA_CHAT_API_BASE": "http://box:1/"})
    assert {name for name, server in found.items() if server.local} == {"a", "c", "e", "g"}
    assert "d" not in found
    assert found["a"].origin == "http://box:1"
    assert found["b"].origin == "https://api.openai.com"


def test_a_word_for_local_that_is_neither_true_nor_false_is_named(tmp_path: Path) -> None:
    path = tmp_path / "litellm_config.yaml"
    path.write_text(
        "model_list:\n- model_name: a\n  litellm_params: {model: openai/a, api_key: k}\n"
        "  model_info: {local: sometimes}\n"
    )
    (said,) = read_config(path, {}).warnings
    assert ":4: model_info.local is 'sometimes'. Write `local: true` for your own." in said


@pytest.mark.parametrize("provider", ["ollama", "ollama_chat"])
def test_ollama_gets_vuis_context_and_keeps_the_model_loaded(provider: str) -> None:
    call = apply({"messages": []}, provider, "qwen3.5:4b", (), context=8192)
    assert (call["num_ctx"], call["keep_alive"]) == (8192, "30m")
    own = {"messages": [], "num_ctx": 32768, "keep_alive": -1}
    call = apply(own, provider, "qwen3.5:4b", (), context=8192)
    assert (call["num_ctx"], call["keep_alive"]) == (32768, -1)


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm", "lm_studio", "llamafile"])
def test_nobody_else_gets_it(provider: str) -> None:
    call = apply({"messages": []}, provider, "m", (), context=8192)
    assert not {"num_ctx", "keep_alive"} & set(call)


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


@pytest.mark.parametrize(
    "message",
    [
        AIOHTTP,
        "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.",
        "Server error <httpx.Response object at 0x1>. Received Model Group=vui\nAvailable Model "
        "Group Fallbacks=None LiteLLM Retried: 0 times",
        "litellm.BadRequestError: Hosted_vllmException - litellm.APIError: odd <x.Y at 0xabc>",
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


@asynccontextmanager
async def listening() -> AsyncIterator[str]:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_ones_own_servers_that_arent_there_are_named_once() -> None:
    servers, nobody = Servers(), f"http://127.0.0.1:{free_port()}/v1"
    async with listening() as there:
        models = [entry(n, model="openai/x", api_base=nobody) for n in "ab"]
        models.append(entry("c", model="openai/x", api_base=there))
        servers.configure(models, {}, 8192)
        assert await listens(server_of("openai", there))
        found = await servers.away()
        assert len(found) == 1
        assert nobody.removesuffix("/v1") in found[0]
        assert await servers.trouble("a") == found[0]
        assert not await servers.trouble("c")
        assert not await servers.trouble("unknown")


@pytest.mark.parametrize(
    ("params", "cure"),
    [
        ({"model": "openai/qwen3:4b", "api_base": "http://localhost:11434/v1"},
         "model: ollama_chat/qwen3:4b and api_base: http://localhost:11434."),
        ({"model": "openai/hf.co/a/b:Q4", "api_base": "http://ollama:8080/v1"},
         "model: ollama_chat/hf.co/a/b:Q4 and api_base: http://ollama:8080."),
        ({"model": "ollama_chat/qwen3:4b", "api_base": "http://localhost:11434"}, ""),
        ({"model": "openai/x", "api_base": "http://localhost:8080/v1"}, ""),
    ],
)  # fmt: skip
def test_ollama_behind_openais_format_is_named_with_its_cure(params: dict, cure: str) -> None:
    servers = Servers()
    servers.configure([entry("a", **params)], {}, 8192)
    assert [cure in one for one in servers.warnings] == [True] * bool(cure)


def test_ollama_is_known_by_its_answers_too_and_said_once() -> None:
    servers = Servers()
    servers.configure([entry("a", model="openai/x", api_base="http://box:80/v1")], {}, 8192)
    assert "ollama_chat/x" in servers.found_ollama("a", "openai/x")
    assert not servers.found_ollama("a", "openai/x")
    assert len(servers.warnings) == 1


@pytest.mark.parametrize("model", ["ollama_chat/gpt-oss:120b-cloud", "ollama/x:cloud"])
def test_a_model_in_the_cloud_is_somebody_elses_wherever_it_is_asked(model: str) -> None:
    assert not server_of("ollama_chat", "http://localhost:11434", model=model).local


def test_a_price_above_nothing_makes_it_somebody_elses() -> None:
    assert not server_of("openai", "http://litellm:4000", paid=True).local
    assert server_of("openai", "http://litellm:4000", paid=True, local=True).local
