"""The key and the budget of a model file."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.file import Config, read_config
from vui_gateway.redaction import credentials

from tests.support.configs import TWO, written

KEY = "sk-master-0123456789"
OTHER = "sk-other-0123456789"
BY_NAME = "os.environ/LITELLM_MASTER_KEY"


def read(folder: Path, settings: str, env: dict[str, str]) -> Config:
    return read_config(written(folder, TWO + settings), env)


@pytest.mark.parametrize(
    ("given", "env", "key"),
    [
        (BY_NAME, {"LITELLM_MASTER_KEY": KEY}, KEY),
        (KEY, {}, KEY),
        ("1234567890123456", {}, "1234567890123456"),
        (None, {"LITELLM_MASTER_KEY": KEY}, KEY),
        ("os.environ/VUI_LITELLM_KEY", {}, ""),
        (BY_NAME, {"LITELLM_MASTER_KEY": KEY, "VUI_LITELLM_KEY": OTHER}, ""),
        (None, {"LITELLM_MASTER_KEY": KEY, "VUI_LITELLM_KEY": OTHER}, ""),
        (KEY, {"VUI_LITELLM_KEY": KEY}, ""),
    ],
)
def test_the_master_key_is_the_key_unless_env_has_one(
    tmp_path: Path, given: str | None, env: dict[str, str], key: str
) -> None:
    text = f"general_settings: {{master_key: {given}}}\n" if given else ""
    config = read(tmp_path, text, env)
    assert config.master_key == key
    assert key == "" or key not in repr(config)
    literal = given == key != ""
    assert ("in force. It is a secret: put it into .env" in str(config.warnings)) == literal
    assert not literal or ("master_key", key) in credentials(env, vars(config))


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"VUI_LITELLM_KEY": OTHER}, " has no effect here. The key is VUI_"),
        ({}, " is ignored, LITELLM_MASTER_KEY is not set. Put it in .env."),
    ],
)
def test_a_master_key_without_an_effect_is_named(
    tmp_path: Path, env: dict[str, str], said: str
) -> None:
    config = read(tmp_path, f"general_settings: {{master_key: {BY_NAME}}}\n", env)
    assert config.master_key == ""
    (warning,) = config.warnings
    assert f":6: general_settings.master_key{said}" in warning


@pytest.mark.parametrize(
    "given",
    ["sk-1234", "'sk with spaces in it'", "sk-schlüssel-0123456", "true", "[sk-0123456789012345]",
     "{a: sk-0123456789012345}"],
)  # fmt: skip
def test_a_key_that_is_none_is_named_and_not_shown(tmp_path: Path, given: str) -> None:
    config = read(tmp_path, f"general_settings: {{master_key: {given}}}\n", {})
    assert config.master_key == ""
    (warning,) = config.warnings
    assert ":6: general_settings.master_key is ignored, the key stays as it is. It is sh" in warning
    assert given.strip("'") not in warning


@pytest.mark.parametrize("section", ["general_settings", "litellm_settings"])
@pytest.mark.parametrize(
    ("given", "env", "usd"),
    [
        ("max_budget: 2.0, budget_duration: 1d", {}, 2.0),
        ("max_budget: '2', budget_duration: 24h", {}, 2.0),
        ("max_budget: os.environ/MOST, budget_duration: 1d", {"MOST": "0.5"}, 0.5),
        ("max_budget: 0, budget_duration: 1d", {}, None),
    ],
)
def test_a_budget_for_a_day_is_the_gateways(
    tmp_path: Path, section: str, given: str, env: dict[str, str], usd: float | None
) -> None:
    config = read(tmp_path, f"{section}: {{{given}}}\n", env)
    assert (config.max_budget, config.warnings) == (usd, [])
    assert "max_budget" not in config.litellm_settings


@pytest.mark.parametrize(
    ("given", "env"),
    [
        ("max_budget: 2.0, budget_duration: 30d", {}),
        ("max_budget: 2.0, budget_duration: [1]", {}),
        ("max_budget: 2.0", {}),
        ("max_budget: 2.0, budget_duration: 1d", {"VUI_LITELLM_BUDGET": "1"}),
    ],
)
def test_a_budget_without_an_effect_is_named(
    tmp_path: Path, given: str, env: dict[str, str]
) -> None:
    config = read(tmp_path, f"litellm_settings: {{{given}}}\n", env)
    assert config.max_budget is None
    assert "max_budget" not in config.litellm_settings
    (warning,) = config.warnings
    assert "litellm_settings.max_budget" in warning
    assert "write budget_duration: 1d, or VUI_LITELLM_BUDGET" in str([warning, config.details])


def test_a_budgets_duration_may_stand_in_the_other_section(tmp_path: Path) -> None:
    text = "litellm_settings: {budget_duration: 1d}\ngeneral_settings: {max_budget: 2}\n"
    config = read(tmp_path, text, {})
    assert (config.max_budget, config.warnings) == (2.0, [])


def test_a_budget_of_an_unset_variable_is_named_with_it(tmp_path: Path) -> None:
    text = "litellm_settings: {max_budget: os.environ/MOST, budget_duration: 1d}\n"
    (warning,) = read(tmp_path, text, {}).warnings
    assert warning.endswith(".max_budget is ignored, MOST is not set. Put it in .env.")


@pytest.mark.parametrize("given", ["a lot", "-1", ".inf", ".nan", "true", "[2]", "{a: 2}"])
def test_an_amount_that_is_none_is_named(tmp_path: Path, given: str) -> None:
    text = f"litellm_settings: {{max_budget: {given}, budget_duration: 1d}}\n"
    config = read(tmp_path, text, {})
    assert config.max_budget is None
    (warning,) = config.warnings
    assert ":6: litellm_settings.max_budget is ignored: " in warning
    assert warning.endswith("is no amount. Write US dollars per day, such as 0.50.")


@pytest.mark.parametrize("given", ["${LITELLM_MASTER_KEY}", "$LITELLM_MASTER_KEY"])
def test_a_variable_in_another_programs_spelling_is_no_key(tmp_path: Path, given: str) -> None:
    config = read(tmp_path, f"general_settings: {{master_key: '{given}'}}\n", {})
    assert config.master_key == ""
    (warning,) = config.warnings
    assert warning.endswith("Did you mean os.environ/LITELLM_MASTER_KEY?")
