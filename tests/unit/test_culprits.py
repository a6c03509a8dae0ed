"""Which settings and deployments LiteLLM's router can't be built with: each is tried alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.litellm_proxy.culprits import find_culprits, refusal

MODELS = [{"model_info": {"id": "a"}}, {"model_info": {"id": "b"}}]


def refusing(*wrong: str, error: BaseException) -> Any:
    """A builder that fails with one of these; what it has built is counted as discarded."""

    def build(models: list, settings: dict, module: dict) -> Any:
        names = {*settings, *module, *(one["model_info"]["id"] for one in models)}
        if names & set(wrong):
            raise error
        return SimpleNamespace(discard=lambda: built.append(names))

    built: list[set] = []
    build.built = built  # type: ignore[attr-defined]
    return build


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit("bad"), BaseException("bad")])
def test_each_that_is_refused_alone_is_named_and_the_others_are_let_go(
    error: BaseException,
) -> None:
    build = refusing("b", "timeout", error=error)
    settings, module = {"timeout": 1, "retries": 2}, {"drop_params": True}
    found = find_culprits(build, MODELS, settings, module, error)
    assert found == {("router_settings", "timeout"): "bad", ("model_list", "b"): "bad"}
    assert build.built == [{"retries"}, {"drop_params"}, {"a"}]


def test_where_none_alone_is_refused_all_settings_are() -> None:
    found = find_culprits(
        refusing(error=ValueError()), MODELS, {"a1": 1}, {"b1": 2}, ValueError("together")
    )
    assert found == {
        ("router_settings", "a1"): "together", ("litellm_settings", "b1"): "together",
    }  # fmt: skip


def test_a_keyboard_interrupt_is_no_refusal() -> None:
    with pytest.raises(KeyboardInterrupt):
        find_culprits(refusing("a", error=KeyboardInterrupt()), MODELS, {}, {}, ValueError())


def test_a_refused_setting_is_named_without_its_value() -> None:
    name, why = refusal({"model": "openai/x", "api_key": "k", "tags": "sk-secret-1"}) or ("", "")
    assert name == "tags"
    assert why
    assert "secret" not in why
    assert refusal({"model": "openai/x", "api_key": "k"}) is None
