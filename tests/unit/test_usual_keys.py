"""Deployments without an `api_key:` line, whose key LiteLLM takes from the provider's variable."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import model, written

OTHER = "  - {model_name: other, litellm_params: {model: openai/y, api_key: k}}\n"


@pytest.mark.parametrize(
    ("name", "variable", "other"),
    [
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
        ("gpt-4.1-mini", "OPENAI_API_KEY", "OPENAI_API_BASE"),
        ("openai/*", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        ("claude-haiku-4-5", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        ("fireworks_ai/x", "FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"),
        ("perplexity/sonar", "PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
    ],
)
def test_without_the_providers_usual_variable_a_deployment_is_left_out(
    tmp_path: Path, name: str, variable: str, other: str
) -> None:
    path = written(tmp_path, model("a", f"{{model: '{name}'}}") + OTHER)
    (left,) = read_config(path, {}).left_out
    assert str(left) == f"a ({name}) is left out: {variable} is not set. Put it in .env."
    for set_ in (variable, other):
        assert "a" in read_config(path, {set_: "k"}).served


def test_a_wildcard_for_all_providers_gets_the_key_of_none(tmp_path: Path) -> None:
    path = written(tmp_path, model("a", "{model: '*'}"))
    (entry,) = [e for e in read_config(path, {}).model_list if e["model_name"] == "a"]
    assert "api_key" not in entry["litellm_params"]


def test_a_new_key_in_the_usual_variable_is_another_deployment(tmp_path: Path) -> None:
    path = written(tmp_path, model("a", "{model: mistral/x}"))
    ids = {*read_config(path, {"MISTRAL_API_KEY": "a"}).models}
    config = read_config(path, {"MISTRAL_API_KEY": "b"})
    assert not ids & {*config.models}
    assert list(config.key_variables.values()) == ["MISTRAL_API_KEY"]


@pytest.mark.parametrize(
    "params",
    [
        "{model: ollama_chat/qwen3.5:4b}",
        "{model: bedrock/amazon.nova-lite-v1:0}",
        "{model: vertex_ai/gemini-2.5-flash}",
        "{model: openai/a, extra_headers: {authorization: b}}",
        "{model: ollama_chat/x}",
        "{model: lm_studio/x}",
        "{model: hosted_vllm/x, api_base: http://h}",
        "{model: openai/x, api_base: http://h/v1}",
        "{model: openai/x, base_url: http://h/v1}",
        "{model: vertex_ai/gemini-2.5-flash, vertex_project: p}",
        "{model: bedrock/anthropic.claude-haiku-4-5-20251001-v1:0}",
        "{model: azure/x, api_base: http://h, azure_ad_token: t}",
        "{model: anthropic/x, extra_headers: {x-api-key: k}}",
        "{model: openai/x, mock_response: hi}",
        "{model: github_copilot/x, api_key: k}",
    ],
)
def test_who_needs_no_key_is_served_without_one(tmp_path: Path, params: str) -> None:
    env = {"GITHUB_COPILOT_TOKEN_DIR": str(tmp_path)}
    (tmp_path / "access-token").write_text("{}")
    config = read_config(written(tmp_path, model("a", params)), env)
    assert not [one for one in config.left_out if one.is_unset]
    assert "a" in config.served


def test_an_address_in_env_needs_no_key(tmp_path: Path) -> None:
    path = written(tmp_path, model("a", "{model: openai/a}"))
    assert "a" in read_config(path, {"OPENAI_API_BASE": "http://h/v1"}).served


@pytest.mark.parametrize("setting", ["api_key: k", "openai_key: k"])
def test_a_key_for_all_is_a_key(tmp_path: Path, setting: str) -> None:
    text = model("a", "{model: openai/x}") + f"litellm_settings: {{{setting}}}\n"
    assert "a" in read_config(written(tmp_path, text), {}).served
