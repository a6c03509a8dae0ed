"""Fallbacks whose names are no groups of the file."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import written

MODELS = """model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_key: k}}
  - {model_name: second, litellm_params: {model: openai/y, api_key: k}}
  - {model_name: groq/z, litellm_params: {model: groq/z, api_key: k}}
  - {model_name: lacks, litellm_params: {model: groq/z, api_key: os.environ/UNSET}}
  - {model_name: wrong, litellm_params: {model: opnai/x}}
"""
GPT = "  - {model_name: gpt-4o, litellm_params: {model: openai/x, api_key: k}}\n"
WILDCARD = """  - {model_name: "openai/*", litellm_params: {model: "openai/*", api_key: k}}
"""
HAS_NONE = "no model_name of the file."


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fallbacks: [{a: [nowhere]}]", f"'nowhere': {HAS_NONE} Write model_names of the file"),
        ("fallbacks: [{nowhere: [a]}]", f"'nowhere': {HAS_NONE} Write model_names"),
        ("fallbacks: [{a: [secnd]}]", f"'secnd': {HAS_NONE} Did you mean 'second'?"),
        ("fallbacks: [{b: [c]}, {a: [d]}]", f"'b', 'd': {HAS_NONE}"),
        ("default_fallbacks: [nowhere]", "litellm_settings.default_fallbacks has no effect for"),
        ("context_window_fallbacks: [{a: nowhere}]", "context_window_fallbacks has no effect for"),
        (f"fallbacks: [{{a: {[f'm{n}' for n in range(9)]}}}]", "'m4' and 4 more: no"),
    ],
)
def test_a_name_that_the_file_has_no_model_for_is_said(
    tmp_path: Path, setting: str, said: str
) -> None:
    path = written(tmp_path, f"{MODELS}litellm_settings:\n  {setting}\n")
    (line,) = read_config(path, {}).warnings
    assert line.startswith(f"{path}:8: litellm_settings.")
    assert said in line


@pytest.mark.parametrize(
    "setting",
    [
        "fallbacks: [{a: [second, groq/z, vui, alias, demo]}, {alias: [a]}, {vui: [a]}]",
        "fallbacks: [{a: [lacks, wrong]}, {lacks: [a]}, {wrong: [a]}]",
        "fallbacks: [{'*': [a]}, {openai/gpt-4o: [openai/gpt-5]}]",
        "default_fallbacks: [a, openai/any]",
        "fallbacks: []",
    ],
)
def test_names_of_the_file_are_said_nowhere(tmp_path: Path, setting: str) -> None:
    aliases = "  model_group_alias: {alias: a}\n"
    path = written(tmp_path, f"{MODELS}{WILDCARD}router_settings:\n  {setting}\n{aliases}")
    assert read_config(path, {}).warnings == []


@pytest.mark.parametrize(
    ("group", "means"),
    [
        # As LiteLLM takes it for the group without a provider: of that provider only, since a model
        # at home may have the name of one in the cloud.
        ("openai/gpt-4o", [{"gpt-4o": ["second"]}]),
        ("azure/gpt-4o", []),
        ("groq/a", []),
        ("z", [{"groq/z": ["second"]}]),
        ("nobody/a", []),
    ],
)
def test_a_group_counts_with_and_without_its_provider(
    tmp_path: Path, group: str, means: list
) -> None:
    text = f"{MODELS}{GPT}router_settings:\n  fallbacks: [{{{group}: [second]}}]\n"
    assert read_config(written(tmp_path, text), {}).router_settings["fallbacks"] == means


def test_brackets_and_question_marks_of_a_name_are_themselves(tmp_path: Path) -> None:
    text = MODELS + WILDCARD.replace("openai/*", "x[1]?*", 1)
    named = f"{text}router_settings: {{fallbacks: [{{'x[1]?y': [a]}}, {{x1zy: [a]}}]}}\n"
    (said,) = read_config(written(tmp_path, named), {}).warnings
    assert "fallbacks has no effect for 'x1zy': no model_name" in said


def test_a_group_counts_behind_the_provider_of_a_wildcard(tmp_path: Path) -> None:
    text = f"{MODELS}{WILDCARD}router_settings:\n  fallbacks: [{{gpt-4.1: [second]}}]\n"
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["fallbacks"] == [{"openai/gpt-4.1": ["second"]}]
    assert config.warnings == []


def test_a_groups_own_fallbacks_come_before_those_by_another_name(tmp_path: Path) -> None:
    fallbacks = "[{openai/gpt-4o: [groq/z]}, {gpt-4o: [second]}]"
    text = f"{MODELS}{GPT}router_settings:\n  fallbacks: {fallbacks}\n"
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["fallbacks"] == [{"gpt-4o": ["second"]}]
