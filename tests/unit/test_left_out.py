"""Deployments that lack a variable, and the one that may be meant."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.config.left_out import by_reason

from tests.support.configs import SHIPPED, model, written


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


def test_models_that_are_left_out_are_summed_up_by_variable() -> None:
    said = by_reason(read_config(SHIPPED, {"OPENAI_API_KEY": "k"}).left_out)
    (claude,) = [line for line in said if "ANTHROPIC_API_KEY" in line]
    begin = "Left out: ANTHROPIC_API_KEY is not set (vui, anthropic/claude-haiku-4-5,"
    assert claude.startswith(begin)
    assert claude.endswith("). Put it in .env.")
