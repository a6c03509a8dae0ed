"""Other spellings of a file: of keys, variables and indentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.file import ConfigError, read_config

from tests.support.configs import model, written

GOOD = model("a", "{model: openai/x, api_key: k}")


@pytest.mark.parametrize(
    "key",
    ["os.enviro/X_API_KEY", "os.environ.get/X_API_KEY", "OS.ENVIRON/X_API_KEY", "env/X_API_KEY",
     "os.environ/ X_API_KEY", "os.environment/X_API_KEY", "os.env.X_API_KEY", "%X_API_KEY%",
     "os.getenv('X_API_KEY')", "${X_API_KEY}", "ENV[X_API_KEY]", "{{ X_API_KEY }}"],
)  # fmt: skip
def test_a_variable_in_another_spelling_is_no_key(tmp_path: Path, key: str) -> None:
    text = model("x", f'{{model: openai/x, api_key: "{key}"}}')
    (left,) = read_config(written(tmp_path, text), {"X_API_KEY": "k"}).left_out
    assert left.cure == "Did you mean os.environ/X_API_KEY?"


@pytest.mark.parametrize("key", ["os.environ/X_API_KEY", "sk-env-ABC", "env-5f1c9d3ab27e", "ENV"])
def test_a_key_is_a_key(tmp_path: Path, key: str) -> None:
    text = model("x", f'{{model: openai/x, api_key: "{key}"}}')
    assert read_config(written(tmp_path, text), {"X_API_KEY": "k"}).left_out == []


@pytest.mark.parametrize("value", ["env-PROD", "env=PROD", "my-env/PROD"])
def test_a_name_of_a_stage_is_no_variable(tmp_path: Path, value: str) -> None:
    text = model("x", f'{{model: openai/x, api_key: k, aws_session_name: "{value}"}}')
    assert read_config(written(tmp_path, text), {}).left_out == []


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (f"{GOOD}{GOOD}", 4, "model_list"),
        (f"{GOOD}router_settings: {{timeout: 3, timeout: 5}}\n", 4, "timeout"),
        (f"{GOOD}    model_name: b\n", 4, "model_name"),
    ],
)
def test_a_key_that_stands_there_twice_is_named(
    tmp_path: Path, text: str, line: int, key: str
) -> None:
    (said,) = read_config(written(tmp_path, text), {}).warnings
    assert f":{line}: {key} stands there twice, the last one counts." in said


def test_a_key_beside_a_merge_of_it_is_none_of_them(tmp_path: Path) -> None:
    text = "x-d: &d {api_key: k, model: openai/y}\nx-e: &e {<<: *d, model: openai/z}\n"
    text += model("a", "{<<: *e, model: openai/x}")
    config = read_config(written(tmp_path, text), {})
    assert config.warnings == []
    assert config.model_list[0]["litellm_params"]["model"] == "openai/x"


def test_a_tab_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Write spaces, no tab\."):
        read_config(written(tmp_path, "model_list:\n\t- model_name: a\n"), {})


def test_a_key_in_capitals_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'Model_List'. Did you mean 'model_list'\?"):
        read_config(written(tmp_path, GOOD.replace("model_list", "Model_List")), {})


def test_a_list_with_a_value_that_is_no_text_is_named_as_such(tmp_path: Path) -> None:
    text = GOOD + model("b", "{model: openai/x, api_key: k, tags: [1, 2]}")[12:]
    (left,) = read_config(written(tmp_path, text), {}).left_out
    assert "tags can't be used (one of its values is no text: put it in quotes)" in str(left)


@pytest.mark.parametrize("before", ["\ufeff", "---\n", "# é\r\n"])
def test_what_stands_before_a_file_costs_nothing(tmp_path: Path, before: str) -> None:
    path = tmp_path / "litellm_config.yaml"
    path.write_bytes((before + GOOD).encode())
    assert read_config(path, {}).served == ["vui", "a"]
