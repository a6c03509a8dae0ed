"""The settings that a voice needs, and those that a user may change."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import model, written


def test_drop_params_is_on_unless_the_file_says_no(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x, api_key: k}")
    assert read_config(written(tmp_path, text), {}).litellm_settings["drop_params"] is True
    text += "litellm_settings: {drop_params: false}\n"
    assert read_config(written(tmp_path, text), {}).litellm_settings["drop_params"] is False


@pytest.mark.parametrize(
    "params",
    [
        "model: openai/x, api_base: 'http://box:8000/v1'",
        "model: openai/x, base_url: 'http://box:8000/v1'",
        "model: openai/x, api_base: os.environ/BOX",
        "model: gpt-4.1, api_base: 'http://box:8000/v1'",
        "model: x, custom_llm_provider: openai, api_base: 'http://box:8000/v1'",
        "model: '*', api_base: 'http://box:8000/v1'",
        "model: aiohttp_openai/x, api_base: 'http://box:8000/v1'",
        "model: litellm_proxy/responses/x, api_base: 'http://box:8000/v1'",
        "model: text-completion-inception/x, api_base: 'http://box:8000/v1'",
    ],
)
def test_openais_key_goes_to_no_other_address(tmp_path: Path, params: str) -> None:
    env = {"OPENAI_API_KEY": "k", "BOX": "http://box:8000/v1"}
    config = read_config(written(tmp_path, model("x", f"{{{params}}}")), env)
    assert config.model_list[0]["litellm_params"]["api_key"] == "none"


@pytest.mark.parametrize(
    "base", ["https://api.openai.com/v1", "https://api.openai.com/v1/", "https://eu.api.openai.com"]
)
def test_openais_key_goes_to_openais_addresses(tmp_path: Path, base: str) -> None:
    env = {"OPENAI_API_KEY": "k", "OPENAI_API_BASE": base}
    for address in (base, "os.environ/OPENAI_API_BASE"):
        text = model("x", f"{{model: openai/x, api_base: '{address}'}}")
        config = read_config(written(tmp_path, text), env)
        assert config.model_list[0]["litellm_params"].get("api_key") != "none"


def test_a_key_in_its_usual_variable_goes_to_an_address_of_ones_own(tmp_path: Path) -> None:
    text = model("x", "{model: litellm_proxy/x, api_base: 'http://box:8000/v1'}")
    config = read_config(written(tmp_path, text), {"LITELLM_PROXY_API_KEY": "k"})
    assert config.model_list[0]["litellm_params"].get("api_key") != "none"


def test_the_user_may_change_what_a_voice_needs(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x, api_key: k}") + "router_settings: {stream_timeout: 9}\n"
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["stream_timeout"] == 9
    assert config.router_settings["num_retries"] == 0


@pytest.mark.parametrize("name", ["callbacks", "success_callback", "failure_callback"])
def test_the_users_own_listeners_get_nothing_of_what_was_said(tmp_path: Path, name: str) -> None:
    text = model("x", "{model: openai/x, api_key: k}")
    plain = read_config(written(tmp_path, text), {}).litellm_settings
    assert "turn_off_message_logging" not in plain
    listened = f"{text}litellm_settings: {{{name}: [prometheus]}}\n"
    told = read_config(written(tmp_path, listened), {}).litellm_settings
    assert told["turn_off_message_logging"] is True


def test_a_provider_that_refuses_a_default_of_ours_is_not_sent_it(tmp_path: Path) -> None:
    text = model("x", "{model: gradient_ai/x, api_key: k}")
    params = read_config(written(tmp_path, text), {}).model_list[0]["litellm_params"]
    assert (params["max_retries"], params["drop_params"]) == (0, True)
