"""LiteLLM's own example files: what stock LiteLLM serves from them, we serve."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from vui_gateway.config.file import Config, ConfigError, read_config

from tests.support.configs_table import variables
from tests.support.harness import ROOT
from tests.support.stock import examples, stock_names

FILES = examples()
RECORDED = ROOT / "tests" / "recorded" / "example-files.json"
# Stock serves no single model from them that answers in text.
WITHOUT_TEXT = ("_health_check_test_config.yaml", "wildcard_config.yaml")


def name_of(path: Path) -> str:
    return path.as_posix().partition("/litellm/")[2]


@pytest.fixture(scope="module")
def stock() -> dict[str, list[str] | str]:
    return stock_names(FILES)


def read(path: Path) -> Config:
    return read_config(path, variables(path))


def own(config: Config) -> list[str]:
    names = {entry["model_name"] for entry in config.model_list}
    demo = {"demo"} if config.default.demo else set()
    return [name for name in config.served if name in names - demo and name != "vui"]


def row(path: Path, names: list[str] | str) -> dict:
    try:
        config = read(path)
    except ConfigError as error:
        return {"stock": names, "ours": str(error).partition(f"{path.name}:")[2]}
    left_out = [f"{one.model_name}: {one.variable} {one.wrong}" for one in config.left_out]
    return {
        "stock": names, "ours": own(config), "vui": config.default.note, "left out": left_out,
    }  # fmt: skip


def test_all_of_them_are_found() -> None:
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_example_file_gives_no_demo_and_no_name_that_stock_lacks(
    path: Path, stock: dict[str, list[str] | str]
) -> None:
    names = stock[str(path)]
    if isinstance(names, str):  # its only entry has no litellm_params
        with pytest.raises(ConfigError, match="litellm_params is missing"):
            read(path)
        return
    config = read(path)
    if path.name not in WITHOUT_TEXT:
        assert not config.default.demo, config.default.note
    assert set(own(config)) <= set(names)
    left_out = {one.model_name for one in config.left_out}
    assert set(names) - set(own(config)) <= left_out


def test_the_recorded_table_is_what_is_served(stock: dict[str, list[str] | str]) -> None:
    table = {name_of(path): row(path, stock[str(path)]) for path in FILES}
    text = json.dumps(table, indent=1) + "\n"
    if os.environ.get("WRITE_DOCS"):
        RECORDED.write_text(text)
    assert json.loads(RECORDED.read_text()) == json.loads(text)
