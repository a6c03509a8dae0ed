"""What a file says of its models is in LiteLLM's table as long as the file says it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import litellm
import pytest
from vui_gateway.config.file import Config, read_config
from vui_gateway.litellm_proxy.catalogue import model_info
from vui_gateway.litellm_proxy.modes import talks
from vui_gateway.litellm_proxy.router import RouterInForce

from tests.support.configs import model, written


def entries(name: str = "own", **info: object) -> list[dict]:
    params = {"model": f"openai/{name}", "api_key": "k"}
    return [{"model_name": "a", "litellm_params": params, "model_info": {"id": "x", **info}}]


def run(router: RouterInForce, *lists: list[dict]) -> None:
    """Put lists of models in force, one after the other."""

    async def use() -> None:
        for models in lists:
            router.use(router.build(models, {}, {}), {})

    asyncio.run(use())


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[RouterInForce]:
    """A router without models in force before and after: other tests use the same table."""
    router = RouterInForce()
    monkeypatch.setattr("litellm.proxy.proxy_server.llm_router", None)
    run(router, [])
    yield router
    run(router, [])


def test_a_models_row_is_gone_with_its_line(router: RouterInForce) -> None:
    names = {*litellm.model_cost}
    run(router, entries(mode="embedding", max_input_tokens=77))
    assert model_info("openai", "own")["max_input_tokens"] == 77
    run(router, entries(max_input_tokens=88))
    found = model_info("openai", "own")
    assert (found["max_input_tokens"], found["mode"]) == (88, None)
    run(router, entries("other"))
    assert model_info("openai", "own") == {}
    run(router, [])
    assert {*litellm.model_cost} == names


def test_a_mode_of_the_file_in_force_is_none_of_the_next_one(router: RouterInForce) -> None:
    run(router, entries(mode="embedding"))
    assert talks("openai", "own")


def test_a_router_that_is_built_and_not_used_leaves_the_table_as_it_was(
    router: RouterInForce,
) -> None:
    run(router, entries(max_input_tokens=77))

    async def build() -> None:
        router.build(entries(max_input_tokens=99), {}, {}).discard()

    asyncio.run(build())
    assert model_info("openai", "own")["max_input_tokens"] == 77


def test_a_known_models_row_is_litellms_again(router: RouterInForce) -> None:
    before = model_info("openai", "gpt-4.1")["max_input_tokens"]
    run(router, entries("gpt-4.1", max_input_tokens=5), entries("gpt-4.1"))
    assert model_info("openai", "gpt-4.1")["max_input_tokens"] == before


def read(folder: Path, info: str) -> Config:
    text = f"{model('a', '{model: openai/own, api_key: k}')}    model_info: {info}\n"
    return read_config(written(folder, text), {})


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("{max_input_tokens: many}", "max_input_tokens is 'many'. Write a number of tokens"),
        ("{max_tokens: -1}", "max_tokens is -1. Write a number of tokens"),
        ("{input_cost_per_token: -1.0}", "input_cost_per_token is -1.0. Write US dollars"),
        ("{cache_read_input_token_cost: x}", "cache_read_input_token_cost is 'x'. Write US"),
        ("{input_cost_per_token_above_200k_tokens: [1]}", ""),
        ("{supports_function_calling: 'no'}", "is 'no'. Write true or false."),
        ("{mode: 5}", "mode is 5. Write chat"),
    ],
)
def test_a_value_that_is_no_figure_is_left_out_and_named(
    tmp_path: Path, info: str, said: str
) -> None:
    config = read(tmp_path, info)
    assert config.served == ["vui", "a"]
    if said:
        assert [said in line for line in config.warnings] == [True]
        assert set(config.model_list[0]["model_info"]) == {"id"}


def test_figures_in_quotes_are_taken(tmp_path: Path) -> None:
    config = read(tmp_path, "{max_input_tokens: '77', output_cost_per_token: '4e-7'}")
    info = config.model_list[0]["model_info"]
    assert (info["max_input_tokens"], info["output_cost_per_token"]) == (77, 4e-7)
    assert config.warnings == []
