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


def test_openais_key_goes_to_no_other_address(tmp_path: Path) -> None:
    for base, key in (("http://box:8000/v1", "none"), ("https://api.openai.com/v1", None)):
        text = model("x", f"{{model: openai/x, api_base: '{base}'}}")
        config = read_config(written(tmp_path, text), {"OPENAI_API_KEY": "k"})
        assert config.model_list[0]["litellm_params"].get("api_key") == key


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
