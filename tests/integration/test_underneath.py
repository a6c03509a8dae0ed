"""LiteLLM starts no second request by itself: what asks for one is taken by the engine, or left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, gateway, http, openai_model
from tests.support.poll import wait_until

BROKEN_BODY = '{"error": {"message": "down", "type": "server_error", "code": null, "param": null}}'


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, tuple[OpenAI, str]]]:
    """One that fails at every request, and one that is well."""
    sick, well = OpenAI(), OpenAI()
    with serving(sick.app) as of_sick, serving(well.app) as of_well:
        yield {"sick": (sick, f"{of_sick}/v1"), "well": (well, f"{of_well}/v1")}


Providers = dict[str, tuple[OpenAI, str]]


def entry(name: str, providers: Providers, who: str, **params: Any) -> dict:
    made = openai_model("gpt-4.1-mini", providers[who][1])
    return {"model_name": name, "litellm_params": {**made["litellm_params"], **params}}


def ask(program: Program, stream: bool = True, model: str = "vui") -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return http(f"{program.url}/v1/chat/completions", body, key=program.key)


def line_of_call(program: Program) -> str:
    def found() -> str | None:
        return next((ln for ln in program.log.splitlines() if "attempts=" in ln), None)

    return wait_until(found, 5, "the call's line is there")


def clear(providers: Providers, status: int = 500) -> None:
    providers["sick"][0].clear(fault=status, fault_body=BROKEN_BODY)
    providers["well"][0].clear()


@pytest.mark.parametrize("stream", [True, False])
def test_a_deployments_fallback_is_asked_by_the_engine(
    tmp_path: Path, providers: Providers, stream: bool
) -> None:
    clear(providers)
    models = [
        entry("vui", providers, "sick", fallbacks=["spare"]),
        entry("spare", providers, "well"),
    ]
    with gateway(tmp_path, {"model_list": models}) as program:
        assert ask(program, stream)[0] == 200
        line = line_of_call(program)
    assert "fallback=yes" in line
    assert "attempts=500,ok" in line
    assert len(providers["sick"][0].seen) == len(providers["well"][0].seen) == 1


def test_a_fallback_that_no_group_has_is_asked_with_the_deployments_own_settings(
    tmp_path: Path, providers: Providers
) -> None:
    clear(providers)
    spare = {"model": "openai/gpt-4o-mini", "api_base": providers["well"][1]}
    models = [entry("vui", providers, "sick", fallbacks=[spare])]
    with gateway(tmp_path, {"model_list": models}) as program:
        assert ask(program)[0] == 200
        assert [m["id"] for m in http(f"{program.url}/v1/models", key=program.key)[1]["data"]] == [
            "vui"
        ]
        line = line_of_call(program)
    assert "deployment=openai/gpt-4o-mini" in line
    assert providers["well"][0].seen[0].body["model"] == "gpt-4o-mini"


def test_a_wildcards_fallback_is_asked_by_the_engine(tmp_path: Path, providers: Providers) -> None:
    clear(providers)
    wild = entry("openai/*", providers, "sick", fallbacks=["spare"], model="openai/*")
    with gateway(tmp_path, {"model_list": [wild, entry("spare", providers, "well")]}) as program:
        assert ask(program, model="openai/gpt-4o")[0] == 200
        assert "attempts=500,ok" in line_of_call(program)


@pytest.mark.parametrize(
    "params", [{"num_retries": 2}, {"max_retries": 2}, {"silent_model": "spare"}]
)
@pytest.mark.parametrize("who", ["sick", "well"])
def test_a_deployments_setting_starts_no_second_request(
    tmp_path: Path, providers: Providers, params: dict, who: str
) -> None:
    clear(providers)
    models = [entry("vui", providers, who, **params), entry("spare", providers, "well")]
    with gateway(tmp_path, {"model_list": models}) as program:
        ask(program)
    assert sum(len(stand_in.seen) for stand_in, _ in providers.values()) == 1


@pytest.mark.parametrize("who", ["sick", "well"])
def test_the_settings_for_all_deployments_start_no_second_request(
    tmp_path: Path, providers: Providers, who: str
) -> None:
    clear(providers)
    models = [entry("vui", providers, who), entry("spare", providers, "well")]
    second = {"num_retries": 2, "max_retries": 2, "fallbacks": ["spare"], "silent_model": "spare"}
    settings = {"default_litellm_params": second}
    with gateway(tmp_path, {"model_list": models, "router_settings": settings}) as program:
        ask(program)
    assert sum(len(stand_in.seen) for stand_in, _ in providers.values()) == 1


def test_a_router_that_would_ask_a_model_for_its_choice_is_left_out(
    tmp_path: Path, providers: Providers
) -> None:
    clear(providers)
    other = {f"auto_router_{name}_model": "spare" for name in ("default", "embedding")}
    router = {"model_name": "vui", "litellm_params": {"model": "auto_router/semantic", **other}}
    models = [router, entry("spare", providers, "well")]
    with gateway(tmp_path, {"model_list": models}) as program:
        assert ask(program)[0] == 200
        assert "Left out: auto_router/semantic asks a model for" in program.status().stdout
    assert len(providers["well"][0].seen) == 1


HARD = "Think step by step, evaluate the pros and cons, and analyze this python database schema."


def tiers(**params: Any) -> dict:
    big = {"model_name": "big", "litellm_params": {"temperature": 0.1, "max_tokens": 9000}}
    rules = {"tiers": {"SIMPLE": "small", "MEDIUM": "small", "COMPLEX": big, "REASONING": big}}
    return {
        "model_name": "smart",
        "litellm_params": {
            "model": "auto_router/complexity_router", "complexity_router_config": rules, **params,
        },
    }  # fmt: skip


def text(program: Program, said: str, stream: bool, model: str = "smart") -> dict:
    body = {"model": model, "messages": [{"role": "user", "content": said}], "max_tokens": 100}
    status, _ = http(
        f"{program.url}/v1/chat/completions", {**body, "stream": stream}, key=program.key
    )
    assert status == 200
    return body


@pytest.mark.parametrize("stream", [True, False])
def test_the_complexity_router_chooses_by_its_rules_and_the_engine_asks(
    tmp_path: Path, stream: bool
) -> None:
    small, big = OpenAI(), OpenAI()
    with serving(small.app) as of_small, serving(big.app) as of_big:
        models = [
            tiers(),
            {**openai_model("gpt-4.1-mini", f"{of_small}/v1"), "model_name": "small"},
            {**openai_model("gpt-4.1", f"{of_big}/v1"), "model_name": "big"},
        ]
        with gateway(tmp_path, {"model_list": models}) as program:
            assert "vui is smart: the first model of" in program.status().stdout
            names = http(f"{program.url}/v1/models", key=program.key)[1]["data"]
            assert [one["id"] for one in names] == ["vui", "smart", "small", "big"]
            text(program, "Hello!", stream)
            text(program, "Hello!", stream, "vui")
            assert (len(small.seen), len(big.seen)) == (2, 0)
            text(program, HARD, stream)
            assert (len(small.seen), len(big.seen)) == (2, 1)
            asked = big.seen[0].body
            assert asked["temperature"] == 0.1
            assert asked["max_tokens"] == 100
            big.clear(fault=500, fault_body=BROKEN_BODY)
            text(program, HARD, stream)
            assert (len(small.seen), len(big.seen)) == (3, 1)
            wait_until(lambda: "attempts=500,ok" in program.log, 5, "the call's line is there")
