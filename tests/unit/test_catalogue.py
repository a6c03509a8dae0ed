"""What LiteLLM knows of models and settings, as the gateway asks it."""

from __future__ import annotations

import litellm
import pytest
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.litellm_proxy.catalogue import (
    misfit,
    prices,
    set_module,
    takes_tools,
    thinks_aloud,
)


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("perplexity/sonar", False),
        ("perplexity/sonar-pro", False),
        ("openai/anything", True),
        ("groq/llama-3.3-70b-versatile", True),
        ("ollama/llama3", True),
        ("ollama_chat/llama3", True),
        ("bedrock/amazon.nova-lite-v1:0", True),
        ("perplexity/*", True),
        ("nobodys/x", True),
    ],
)
def test_a_model_whose_tools_litellm_would_drop_takes_none(model: str, *, takes: bool) -> None:
    assert takes_tools(model) is takes


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("drop_params", True, True),
        ("drop_params", [1], False),
        ("request_timeout", 6.5, True),
        ("request_timeout", "soon", False),
        ("headers", {"a": "b"}, True),
        ("headers", "a", False),
        ("default_fallbacks", ["b"], True),
        ("default_fallbacks", "b", False),
        ("callbacks", 7, True),  # has a sentence of its own
    ],
)
def test_a_value_that_would_fail_each_call_is_known_before(
    name: str, value: object, *, fits: bool
) -> None:
    assert bool(misfit(name, value)) is not fits


def test_a_setting_that_is_no_longer_named_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_unset", {})  # what other tests have changed
    before = litellm.drop_params, litellm.modify_params
    set_module({"drop_params": not before[0], "no_such_setting": 1})
    assert litellm.drop_params is not before[0]
    assert not hasattr(litellm, "no_such_setting")
    set_module({"modify_params": not before[1]})
    assert (litellm.drop_params, litellm.modify_params) == (before[0], not before[1])
    set_module({})
    assert (litellm.drop_params, litellm.modify_params) == before


@pytest.mark.parametrize(
    ("params", "priced", "cached"),
    [
        ({"model": "openai/gpt-4.1-mini"}, True, True),
        ({"model": "openai/x", "mock_response": "Hi."}, True, False),
        ({"model": "ollama_chat/x"}, True, True),
        ({"model": "openai/nobodys-model"}, False, False),
        ({"model": "nobodys/model"}, False, False),
    ],
)
def test_a_price_is_litellms_or_none(params: dict, *, priced: bool, cached: bool) -> None:
    price, cache = prices(params, {"id": "of no deployment"})
    assert (price is not None, cache is not None) == (priced, cached)
    free = "mock_response" in params or params["model"].startswith("ollama")
    assert not priced or (price == (0.0, 0.0)) is free


def test_without_prices_for_a_cache_its_tokens_cost_as_others_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6, "mode": "chat"}
    monkeypatch.setitem(litellm.model_cost, "of a deployment", row)
    params = {"model": "openai/nobodys-model"}
    assert prices(params, {"id": "of a deployment"}) == ((2e-6, 8e-6), (2e-6, 2e-6))


@pytest.mark.parametrize(
    ("model", "base", "aloud"),
    [
        ("hosted_vllm/deepseek-r1", "http://nas:8000", True),
        ("hosted_vllm/llama-3.3", "http://nas:8000", False),
        ("deepseek/deepseek-r1", None, None),  # its server separates thoughts
        ("nobodys/deepseek-r1", None, None),
    ],
)
def test_a_server_that_leaves_thoughts_in_the_text_is_known_by_its_models_name(
    model: str, base: str | None, *, aloud: bool | None
) -> None:
    assert thinks_aloud(model, None, base) is aloud
