"""Fallbacks of a deployment become its group's."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import FALLBACKS, written


@pytest.mark.parametrize(
    ("written_as", "group", "params"),
    [
        ("[b]", "b", None),
        ("b", "b", None),
        ("[{a: [b]}]", "b", None),
        ("[{model: b}]", "b", None),
        ("[openai/z]", "fallback of a: openai/z", {"api_base": "http://h/v1", "api_key": "k"}),
        ("[{model: groq/z, api_key: g}]", "fallback of a: groq/z", {"api_key": "g"}),
        (
            "[anthropic/z]",
            "fallback of a: anthropic/z",
            {"api_key": "os.environ/ANTHROPIC_API_KEY", "api_base": None},
        ),
        (
            "[{model: openai/z, num_retries: 3, silent_model: b, fallbacks: [b], order: x}]",
            "fallback of a: openai/z",
            dict.fromkeys(("num_retries", "silent_model", "fallbacks", "order")),
        ),
    ],
)
def test_the_fallbacks_of_a_deployment_become_its_groups(
    tmp_path: Path, written_as: str, group: str, params: dict | None
) -> None:
    path = written(tmp_path, FALLBACKS.replace("FALLBACKS", written_as))
    config = read_config(path, {"ANTHROPIC_API_KEY": "k"})
    assert config.router_settings["fallbacks"] == [{"a": [group]}]
    assert not any("fallbacks" in entry["litellm_params"] for entry in config.model_list)
    if params:
        found = next(e for e in config.model_list if e["model_name"] == group)["litellm_params"]
        assert params == {name: found.get(name) for name in params}


def test_a_fallback_that_nobody_knows_is_named_and_the_rest_is_served(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, FALLBACKS.replace("FALLBACKS", "[nonsense, b]")), {})
    assert config.router_settings["fallbacks"] == [{"a": ["b"]}]
    assert any("'nonsense' of a is left out" in line for line in config.warnings)


def test_context_window_fallbacks_of_a_deployment_become_its_groups(tmp_path: Path) -> None:
    text = FALLBACKS.replace("fallbacks: FALLBACKS", "context_window_fallback_dict: {openai/x: b}")
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["context_window_fallbacks"] == [{"a": ["b"]}]


def test_fallbacks_of_all_models_are_those_of_all_groups(tmp_path: Path) -> None:
    text = (
        FALLBACKS.replace(", fallbacks: FALLBACKS", "")
        + "litellm_settings:\n  model_fallbacks: [b]\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["default_fallbacks"] == ["b"]
    both = text + "router_settings: {default_fallbacks: a}\n"
    config = read_config(written(tmp_path, both), {})
    assert config.router_settings["default_fallbacks"] == ["a", "b"]
    assert "model_fallbacks" not in config.litellm_settings


def test_groups_that_share_their_settings_have_the_same_fallbacks(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: a, litellm_params: &p {model: openai/x, api_key: k, fallbacks: [c]}}\n"
        "  - {model_name: b, litellm_params: *p}\n"
        "  - {model_name: c, litellm_params: {model: openai/z, api_key: k}}\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["fallbacks"] == [{"a": ["c"]}, {"b": ["c"]}]


BY_ID = """model_list:
  - {model_name: gpt, litellm_params: {model: openai/x, api_key: k}}
  - {model_name: other, litellm_params: {model: openai/y, api_key: k}, model_info: {id: my-id}}
SECOND
router_settings: {fallbacks: [{gpt: [my-id]}], default_fallbacks: [my-id]}
"""
SECOND = "  - {model_name: other, litellm_params: {model: openai/z, api_key: k}}"


@pytest.mark.parametrize(
    ("second", "group", "models"),
    [("", "other", ["openai/y"]), (SECOND, "fallback of my-id", ["openai/y"])],
)
def test_a_fallback_may_be_the_id_of_a_deployment(
    tmp_path: Path, second: str, group: str, models: list[str]
) -> None:
    config = read_config(written(tmp_path, BY_ID.replace("SECOND", second)), {})
    assert config.router_settings["fallbacks"] == [{"gpt": [group]}]
    assert config.router_settings["default_fallbacks"] == [group]
    of_group = [e["litellm_params"] for e in config.model_list if e["model_name"] == group]
    assert [params["model"] for params in of_group] == models
    assert not config.warnings
