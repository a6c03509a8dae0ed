"""Settings without an effect: taken out, and named."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import FALLBACKS, TWO, model, written


def test_the_users_own_general_settings_open_no_door(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x, api_key: k}") + (
        "general_settings:\n  master_key: sk-1234\n  custom_auth: evil.auth\n"
        "  pass_through_endpoints: [{path: /x, target: http://evil}]\n"
    )
    config = read_config(written(tmp_path, text), {})
    general = config.general_settings
    assert general["master_key"] == "os.environ/VUI_LITELLM_KEY"
    assert "custom_auth" not in general
    assert "pass_through_endpoints" not in general
    assert len(config.warnings) == 2
    assert all("no effect here" in warning for warning in config.warnings)
    assert not any("sk-1234" in warning for warning in config.warnings)


@pytest.mark.parametrize("name", ["include", "environment_variables", "callback_settings"])
def test_a_section_that_people_need_is_named_with_a_cure(tmp_path: Path, name: str) -> None:
    text = f"{name}: [x]\n{model('x', '{model: openai/x, api_key: k}')}"
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert f":1: {name} has no effect here. " in warning
    assert len(warning.split("here. ")[1]) > 10


def test_all_that_has_no_effect_is_named_in_one_line(tmp_path: Path) -> None:
    text = f"guardrails: [x]\nmcp_servers: [x]\n{model('x', '{model: openai/x, api_key: k}')}"
    text += "litellm_settings: {mcp_aliases: {}}\ngeneral_settings: {alerting: [slack]}\n"
    path = written(tmp_path, text)
    (warning,) = read_config(path, {}).warnings
    names = "litellm_settings.mcp_aliases, general_settings.alerting, guardrails, mcp_servers"
    assert warning == f"{path}: no effect here, remove them: {names}."


def test_a_redis_of_the_files_is_named_with_the_variable_that_shares_one(tmp_path: Path) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + "router_settings: {redis_url: redis://redis}\n"
    )
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert warning.endswith("Gateways share the Redis of VUI_GATEWAY_REDIS_URL.")


def test_litellms_own_log_is_nothing_that_env_can_ask_for(tmp_path: Path) -> None:
    env = {"LITELLM_LOG": "bogus", "JSON_LOGS": "true"}
    warnings = read_config(written(tmp_path, TWO), env).warnings
    assert [line.partition(" has no effect here.")[0] for line in warnings] == [
        "LITELLM_LOG in .env", "JSON_LOGS in .env",
    ]  # fmt: skip
    assert "VUI_LITELLM_LOG=debug" in warnings[0]


def test_a_silent_model_is_never_asked(tmp_path: Path) -> None:
    text = FALLBACKS.replace("fallbacks: FALLBACKS", "silent_model: b")
    config = read_config(written(tmp_path, text), {})
    assert not any("silent_model" in entry["litellm_params"] for entry in config.model_list)
    assert any("silent_model has no effect here" in line for line in config.warnings)


@pytest.mark.parametrize(
    "setting",
    ["model_alias_map: 5", "input_callback: 5", "modify_params: {a: b}", "ssl_verify: []"],
)
def test_a_setting_of_a_wrong_type_is_left_out_and_named(tmp_path: Path, setting: str) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + f"litellm_settings:\n  drop_params: true\n  {setting}\n"
    )
    config = read_config(written(tmp_path, text), {})
    name = setting.partition(":")[0]
    assert name not in config.litellm_settings or config.litellm_settings[name] is True
    (warning,) = config.warnings
    assert warning.startswith(
        f"{tmp_path}/litellm_config.yaml:6: litellm_settings.{name} is ignored: "
    )


def test_a_setting_that_names_a_variable_is_not_judged_by_its_name(tmp_path: Path) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + "litellm_settings: {num_retries: os.environ/N}\n"
    )
    text = text.replace("num_retries", "modify_params")
    config = read_config(written(tmp_path, text), {"N": "true"})
    assert not config.warnings
