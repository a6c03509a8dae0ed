"""The user's file: what is wrong with it, what is left out, and what LiteLLM gets."""

from pathlib import Path

import litellm
import pytest
import yaml
from vui_gateway.config.schema import ConfigError, read_config

from tests.support.harness import ROOT

SHIPPED = ROOT / "litellm_config.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "litellm_config.yaml"
    path.write_text(text)
    return path


def model(name: str, params: str) -> str:
    return f"model_list:\n  - model_name: {name}\n    litellm_params: {params}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "empty, or no mapping"),
        ("model_list:\n  - model_name: 'x\n", 3, "quote"),
        ("a: &a [*a, *b]\n", 1, "undefined alias"),
        ("general_settings: {}\n", 1, "model_list is missing"),
        ("model_list: []\n", 1, "model_list is missing or empty"),
        ("x: 1\nmodel_lst: []\n", 1, "unknown key 'x'"),
        ("'': 1\n", 1, "unknown key ''"),
        ("7: 1\n", 1, "7"),
        ("model_list:\n  - 3\n", 2, "no mapping"),
        (model("''", "{model: openai/x}"), 2, "model_name is missing"),
        (model("x", "{}"), 3, "no litellm_params.model"),
        (model("x", "{model: bogus/x}"), 3, "no provider"),
        (model("x", "{model: openai/x}") + "router_settings: [1]\n", 4, "no mapping"),
        (model("x", "{model: openai/x}") + "router_settings:\n  cooldown_time: x\n", 5, "cooldown"),
        (model("x", "{model: openai/x, order: first}"), 3, "order is 'first'"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_config(tmp_path / "litellm_config.yaml", {})
    (tmp_path / "litellm_config.yaml").write_bytes(b"model_list: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "litellm_config.yaml", {})


@pytest.mark.parametrize("value", [None, ""])
def test_a_model_whose_variable_is_unset_or_empty_is_left_out(
    tmp_path: Path, value: str | None
) -> None:
    text = model("x", "{model: openai/x, api_key: os.environ/X_KEY}")
    env = {} if value is None else {"X_KEY": value}
    config = read_config(written(tmp_path, text), env)
    assert [str(entry) for entry in config.left_out] == [
        "x (openai/x) is left out: X_KEY is not set. Put it in .env."
    ]
    assert config.served == ["vui", "demo"]


def test_no_usable_model_leaves_the_demo() -> None:
    config = read_config(SHIPPED, {})
    assert config.served == ["vui", "demo"]
    reply = config.model_list[0]["litellm_params"]["mock_response"]
    assert "demo" in reply
    assert "API KEY" in reply


def test_the_default_group_keeps_its_own_deployments_when_it_has_one() -> None:
    config = read_config(SHIPPED, {"GROQ_API_KEY": "k"})
    group = [m["litellm_params"]["model"] for m in config.model_list if m["model_name"] == "vui"]
    assert group == ["groq/openai/gpt-oss-120b"]


def test_the_users_own_general_settings_open_no_door(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}") + (
        "general_settings:\n  master_key: sk-1234\n  custom_auth: evil.auth\n"
        "  pass_through_endpoints: [{path: /x, target: http://evil}]\n"
    )
    config = read_config(written(tmp_path, text), {})
    general = config.general_settings
    assert general["master_key"] == "os.environ/VUI_LITELLM_KEY"
    assert general["custom_auth"] == "vui_gateway.litellm_api.authenticate"
    assert "pass_through_endpoints" not in general
    assert len(config.warnings) == 2
    assert all("is ignored" in warning for warning in config.warnings)


def test_the_user_may_change_what_a_voice_needs(tmp_path: Path) -> None:
    text = (
        model("x", "{model: openai/x, max_retries: 1}") + "router_settings: {stream_timeout: 9}\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["stream_timeout"] == 9
    assert config.router_settings["num_retries"] == 0
    mine = next(m for m in config.model_list if m["model_name"] == "x")
    assert mine["litellm_params"]["max_retries"] == 1


@pytest.mark.parametrize("name", ["callbacks", "success_callback", "failure_callback"])
def test_the_users_own_listeners_get_nothing_of_what_was_said(tmp_path: Path, name: str) -> None:
    text = model("x", "{model: openai/x}")
    plain = read_config(written(tmp_path, text), {}).litellm_settings
    assert "turn_off_message_logging" not in plain
    listened = f"{text}litellm_settings: {{{name}: [langfuse]}}\n"
    told = read_config(written(tmp_path, listened), {}).litellm_settings
    assert told["turn_off_message_logging"] is True


def test_the_shipped_config_names_models_that_litellm_knows() -> None:
    listed = yaml.safe_load(SHIPPED.read_text())["model_list"]
    for entry in listed:
        name = entry["litellm_params"]["model"]
        if name.startswith(("openrouter/", "ollama_chat/", "openai/demo")):
            continue  # their own catalogues; not in the table of this release
        assert name in litellm.model_cost or name.split("/", 1)[1] in litellm.model_cost, name


def test_the_shipped_config_names_every_provider_of_the_env_example() -> None:
    keys = {
        line.split("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "_API_" in line
    }
    text = SHIPPED.read_text()
    assert keys
    assert all(f"os.environ/{key.lstrip('# ')}" in text for key in keys)
