"""The file as YAML: what can't be read, and what its values become."""

from pathlib import Path

import pytest
from vui_gateway.config.file import Config, ConfigError, read_config

from tests.support.configs import model, written


def test_a_file_that_is_gone_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_config(tmp_path / "litellm_config.yaml", {})
    (tmp_path / "litellm_config.yaml").write_bytes(b"model_list: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "litellm_config.yaml", {})


GOOD = "  - {model_name: good, litellm_params: {model: openai/gpt-4.1-mini, api_key: k}}\n"


BEFORE = f"model_list:\n{GOOD}"


def read(folder: Path, text: str, **env: str) -> Config:
    return read_config(written(folder, text), env)


def test_a_model_name_of_digits_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, model("4", "{model: openai/x, api_key: k}")).served == ["vui", "4"]


@pytest.mark.parametrize(
    "params",
    [
        "{model: openai/x, api_key: k, fallbacks: &r {a: *r}}",
        "{model: openai/x, api_key: k, extra: &r [*r]}",
        "{model: openai/x, api_key: k, fallbacks: [{1: x, model: openai/y}]}",
        "{model: openai/x, api_key: k, extra_headers: {1: a, b: c}}",
    ],
)
def test_what_holds_itself_or_has_keys_of_two_kinds_is_served(tmp_path: Path, params: str) -> None:
    assert read(tmp_path, model("a", params)).served[:2] == ["vui", "a"]


def test_anchors_that_repeat_without_end_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "".join(
        f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 1}]\n" for n in range(9)
    )
    with pytest.raises(ValueError, match="its anchors repeat too much"):
        read(tmp_path, f"{bomb}{BEFORE}")
