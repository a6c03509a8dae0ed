"""Settings of a deployment whose variable isn't set."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import model, written

AWS = "aws_access_key_id: os.environ/ID, aws_secret_access_key: os.environ/SECRET"
ENV = {"OPENAI_API_KEY": "k", "ID": "i", "SECRET": "s"}


@pytest.mark.parametrize(
    ("of", "params", "left"),
    [
        ("openai/x", "organization: os.environ/NOPE", {}),
        ("openai/x", "api_base: os.environ/OPENAI_API_BASE", {}),
        ("gpt-4.1", "api_base: os.environ/OPENAI_BASE_URL", {}),
        ("openai/x", "temperature: os.environ/NOPE", {}),
        ("openai/x", "tags: [os.environ/NOPE, a]", {"tags": ["a"]}),
        ("openai/x", "metadata: {a: os.environ/NOPE}", {"metadata": {}}),
        (
            "openai/x",
            "extra_headers: {X-A: os.environ/NOPE, X-B: b}",
            {"extra_headers": {"X-B": "b"}},
        ),
        ("azure/x", "api_base: 'http://h', api_key: k, api_version: os.environ/NOPE", {}),
        ("bedrock/x", f"{AWS}, aws_session_token: os.environ/NOPE", {}),
    ],
)
def test_a_setting_that_a_model_can_do_without_is_ignored(
    tmp_path: Path, of: str, params: str, left: dict
) -> None:
    path = written(tmp_path, model("a", f"{{model: {of}, {params}}}"))
    config = read_config(path, ENV)
    assert config.served == ["vui", "a", "demo"] or config.served == ["vui", "a"]
    name = params.rpartition(", ")[2].partition(":")[0] if not left else next(iter(left))
    given = config.model_list[0]["litellm_params"]
    assert given.get(name) == left.get(name)
    (said,) = config.warnings
    assert said.startswith(f"{path}:3: litellm_params.{name} is ignored")
    assert said.endswith(" is not set. Put it in .env.")


@pytest.mark.parametrize(
    ("of", "params", "variable"),
    [
        ("openai/x", "api_key: os.environ/NOPE", "NOPE"),
        ("openai/x", "api_base: os.environ/MY_SERVER", "MY_SERVER"),
        ("openai/x", "base_url: os.environ/MY_SERVER", "MY_SERVER"),
        ("azure/x", "api_key: k, api_base: os.environ/AZURE_API_BASE", "AZURE_API_BASE"),
        ("heroku/x", "api_base: os.environ/HEROKU_API_BASE", "HEROKU_API_BASE"),
        ("ollama_chat/x", "api_base: os.environ/OLLAMA_API_BASE", "OLLAMA_API_BASE"),
        ("openai/x", "extra_headers: {Authorization: os.environ/NOPE}", "NOPE"),
        ("bedrock/x", "aws_access_key_id: i, aws_secret_access_key: os.environ/NOPE", "NOPE"),
        ("bedrock/x", "aws_role_name: os.environ/NOPE", "NOPE"),
        ("bedrock/x", "aws_region_name: os.environ/NOPE", "NOPE"),
        ("vertex_ai/x", "vertex_project: os.environ/NOPE", "NOPE"),
        ("azure/x", "api_base: 'http://h', azure_ad_token: os.environ/NOPE", "NOPE"),
        ("azure/x", "api_base: 'http://h', client_id: os.environ/NOPE, client_secret: s", "NOPE"),
        ("watsonx/x", "api_key: k, project_id: os.environ/NOPE", "NOPE"),
    ],
)  # fmt: skip
def test_a_key_an_identity_and_an_address_of_ones_own_leave_the_model_out(
    tmp_path: Path, of: str, params: str, variable: str
) -> None:
    path = written(tmp_path, model("a", f"{{model: {of}, temperature: os.environ/T, {params}}}"))
    config = read_config(path, ENV)
    (left,) = config.left_out
    assert (left.variable, left.is_unset) == (variable, True)
    assert not config.warnings


def test_without_its_address_a_model_still_needs_the_usual_key(tmp_path: Path) -> None:
    path = written(tmp_path, model("a", "{model: openai/x, api_base: os.environ/OPENAI_API_BASE}"))
    (left,) = read_config(path, {}).left_out
    assert left.variable == "OPENAI_API_KEY"


def test_a_credential_needs_its_key_alone(tmp_path: Path) -> None:
    text = model("a", "{model: openai/x, litellm_credential_name: c}") + (
        "credential_list:\n  - credential_name: c\n    credential_values: "
        "{api_key: os.environ/OPENAI_API_KEY, organization: os.environ/NOPE}\n"
    )
    config = read_config(written(tmp_path, text), ENV)
    assert "a" in config.served
    assert "organization is ignored, NOPE is not set." in config.warnings[0]
