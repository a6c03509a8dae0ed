"""Deployments without an `api_key:` line, whose key LiteLLM takes from the provider's variable."""

from pathlib import Path

import litellm
import pytest
from vui_gateway.config.file import read_config
from vui_gateway.litellm_proxy.catalogue import UnknownProvider
from vui_gateway.litellm_proxy.key_variables import key_variables

from tests.support.configs import model, written

# LiteLLM looks these up later, or gets them from us.
NOT_LOOKED_UP = (
    "AI21_API_KEY", "ARK_API_KEY", "AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN",
    "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CREDENTIAL", "AZURE_USERNAME", "COMETAPI_KEY",
    "COMETAPI_API_KEY",
)  # fmt: skip
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
        ("github/gpt-4o", "GITHUB_API_KEY", "GITHUB_API_BASE"),
        ("v0/v0-1.5-md", "V0_API_KEY", "V0_API_BASE"),
        ("lambda_ai/x", "LAMBDA_API_KEY", "LAMBDA_API_BASE"),
        ("qwencloud/x", "QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"),
        ("azure_ai/x", "AZURE_AI_API_KEY", "AZURE_API_KEY"),
        ("scaleway/x", "SCW_SECRET_KEY", "SCW_SECRET_KEY"),
        ("nano-gpt/x", "NANOGPT_API_KEY", "NANOGPT_API_KEY"),
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


@pytest.mark.parametrize("provider", UnknownProvider.known)
def test_litellm_takes_a_providers_key_from_its_usual_variables(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in key_variables(provider) if provider in litellm.openai_compatible_providers else ():
        with monkeypatch.context() as alone:
            alone.setenv(name, "k")
            assert name in NOT_LOOKED_UP or litellm.get_llm_provider(f"{provider}/x")[2] == "k"


@pytest.mark.parametrize(
    "field",
    [
        "max_tokens: 100",
        "input_cost_per_token: 0.000001",
        "prompt_cache_key: x",
        "extra_headers: {X-Title: vui}",
        "headers: {X-Title: vui}",
        "use_litellm_proxy: false",
        "default_api_key_tpm_limit: 100",
    ],
)
def test_a_field_that_is_no_key_stands_for_none(tmp_path: Path, field: str) -> None:
    path = written(tmp_path, model("a", f"{{model: anthropic/claude-haiku-4-5, {field}}}"))
    (left,) = read_config(path, {}).left_out
    assert (left.variable, left.is_unset) == ("ANTHROPIC_API_KEY", True)


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
        "{model: openai/x, extra_headers: {Authorization: Bearer k}}",
        "{model: openai/x, headers: {Ocp-Apim-Subscription-Key: k}}",
        "{model: openai/x, use_litellm_proxy: true}",
        "{model: openai/x, openai_identity_token_file: /t}",
        "{model: azure/x, api_base: http://h, client_id: c, tenant_id: t, client_secret: s}",
        "{model: github/x, api_base: http://h}",
        "{model: scaleway/x, api_base: http://h}",
        "{model: ovhcloud/x}",
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
