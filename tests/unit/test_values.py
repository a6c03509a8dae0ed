"""Text that YAML reads as something else, lists of organizations, and what the demo says."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.file import ConfigError, demo_config, read_config

from tests.support.configs import model, written

GOOD = "  - {model_name: good, litellm_params: {model: openai/gpt-4.1-mini, api_key: k}}\n"
UNKNOWN = "  - {model_name: b, litellm_params: {model: llama2}}\n"
NOTHING = "is empty, or YAML reads it as nothing."
BOOLEAN = "is read as a boolean (true). Put it in quotes, as text."


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{model_name: yes, litellm_params: {model: openai/x}}", f"model_name {BOOLEAN}"),
        ("{model_name: on, litellm_params: {model: openai/x}}", f"model_name {BOOLEAN}"),
        ("{model_name: null, litellm_params: {model: openai/x}}",
         f"model_name {NOTHING} Give the model the name that vui shows."),
        ("{model_name: [a], litellm_params: {model: openai/x}}",
         "model_name is a list. Write text there."),
        ("{litellm_params: {model: openai/x}}", "model_name is missing. Give the model the name"),
        ("{model_name: a, litellm_params: {model: yes}}", f"litellm_params.model {BOOLEAN}"),
        ("{model_name: a, litellm_params: {model: }}",
         f"litellm_params.model {NOTHING} Write it as `model: provider/name`."),
        ("{model_name: a, litellm_params: {model: openai/x, api_base: 5}}",
         "api_base is read as a number. Put it in quotes, as text."),
        ("{model_name: a, litellm_params: {model: openai/x, api_key: yes}}", f"api_key {BOOLEAN}"),
        ("{model_name: a, litellm_params: {model: openai/x, api_key: {k: v}}}",
         "api_key is a mapping. Write text there."),
    ],
)  # fmt: skip
def test_text_that_yaml_reads_as_something_else_is_named_as_what_it_is_read_as(
    tmp_path: Path, entry: str, said: str
) -> None:
    config = read_config(written(tmp_path, f"model_list:\n{GOOD}  - {entry}\n"), {})
    assert config.served == ["vui", "good"]
    (left,) = config.left_out
    assert f":3: {said}" in str(left)


@pytest.mark.parametrize("name", ["4.1", "4", "1_000", "0x1f", "1:30", "2024-10-21", "'yes'"])
def test_a_name_of_digits_is_served_as_it_is_written(tmp_path: Path, name: str) -> None:
    config = read_config(written(tmp_path, model(name, "{model: openai/x, api_key: k}")), {})
    assert config.served == ["vui", name.strip("'")]


@pytest.mark.parametrize(
    ("written_as", "organizations"),
    [
        ("[org-1, org-2]", ["org-1", "org-2"]),
        ("[os.environ/ORG, 7]", ["os.environ/ORG", "7"]),
        ("org-1", ["org-1"]),
        ("[]", [None]),
    ],
)
def test_a_deployment_is_made_for_each_of_its_organizations(
    tmp_path: Path, written_as: str, organizations: list
) -> None:
    text = model("a", f"{{model: openai/x, api_key: k, organization: {written_as}}}")
    config = read_config(written(tmp_path, text), {"ORG": "org-3"})
    made = [entry["litellm_params"].get("organization") for entry in config.model_list]
    assert (made, config.left_out) == (organizations, [])
    assert len(config.models) == len(organizations)


def said_by_demo(path: Path) -> tuple[str, str]:
    """What the demo says of a file, and the log."""
    try:
        config = read_config(path, {})
    except ConfigError as error:
        return demo_config(error, path.name).default.demo, str(error)
    return config.default.demo, config.default.note


@pytest.mark.parametrize(
    ("text", "spoken", "logged"),
    [
        (None, "The model file can't be used: there is no such file. Write one, or restore it, "
         "beside the env file.", "litellm_config.yaml: there is no such file."),
        ("", "it is empty. Begin it with model list: and a model below.", ":1: it is empty."),
        ("router_settings: {}\n", "model list is missing. List one model at least.", "missing."),
        ("model_list: []\n", "model list is empty. List one model at least.", "is empty."),
        (model("'*'", "{model: 'openai/*', api_key: k}"),
         "The model file names no single model that answers in text. It has only wildcards. "
         "Add one to the model file, or name one as", "only wildcards."),
        (f"model_list:\n{UNKNOWN}", "Line 2 of the model file can't be used: llama2 names no",
         ":2: 'llama2' names no provider"),
        (f"model_list:\n{UNKNOWN}{UNKNOWN}", "llama2", ":3: 'llama2' names no provider"),
        (model("a", "{model: vertex_ai/gemini-2.5-pro, vertex_credentials: ./x.json}"),
         "a is left out: vertex credentials: x.json isn't there.", "./x.json isn't there."),
        (model("a", "{model: github_copilot/gpt-4.1}"), "a is left out: access-token isn't there.",
         "access-token isn't there."),
    ],
)  # fmt: skip
def test_the_demo_and_the_log_name_the_cause_and_the_cure(
    tmp_path: Path, text: str | None, spoken: str, logged: str
) -> None:
    path = tmp_path / "litellm_config.yaml"
    if text is not None:
        path.write_text(text)
    heard, line = said_by_demo(path)
    assert spoken in heard
    assert logged in line
