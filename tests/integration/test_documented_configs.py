"""Configurations as LiteLLM's documentation shows them: an answer, or one clear sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.providers.anthropic import Anthropic
from tests.providers.base import StandIn, serving
from tests.providers.openai import OpenAI
from tests.providers.openai_like import Azure
from tests.support.harness import Program, gateway, http
from tests.support.logs import lines_of
from tests.support.poll import wait_until

CONFIGS = Path(__file__).parent / "configs"
KEYS = {name: f"sk-{name.lower()}-0f3b6c1d" for name in ("OPENAI", "ANTHROPIC", "AZURE")}
LINES = 6  # that a configuration may leave in the log, the one that says what is served among them
TROUBLE = re.compile(r'Traceback|File "|\.py|a bug in vui-litellm|Error:|Exception')


@dataclass(frozen=True)
class Expected:
    """What is made of a configuration.

    answers: by model group (`vui` is always asked), the stand-in that answers; "" for a sentence.
    says: what must be in the answer of `vui` where it is a sentence.
    told: what the log says of the configuration, a line each.
    """

    answers: dict[str, str]
    says: str = ""
    told: tuple[str, ...] = ()


EXPECTED = {
    "quick_start": Expected(
        {"vui": "azure", "gpt-4o": "azure"},
        told=("No effect here: general_settings.master_key, general_settings.database_url.",),
    ),
    "wildcard": Expected(
        {"vui": "", "openai/gpt-4o": "openai"}, "names no single model that answers in text.",
        told=("litellm_settings.set_verbose has no effect",),
    ),
    "provider_wildcards": Expected(
        {"vui": "openai", "openai/gpt-4.1": "openai", "anthropic/claude-haiku-4-5": "anthropic"}
    ),
    "fallbacks": Expected(
        {"vui": "openai", "zephyr-beta": "openai", "claude-haiku": "anthropic"},
        told=(
            "No effect here: litellm_settings.num_retries, litellm_settings.request_timeout, "
            "litellm_settings.allowed_fails, litellm_settings.cooldown_time.",
        ),
    ),
    "redis_router": Expected(
        {"vui": "azure", "gpt-4o": "azure", "gpt-4": "azure"},
        told=(
            "No effect here: router_settings.num_retries, router_settings.redis_host, "
            "router_settings.redis_password, router_settings.redis_port.",
        ),
    ),
    "load_balancing": Expected({"vui": "azure|openai", "gpt-4o": "azure|openai"}),
    "langfuse": Expected(
        {"vui": "openai"},
        told=("success_callback langfuse needs a package that isn't here. Write langfuse_otel",),
    ),
    "guardrails": Expected({"vui": "openai"}, told=("guardrails has no effect here.",)),
    "credentials": Expected({"vui": "azure"}),
    "include": Expected({"vui": ""}, "include has no effect here. Copy what it includes"),
    "aliases": Expected({"vui": "anthropic", "gpt-4": "openai", "gpt-4o": "openai"}),
    "mcp_servers": Expected(
        {"vui": "openai"},
        told=("No effect here: litellm_settings.mcp_aliases, mcp_servers.",),
    ),
    "environment_variables": Expected(
        {"vui": "openai"},
        told=(
            "No effect here: general_settings.alerting, general_settings.proxy_batch_write_at, "
            "environment_variables.REDIS_HOST, environment_variables.REDIS_PORT.",
        ),
    ),
}  # fmt: skip
FRESH = ("quick_start", "wildcard", "credentials")  # of the others: test_second_start.py


class Providers:
    """The stand-ins, at the addresses that the configurations are given."""

    def __init__(self, stack: ExitStack) -> None:
        self.stand_ins: dict[str, StandIn] = {
            "openai": OpenAI(), "anthropic": Anthropic(), "azure": Azure(), "sick": OpenAI(),
        }  # fmt: skip
        self.bases = {
            name: stack.enter_context(serving(one.app)) for name, one in self.stand_ins.items()
        }
        self.env = "".join(f"{name}_API_KEY={key}\n" for name, key in KEYS.items())
        self.env += f"OPENAI_API_BASE={self.bases['openai']}/v1\n"  # for a model without an address

    def config(self, name: str) -> str:
        text = (CONFIGS / f"{name}.yaml").read_text()
        return re.sub(r"http://(\w+)\.stand-in", lambda found: self.bases[found[1]], text)

    def clear(self) -> None:
        for name, one in self.stand_ins.items():
            one.clear(text=f"This is {name}.", fault=500 if name == "sick" else None)


@pytest.fixture(scope="module")
def _providers() -> Iterator[Providers]:
    with ExitStack() as stack:
        yield Providers(stack)


@pytest.fixture
def providers(_providers: Providers) -> Providers:
    _providers.clear()
    return _providers


def said(program: Program, model: str) -> str:
    """The answer of a model group, or the error."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    url = f"{program.url}/v1/chat/completions"
    status, answer = http(url, body, key=program.key)
    return answer["choices"][0]["message"]["content"] if status == 200 else str(answer)


def check_answers(program: Program, expected: Expected, providers: Providers) -> None:
    for model, stand_in in expected.answers.items():
        answer = said(program, model)
        if stand_in:
            assert re.fullmatch(f"This is ({stand_in}).", answer), (model, answer)
        else:
            assert answer.startswith("Hi, I'm the demo"), answer
            assert expected.says.replace("_", " ") in answer
    asked = sum(len(one.seen) for one in providers.stand_ins.values())
    wanted = sum(bool(stand_in) for stand_in in expected.answers.values())
    assert asked == wanted + len(providers.stand_ins["sick"].seen)


def check_lines(lines: list[str], *told: str) -> None:
    """Each is said once, and nothing else; no line is a traceback."""
    lines = [line for line in lines if not re.match(r"(reply|thoughts) model=", line)]
    assert len(lines) <= LINES, lines
    assert not TROUBLE.search("\n".join(lines)), lines
    for what in told:
        assert len([line for line in lines if what in line]) == 1, (what, lines)
    usual = ("Serving ", "Ready at ", *told)
    assert all(any(what in line for what in usual) for line in lines), lines


@pytest.mark.parametrize("name", FRESH)
def test_a_start_with_it_is_answered(tmp_path: Path, providers: Providers, name: str) -> None:
    expected = EXPECTED[name]
    (tmp_path / ".env").write_text(providers.env)
    with gateway(tmp_path, providers.config(name)) as program:
        every = ("Ready at ", *expected.told)
        wait_until(lambda: all(what in program.log for what in every), 15, lambda: program.log)
        log = program.log
        check_answers(program, expected, providers)
        check_lines(lines_of(log), *expected.told)
        assert not TROUBLE.search(program.log)


@pytest.fixture(scope="module")
def running(_providers: Providers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    project = tmp_path_factory.mktemp("documented")
    (project / ".env").write_text(_providers.env)
    with gateway(project, _providers.config("aliases")) as program:
        yield program


@pytest.mark.parametrize("name", EXPECTED)
def test_an_edit_to_it_is_answered(running: Program, providers: Providers, name: str) -> None:
    expected = EXPECTED[name]
    looked = ("Serving ", "stays in force")

    def count() -> int:
        return sum(running.log.count(what) for what in looked)

    before, edits = len(running.log), count()
    (running.project / "litellm_config.yaml").write_text(providers.config(name) + f"# {edits}\n")
    wait_until(lambda: count() > edits, 60, "the gateway has looked at the edit")
    lines = lines_of(running.log[before:])
    shown = running.status().stdout
    if expected.says.startswith("include"):
        check_lines(lines, expected.says)
        assert expected.says in shown
        assert said(running, "vui").startswith("This is ")  # by the last good configuration
        return
    check_lines(lines, *expected.told)
    assert all(what in shown for what in expected.told)
    check_answers(running, expected, providers)
    assert not TROUBLE.search(running.log[before:])


def test_a_line_of_env_that_is_no_variable_is_told_and_the_others_count(
    running: Program, providers: Providers
) -> None:
    before = len(running.log)
    (running.project / ".env").write_text(f"MISTRAL_API_KEY: sk-slip-0123\n{providers.env}")
    told = ".env:1: this line can't be read, and is ignored. Write it as NAME=value."
    wait_until(lambda: told in running.status().stdout, 5, running.status)
    assert said(running, "vui").startswith("This is ")
    check_lines(lines_of(running.log[before:]), told)
