"""Deployments that lack a variable, and the one that may be meant."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.config.left_out import by_reason

from tests.support.configs import entry, model, saved, written


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


@pytest.mark.parametrize(
    "key", ["${X_API_KEY}", "$X_API_KEY", "os.environ.X_API_KEY", "os.environ['X_API_KEY']"]
)
def test_a_variable_in_another_spelling_is_asked_about(tmp_path: Path, key: str) -> None:
    text = model("x", f'{{model: openai/x, api_key: "{key}"}}')
    (left,) = read_config(written(tmp_path, text), {"X_API_KEY": "k"}).left_out
    assert str(left).endswith(f"{key} is no api_key. Did you mean os.environ/X_API_KEY?")


@pytest.mark.parametrize(
    ("named", "set_", "meant"),
    [
        ("OPENAI_APIKEY", "", "OPENAI_API_KEY"),
        ("GROK_API_KEY", "", "GROQ_API_KEY"),
        ("OPENAI_API_KEY", "OPENAI_APIKEY", "OPENAI_APIKEY"),
        ("XAI_API_KEY", "MISTRAL_API_KEY", ""),
    ],
)
def test_a_variable_one_letter_off_is_asked_about(
    tmp_path: Path, named: str, set_: str, meant: str
) -> None:
    text = model("x", f"{{model: openai/x, api_key: os.environ/{named}}}")
    (left,) = read_config(written(tmp_path, text), {set_: "k"} if set_ else {}).left_out
    cure = f"Did you mean {meant}?" if meant else "Put it in .env."
    assert str(left) == f"x (openai/x) is left out: {named} is not set. {cure}"


KEYS = ("sk-proj-Abc123Def456Ghi789", "gsk_Abc123Def456Ghi789Jkl012", "AIzaSyAbc123Def456Ghi789")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_place_of_its_variables_name_is_told_nobody(tmp_path: Path, key: str) -> None:
    path = saved(tmp_path, model_list=[entry(api_key=f"os.environ/{key}")])
    config = read_config(path, {})
    shown = [str(config.left_out), *by_reason(config.left_out), str(config.default)]
    assert not [text for text in shown if key in text]
    assert "api_key names no variable that is set (vui). Put it into .env" in shown[1]
    assert "api key names no variable that is set." in config.default.demo


def test_a_model_whose_file_is_not_there_is_left_out_until_it_is(tmp_path: Path) -> None:
    text = model("a", "{model: vertex_ai/gemini-2.5-flash, vertex_credentials: ./adc.json}")
    path = written(tmp_path, text)
    (left,) = read_config(path, {}).left_out
    assert str(left).endswith(
        "is left out: vertex_credentials: ./adc.json isn't there. "
        "Put the file beside litellm_config.yaml, and write its name as ./adc.json."
    )
    (tmp_path / "adc.json").write_text("{}")
    assert "a" in read_config(path, {}).served


def test_a_setting_whose_file_is_not_there_is_ignored_and_named(tmp_path: Path) -> None:
    text = model("a", "{model: openai/a, api_key: k}") + "litellm_settings: {ssl_verify: ./ca.pem}"
    config = read_config(path := written(tmp_path, text), {})
    assert "ssl_verify" not in config.litellm_settings
    (said,) = config.warnings
    assert said.startswith(f"{path}:")
    assert "litellm_settings.ssl_verify is ignored: ./ca.pem isn't there. Put the file" in said
