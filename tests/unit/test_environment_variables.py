"""`environment_variables` of a file: what is in force, what isn't, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.file import Config, read_config
from vui_gateway.settings import Settings

from tests.support.configs import model, written

UNSET = model("a", "{model: groq/x}")


def read(folder: Path, variables: str, more: str = "", **env: str) -> Config:
    text = f"{UNSET}environment_variables: {variables}\n{more}"
    return read_config(written(folder, text), env)


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ("{GROQ_API_KEY: gsk-1}", "gsk-1"),
        ("{GROQ_API_KEY: os.environ/MINE}", "gsk-2"),
        ("{GROQ_API_KEY: 77}", "77"),
    ],
)
def test_a_models_key_may_stand_there(tmp_path: Path, variables: str, value: str) -> None:
    config = read(tmp_path, variables, MINE="gsk-2")
    assert (config.served, config.left_out, config.warnings) == (["vui", "a"], [], [])
    assert config.environment == {"GROQ_API_KEY": value}
    assert config.env == {"GROQ_API_KEY": value}


def test_env_wins_and_the_file_is_said_to_be_ignored(tmp_path: Path) -> None:
    config = read(tmp_path, "{GROQ_API_KEY: gsk-1}", GROQ_API_KEY="gsk-2")
    assert config.environment == {}
    assert config.env == {"GROQ_API_KEY": "gsk-2"}
    (line,) = config.warnings
    assert ":4: these of environment_variables are ignored: GROQ_API_KEY. They are in .env" in line
    assert "gsk" not in line


def test_the_same_value_in_both_is_said_nowhere(tmp_path: Path) -> None:
    config = read(tmp_path, "{GROQ_API_KEY: gsk-1}", GROQ_API_KEY="gsk-1")
    assert (config.served, config.warnings) == (["vui", "a"], [])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("VUI_LITELLM_KEY", "They are ours: put them into .env."),
        ("VUI_GATEWAY_PROJECT", "They are ours: put them into .env."),
        ("LD_PRELOAD", "They would change the gateway itself: remove them."),
        ("LD_DEBUG", "They would change the gateway itself: remove them."),
        ("PYTHONWARNINGS", "They would change the gateway itself: remove them."),
        ("XDG_RUNTIME_DIR", "They would change the gateway itself: remove them."),
        ("PYTHONPATH", "They would change the gateway itself: remove them."),
        ("NO_PROXY", "They would change the gateway itself: remove them."),
    ],
)
def test_neither_ours_nor_what_a_process_loads_is_taken(
    tmp_path: Path, name: str, why: str
) -> None:
    config = read(tmp_path, f"{{{name}: sk-0123456789abcdef, GROQ_API_KEY: gsk-1}}")
    assert set(config.environment) == {"GROQ_API_KEY"}
    (line,) = config.warnings
    assert line.endswith(f"ignored: {name}. {why}")


def test_a_value_that_is_no_text_is_named(tmp_path: Path) -> None:
    config = read(
        tmp_path, '{GROQ_API_KEY: gsk-1, X: [a], Y: {b: c}, Z: "\\ud83d", "": a, "A=": b}'
    )
    (line,) = config.warnings
    assert line.endswith("ignored: X, Y, Z, , A=. They are no text: write `NAME: value`.")
    assert config.environment == {"GROQ_API_KEY": "gsk-1"}


def test_one_that_names_an_unset_variable_is_unset(tmp_path: Path) -> None:
    config = read(tmp_path, "{GROQ_API_KEY: os.environ/NOWHERE}")
    (left,) = config.left_out
    assert (left.variable, config.environment) == ("GROQ_API_KEY", {})


@pytest.mark.parametrize("cache", [False, True])
def test_a_redis_counts_for_a_cache_only(tmp_path: Path, cache: bool) -> None:
    more = f"litellm_settings: {{cache: {cache}}}\n"
    variables = "{GROQ_API_KEY: k, REDIS_HOST: r, DATABASE_URL: d}"
    config = read(tmp_path, variables, more)
    assert ("REDIS_HOST" in config.environment) == cache
    names = ["environment_variables.REDIS_HOST"] * (not cache)
    names.append("environment_variables.DATABASE_URL")
    assert all(name in config.warnings[0] for name in names)


def test_a_master_key_may_stand_there(tmp_path: Path) -> None:
    more = "general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}\n"
    key = "sk-0123456789abcdef"
    config = read(tmp_path, f"{{GROQ_API_KEY: k, LITELLM_MASTER_KEY: {key}}}", more)
    assert config.master_key == key


def test_they_are_settings_beside_those_of_env_until_the_file_changes() -> None:
    settings = Settings.load({"A": "1"})
    assert settings.beside({"B": "2"}).env == {"A": "1", "B": "2"}
    assert settings.beside({}) is settings


def test_a_file_that_is_not_there_is_named_with_its_line_and_cure(tmp_path: Path) -> None:
    variables = "{GROQ_API_KEY: k, SSL_CERT_FILE: ./ca.pem}"
    (line,) = read(tmp_path, variables).warnings
    assert line.endswith(
        "litellm_config.yaml:4: SSL_CERT_FILE: ./ca.pem isn't there. "
        "Put the file beside litellm_config.yaml, and write its name as ./ca.pem."
    )
    (tmp_path / "ca.pem").write_text("x")
    assert read(tmp_path, variables).warnings == []


def test_a_variable_that_names_another_has_its_text(tmp_path: Path) -> None:
    config = read(tmp_path, "{QUIET: os.environ/SWITCH}", SWITCH="false")
    assert config.environment == {"QUIET": "false"}
