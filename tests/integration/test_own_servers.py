"""Servers at home behind a real gateway: Ollama and others as stand-ins, beside a paid provider."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass

import httpx
import pytest

from tests.matrix.conversations import TEXT_CHAT as HELLO
from tests.matrix.conversations import tools
from tests.providers.base import serving
from tests.providers.ollama import Ollama
from tests.providers.openai import OpenAI
from tests.providers.raw import head, raw_provider
from tests.support.fillers import FILLERS, without_fillers
from tests.support.harness import Program, free_port, gateway
from tests.support.poll import until
from tests.support.report import record
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SERVER_AWAY, spoken_message

SECTION, CONTEXT = "home", 12_288
REPLY = "Oh, good question."


class AtHome(OpenAI):
    """A server in OpenAI's format; it thinks where its script says so, whatever it is asked."""

    def thinks(self, body: dict) -> bool:
        return True


@dataclass
class Homes:
    """The gateway, and what stands behind it."""

    program: Program
    ollama: Ollama
    home: AtHome
    paid: OpenAI
    away: str
    pathless: str

    def clear(self) -> None:
        for stand_in in (self.ollama, self.home, self.paid):
            stand_in.clear(text=REPLY)

    def backend(self, model: str) -> LiteLLMBackend:
        return LiteLLMBackend(model, self.program.url, api_key=self.program.key)


@pytest.fixture(scope="module")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    ollama, home, paid = Ollama(), AtHome(), OpenAI()
    away = f"http://localhost:{free_port()}"
    with ExitStack() as stack:
        at = {s: stack.enter_context(serving(s.app)) for s in (ollama, home, paid)}
        of_home = {"model": "openai/home", "api_base": f"{at[home]}/v1"}
        nothing = [head(404, "application/json"), b'{"detail":"Not Found"}']  # vLLM's
        pathless = stack.enter_context(raw_provider(lambda _: iter(nothing))).url
        of_paid = {"model": "openai/paid", "api_base": f"{at[paid]}/v1", "order": 2}
        somebodys = {"litellm_params": of_paid, "model_info": {"local": False}}
        of_ollama = {"model": "ollama_chat/qwen3.5:4b", "api_base": at[ollama]}
        models = [
            {"model_name": "home", "litellm_params": of_home},
            {"model_name": "pathless", "litellm_params": {**of_home, "api_base": pathless}},
            {"model_name": "paid", **somebodys},
            {"model_name": "pair", "litellm_params": {**of_home, "order": 1}},
            {"model_name": "pair", **somebodys},
            {
                "model_name": "vllm",
                "litellm_params": {**of_home, "model": "hosted_vllm/home"},
            },
            {"model_name": "ollama", "litellm_params": of_ollama},
            {
                "model_name": "own words",
                "litellm_params": {**of_ollama, "num_ctx": 4096, "keep_alive": "1h"},
            },
            {
                "model_name": "away",
                "litellm_params": {"model": "ollama_chat/qwen3.5:4b", "api_base": away},
            },
            {
                "model_name": "behind",
                "litellm_params": {"model": "openai/qwen3:4b", "api_base": "http://ollama:11434/v1"},
            },
        ]  # fmt: skip
        # A published port is what compose.yaml sets in a container.
        env = {"VUI_LITELLM_CONTEXT": str(CONTEXT), "VUI_GATEWAY_PUBLISHED_PORT": "4000"}
        folder = tmp_path_factory.mktemp("homes")
        with gateway(folder, {"model_list": models}, env, own_servers=True) as program:
            yield Homes(program, ollama, home, paid, away, pathless)


@pytest.fixture
def homes(_homes: Homes) -> Homes:
    _homes.clear()
    return _homes


@pytest.fixture
async def vui(homes: Homes, request: pytest.FixtureRequest) -> AsyncIterator[LiteLLMBackend]:
    """vui's backend for the model that the test names."""
    backend = homes.backend(request.param)
    backend.speak_errors = False
    yield backend
    await backend.aclose()


def model(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vui", [name], indirect=True)


async def reply(backend: LiteLLMBackend, messages: list[dict] = HELLO) -> str:
    async with aclosing(backend.stream(messages)) as tokens:
        return "".join([token async for token in tokens]).strip()


async def error_of(backend: LiteLLMBackend) -> httpx.HTTPError:
    with pytest.raises(httpx.HTTPError) as raised:
        await reply(backend)
    return raised.value


@model("ollama")
async def test_ollama_gets_vuis_context_and_keeps_the_model_loaded(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    assert await reply(vui) == REPLY
    await vui.complete(HELLO, tools=tools())
    await vui.prefill(HELLO[:1])
    assert len(homes.ollama.seen) == 3
    for seen in homes.ollama.seen:  # with another one, Ollama would load the model anew
        assert seen.body["options"]["num_ctx"] == CONTEXT
        assert seen.body["keep_alive"] == "30m"
        assert seen.body["think"] is False
    record(SECTION, "Ollama", "gets `num_ctx` as vui needs it, and `keep_alive: 30m`")


@model("own words")
async def test_what_the_file_says_of_it_wins(vui: LiteLLMBackend, homes: Homes) -> None:
    await reply(vui)
    body = homes.ollama.seen[0].body
    assert (body["options"]["num_ctx"], body["keep_alive"]) == (4096, "1h")


@model("home")
async def test_what_vui_prepares_reaches_the_server_at_home_as_the_turn_will(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    calls = homes.program.log.count(" model=home ")
    await vui.prefill(HELLO[:1])
    await vui.prefill(HELLO)
    first, second = (seen.body for seen in homes.home.seen)
    assert first["messages"][-1] == {"role": "user", "content": "."}
    assert first["max_tokens"] == second["max_tokens"] == 1
    await reply(vui)
    assert homes.home.seen[2].body["messages"] == second["messages"]
    talk = [*HELLO, {"role": "assistant", "content": f"{FILLERS[0]} Yes."}, HELLO[-1]]
    await vui.prefill(talk)
    assert homes.home.seen[3].body["messages"][-2]["content"] == "Yes."
    await until(lambda: homes.program.log.count(" model=home ") > calls, 5, "the call's line")
    assert homes.program.log.count(" model=home ") == calls + 1
    record(SECTION, "vui's `prefill`", "reaches the server, and is no turn")


@model("paid")
async def test_a_paid_provider_is_sent_nothing_before_the_turn(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    for _ in range(3):
        await vui.prefill(HELLO)
    await asyncio.sleep(0.3)
    assert not homes.paid.seen
    record(SECTION, "vui's `prefill`, a paid provider", "no request")


@pytest.mark.parametrize(
    ("vui", "ahead"), [("home", 0), ("paid", 1), ("vllm", 1)], indirect=["vui"]
)
async def test_no_reply_is_asked_for_ahead_at_home_but_of_a_server_that_answers_many_at_once(
    vui: LiteLLMBackend, homes: Homes, ahead: int
) -> None:
    def asked() -> int:
        return len(homes.home.seen) + len(homes.paid.seen)

    await reply(vui)  # which fields the server refuses is known after the first call
    homes.clear()
    vui.head_start.start(HELLO)
    await asyncio.sleep(0.5)
    assert asked() == ahead
    assert await reply(vui) == REPLY
    assert asked() == 1


@model("home")
async def test_a_slow_server_at_home_is_waited_for_and_asked_once(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    homes.home.clear(text=REPLY, delay=10.1)
    began = time.monotonic()
    said = await reply(vui)
    assert without_fillers(said) == REPLY
    assert sum(map(said.count, FILLERS)) == 2
    assert time.monotonic() - began > 10
    assert len(homes.home.seen) == 1
    fillers = said.removesuffix(REPLY).strip()
    record(SECTION, "10 s until the first word, alone", f"({fillers}) {REPLY} One request")


@model("home")
async def test_who_thinks_unasked_is_waited_for(vui: LiteLLMBackend, homes: Homes) -> None:
    homes.home.clear(text=REPLY, reasoning="hm " * 13, pace=0.5)
    began = time.monotonic()
    said = await reply(vui)
    thinking = said.removesuffix(REPLY).strip()
    assert without_fillers(said) == REPLY != said
    assert time.monotonic() - began > 6
    record(SECTION, "6 s of thoughts that nobody asked for, alone", f"({thinking}) {REPLY}")


LOADING = json.dumps(
    {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
)


@model("home")
async def test_a_server_that_loads_is_waited_for(vui: LiteLLMBackend, homes: Homes) -> None:
    homes.home.clear(fault=503, fault_body=LOADING)
    talking = asyncio.create_task(reply(vui))
    await until(lambda: len(homes.home.seen) >= 2, 10, "it is asked again")
    homes.clear()
    assert await talking == REPLY
    record(SECTION, "`503 Loading model`", "the reply, once it is loaded")


@model("pair")
async def test_who_loads_is_left_out_while_another_one_answers(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    homes.home.clear(fault=503, fault_body=LOADING)
    assert await reply(vui) == REPLY
    homes.clear()
    assert await reply(vui) == REPLY
    assert len(homes.home.seen) == 1  # not blamed: it is asked first again


REFUSALS = {
    "vLLM": (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser '
             "to be set", "--tool-call-parser"),
    "llama.cpp": (500, "tools param requires --jinja flag", "--jinja"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
@model("home")
async def test_tools_refused_is_said_once_with_its_cure_and_answered_without_one(
    vui: LiteLLMBackend, homes: Homes, name: str
) -> None:
    status, message, cure = REFUSALS[name]
    path = homes.program.project / "litellm_config.yaml"
    served = homes.program.log.count("Serving ")
    path.write_text(
        path.read_text() + f"# {name}\n"
    )  # after an edit each deployment is asked again
    while homes.program.log.count("Serving ") == served:
        await asyncio.sleep(0.1)
    body = json.dumps({"error": {"message": message, "type": "BadRequestError", "code": status}})
    homes.home.clear(fault=status, fault_body=body)
    before = homes.program.log.count(cure)
    for _ in range(3):
        answer = await vui.complete(HELLO, tools=tools())
        assert (answer["content"], answer["tool_calls"]) == ("", None)
    assert len(homes.home.seen) == 1
    await asyncio.sleep(2.2)  # the call's line in the log waits for its price
    lines = [line for line in homes.program.log.splitlines() if cure in line]
    assert homes.program.log.count("takes no tools") >= 1
    assert len(lines) - before <= 1
    assert "{" not in lines[-1]
    homes.clear()
    assert await reply(vui) == REPLY  # it isn't left alone for replies
    record(SECTION, f"tools refused, as {name} does", "said once, and no tool")


@model("pair")
async def test_with_another_one_in_the_group_that_one_thinks(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    message = "registry.ollama.ai/library/gemma3:4b does not support tools"
    homes.home.clear(fault=400, fault_body=json.dumps({"error": {"message": message}}))
    homes.paid.clear(tool="no_action")
    for _ in range(2):
        assert (await vui.complete(HELLO, tools=tools()))["tool_calls"]
    assert (len(homes.home.seen), len(homes.paid.seen)) == (1, 2)
    record(SECTION, "tools refused, another one in the group", "that one thinks")


@model("pathless")
async def test_an_address_without_v1_is_named_with_it(vui: LiteLLMBackend, homes: Homes) -> None:
    error = await error_of(vui)
    cure = f"write api_base: {homes.pathless}/v1."
    assert cure in str(error)
    assert spoken_message(error) == SERVER_AWAY
    await until(lambda: cure in homes.program.log, 5, "the log has it")


@model("away")
async def test_a_containers_own_address_is_named_with_the_hosts(
    vui: LiteLLMBackend, homes: Homes
) -> None:
    error = await error_of(vui)
    port = homes.away.rpartition(":")[2]
    for said in (str(error), homes.program.log, homes.program.status().stdout):
        assert f"Nothing answers at {homes.away}." in said
        assert f"http://host.docker.internal:{port}" in said
        assert "OLLAMA_HOST=0.0.0.0" in said
        assert "object at 0x" not in said
        assert "litellm." not in said
    assert spoken_message(error) == SERVER_AWAY
    record(SECTION, "`localhost` in a container", "the address that reaches this machine")


def test_status_says_what_is_on_ones_own_machine(homes: Homes) -> None:
    status = homes.program.status().stdout
    own = "openai/home, hosted_vllm/home, ollama_chat/qwen3.5:4b, openai/qwen3:4b"
    assert f"On your own machine: {own}." in status
    assert "write model: ollama_chat/qwen3:4b and api_base: http://ollama:11434." in status
    record(SECTION, "Ollama behind `openai/…`", "one sentence: use `ollama_chat/…`")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 7000 tokens "
         "(4952 in the messages, 2048 in the completion).", "context_too_small"),
        ("the request exceeds the available context size, try increasing it", "context_too_small"),
        ("This model's maximum context length is 16384 tokens. However, you requested 20000 "
         "tokens.", "context_window_exceeded"),
    ],
)  # fmt: skip
@model("home")
async def test_a_context_too_small_is_said_with_the_tokens_that_vui_needs(
    vui: LiteLLMBackend, homes: Homes, message: str, code: str
) -> None:
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error"}})
    homes.home.clear(fault=400, fault_body=body)
    error = await error_of(vui)
    assert error.code == code  # type: ignore[attr-defined]
    if code == "context_too_small":
        assert str(CONTEXT) in str(error)
        assert f"{CONTEXT} tokens" in spoken_message(error)
        record(SECTION, "a context smaller than vui needs", "said so, with the tokens it needs")
