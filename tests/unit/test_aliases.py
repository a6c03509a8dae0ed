"""The aliases of a file: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.file import Config, read_config

from tests.support.configs import model, written

A = model("a", "{model: openai/a, api_key: k, fallbacks: [openai/hidden]}")
UNSET, WRONG = (model(n, f"{{model: {p}/x}}")[12:] for n, p in (("b", "groq"), ("c", "opnai")))
WILD = model("'openai/*'", "{model: openai/*, api_key: k}")


def read(folder: Path, aliases: str, models: str = A) -> Config:
    text = f"{models}router_settings:\n  model_group_alias: {{{aliases}}}\n"
    return read_config(written(folder, text), {})


@pytest.mark.parametrize(
    ("models", "aliases", "served", "alias"),
    [
        (A, "x: y, y: a", ["vui", "x", "y", "a"], "a"),
        (A, "x: vui", ["vui", "x", "a"], "a"),
        (A, "x: {model: a, hidden: true}", ["vui", "a"], {"model": "a", "hidden": True}),
        (WILD, "vui: openai/gpt-4o, x: vui", ["vui", "x", "openai/*"], "openai/gpt-4o"),
        (WILD, "vui: gpt-4o, x: gpt-4o", ["vui", "x", "openai/*"], "openai/gpt-4o"),
    ],
)
def test_an_alias_means_a_group_that_is_served(
    tmp_path: Path, models: str, aliases: str, served: list[str], alias: object
) -> None:
    config = read(tmp_path, aliases, models)
    assert (config.served, config.warnings) == (served, [])
    assert config.router_settings["model_group_alias"]["x"] == alias


def test_an_alias_of_a_wildcards_model_may_be_vui(tmp_path: Path) -> None:
    config = read(tmp_path, "vui: gpt-4o", WILD)
    note = "vui is openai/gpt-4o: model_group_alias in litellm_config.yaml says so."
    assert config.default.note == note


@pytest.mark.parametrize(
    ("aliases", "name", "target", "cure"),
    [
        ("vui: zzz", "vui", "zzz", "Write a model_name of the file."),
        ("x: claude-haiku-4-5", "x", "claude-haiku-4-5", "Write a model_name of the file."),
        ("x: x", "x", "x", "Write a model_name of the file."),
    ],
)
def test_an_alias_of_nothing_is_named_and_not_served(
    tmp_path: Path, aliases: str, name: str, target: str, cure: str
) -> None:
    config = read(tmp_path, aliases)
    (warning,) = config.warnings
    setting = f":5: router_settings.model_group_alias.{name} has no effect"
    assert warning.endswith(f"{setting}: {target!r} is no model_name of the file. {cure}")
    assert config.served == ["vui", "a"]


def test_an_alias_of_a_model_that_is_left_out_is_left_out_with_it(tmp_path: Path) -> None:
    config = read(tmp_path, "x: b, y: c", A + UNSET + WRONG)
    assert config.served == ["vui", "a"]
    assert [(one.model_name, one.is_unset) for one in config.left_out] == [
        ("b", True), ("c", False), ("x", True), ("y", False),
    ]  # fmt: skip
    assert config.warnings == []
