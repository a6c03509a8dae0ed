"""Files as people have them: whatever stock LiteLLM would serve is served, the rest is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.config.env import resolved
from vui_gateway.config.file import Config, read_config

from tests.support.configs import model, written

GOOD = "  - {model_name: good, litellm_params: {model: openai/gpt-4.1-mini, api_key: k}}\n"
BEFORE = f"model_list:\n{GOOD}"
SECOND = "  - {model_name: second, litellm_params: {model: openai/x, api_key: k}}\n"


def read(folder: Path, text: str, **env: str) -> Config:
    return read_config(written(folder, text), env)


@pytest.mark.parametrize(
    ("entry", "line", "said", "cure"),
    [
        ("- {model_name: a, litellm_params: {model: llama2}}", 3, "'llama2' names no", "provider/"),
        ("- {model_name: a, litellm_params: {model: 'gpt-oss:20b'}}", 3, "'gpt-oss:20b' n", ""),
        ("- {model_name: a, litellm_params: {model: my-custom-llm/x}}", 3, "'my-custom-llm'", ""),
        ("- {model_name: a, litellm_params: {model: opnai/x}}", 3, "'opnai' is no", "'openai'"),
        ("- model_name: a", 3, "litellm_params is missing", "`model: provider/name`"),
        (
            "- {model_name: a, litellm_params: {model: qwen3, api_base: http://h/v1}}",
            3, "'qwen3' names no provider", "Write openai/ before it",
        ),
        (  # as LiteLLM's documentation has it
            "- model_name: a\n    litellm_params:\n    model: openai/x",
            4, "litellm_params is empty", "Indent its settings below it",
        ),
        ("- {model_name: a, litellm_params: 3}", 3, "litellm_params is no mapping", "Indent"),
        ("- {model_name: a, litellm_params: {}}", 3, "litellm_params.model is missing", "Write"),
        ("- {litellm_params: {model: openai/x}}", 3, "model_name is missing", "Give"),
        ("- 3", 3, "an entry is no mapping", "Indent"),
        ("- {model_name: a, litellm_params: {model: ollama/x, tags: 5}}", 3, "tags can", "Correct"),
        ("- {model_name: a, litellm_params: {model: ollama/x, api_base: 5}}", 3, "api_base", ""),
        ("-\n    model_name: a\n    litellm_params:\n      model: bogus/x", 6, "'bogus' is no", ""),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_used_is_left_out_with_its_line_and_the_rest_is_served(
    tmp_path: Path, entry: str, line: int, said: str, cure: str
) -> None:
    config = read(tmp_path, f"{BEFORE}  {entry}\n")
    (left,) = config.left_out
    assert f"left out: {tmp_path}/litellm_config.yaml:{line}: {said}" in str(left)
    assert cure in left.cure
    assert left.cure
    assert config.served == ["vui", "good"]


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("x-common: &c {a: 1}", ""),
        ("callbacks: [x]", ":3: callbacks has no effect here."),
        ("tag_routing: {a: 1}", ":3: tag_routing has no effect here."),
        ("router_setings: {timeout: 3}", ":3: unknown key 'router_setings'. Did you mean 'router"),
        ("7: 1", ":3: 7 has no effect here."),
        ("router_settings: [1]", ":3: router_settings is ignored, it is no mapping. Indent"),
        ("litellm_settings: yes", ":3: litellm_settings is ignored, it is no mapping."),
        ("credential_list: {a: b}", ":3: credential_list is ignored, it is no list. Write a `-`"),
        ("credential_list: [3]", ""),
        ("router_settings:", ""),
        ("litellm_settings: {max_budget: , callbacks: , success_callback: }", ""),
        ("router_settings: {timeout: , fallbacks: , model_group_alias: }", ""),
        ("router_settings: {cooldown_time: x}", ":3: router_settings.cooldown_time is 'x'. Write"),
        ("router_settings: {timeout: -1}", ":3: router_settings.timeout is -1. Write a number"),
        ("router_settings: {timeout: [1]}", ":3: router_settings.timeout is [1]. Write a number"),
        ("router_settings: {model_group_alias: text}", ":3: router_settings.model_group_alias is"),
        ("router_settings: {model_group_alias: {a: [b]}}", ":3: router_settings.model_group_alias"),
        ("router_settings: {fallbacks: 7}", ":3: router_settings.fallbacks is ignored in part."),
        ("router_settings: {context_window_fallbacks: [x]}", "ignored in part. Write it as"),
    ],
)  # fmt: skip
def test_what_has_no_effect_or_no_use_at_the_top_costs_no_model(
    tmp_path: Path, top: str, said: str
) -> None:
    config = read(tmp_path, f"{BEFORE}{top}\n")
    assert config.served == ["vui", "good"]
    assert [said in line for line in config.warnings] == ([True] if said else [])


@pytest.mark.parametrize("section", ["litellm_settings", "router_settings"])
@pytest.mark.parametrize(
    ("written_as", "name", "means"),
    [
        ("fallbacks: [second]", "default_fallbacks", ["second"]),
        ("fallbacks: second", "default_fallbacks", ["second"]),
        ("default_fallbacks: second", "default_fallbacks", ["second"]),
        ("fallbacks: [{good: second}]", "fallbacks", [{"good": ["second"]}]),
        ("fallbacks: {good: [second]}", "fallbacks", [{"good": ["second"]}]),
        ("context_window_fallbacks: [{good: second}]", "context_window_fallbacks",
         [{"good": ["second"]}]),
        ("content_policy_fallbacks: [{good: [second]}]", "content_policy_fallbacks",
         [{"good": ["second"]}]),
    ],
)  # fmt: skip
def test_fallbacks_in_every_form_that_people_write_are_taken(
    tmp_path: Path, section: str, written_as: str, name: str, means: list
) -> None:
    config = read(tmp_path, f"{BEFORE}{SECOND}{section}: {{{written_as}}}\n")
    assert getattr(config, section)[name] == means
    assert config.warnings == []


@pytest.mark.parametrize(
    ("params", "name", "value"),
    [
        ('rpm: "60"', "rpm", 60),
        ('order: "1"', "order", 1),
        ("tpm: os.environ/X", "tpm", 7),
        ("stream_timeout: os.environ/X", "stream_timeout", 7),
        ("stream_timeout: 2.5", "stream_timeout", 2.5),
        ("input_cost_per_token: 4e-7", "input_cost_per_token", 4e-7),
        ("api_version: 2024-10-21", "api_version", "2024-10-21"),
        ("api_key: 09876543210987", "api_key", "09876543210987"),
        ("extra_body: {1: x, b: y}", "extra_body", {"1": "x", "b": "y"}),
        ("model: os.environ/MODEL_NAME", "model", "openai/gpt-4.1"),
        ("rpm: os.environ/NOWHERE", "rpm", None),
        ("order: first", "order", None),
        ("input_cost_per_token: cheap", "input_cost_per_token", None),
        ("input_cost_per_token: -1", "input_cost_per_token", None),
        ("rpm: ", "rpm", None),
    ],
)  # fmt: skip
def test_a_deployments_settings_are_taken_as_litellm_takes_them(
    tmp_path: Path, params: str, name: str, value: object
) -> None:
    own = "" if name == "model" else "model: openai/x, "
    key = "" if name == "api_key" else "api_key: k, "
    text = f"{model('a', f'{{{own}{key}{params}}}')}{GOOD}"
    config = read(tmp_path, text, X="7", MODEL_NAME="openai/gpt-4.1")
    assert config.served == ["vui", "a", "good"]
    assert config.model_list[0]["litellm_params"].get(name) == value
    assert len(config.warnings) == (value is None and not params.endswith(": "))


def test_a_model_group_may_be_named_by_a_variable(tmp_path: Path) -> None:
    text = f"{model('os.environ/NAME', '{model: openai/x, api_key: k}')}{GOOD}" + (
        "router_settings: {fallbacks: [{mine: [good]}], model_group_alias: {smart: mine}}\n"
    )
    config = read(tmp_path, text, NAME=" mine ")
    assert config.served == ["vui", "smart", "mine", "good"]
    assert config.default.note == "vui is mine: the first model of litellm_config.yaml."
    assert (config.left_out, config.warnings) == ([], [])
    (left,) = read(tmp_path, text).left_out
    assert str(left).endswith("is left out: NAME is not set. Put it in .env.")
    assert left.is_unset


def test_a_space_behind_a_variables_name_is_none(tmp_path: Path) -> None:
    text = model("a", "{model: openai/x, api_key: 'os.environ/X '}")
    config = read(tmp_path, text, X="k")
    assert "a" in config.served
    assert resolved(config.model_list, {"X": "k"})[0]["litellm_params"]["api_key"] == "k"
    (left,) = read(tmp_path, text).left_out
    assert (left.variable, left.is_unset) == ("X", True)


def test_a_model_whose_name_is_an_unset_variable_lacks_that_variable(tmp_path: Path) -> None:
    config = read(tmp_path, f"{BEFORE}{model('a', '{model: os.environ/MODEL_NAME}')[12:]}")
    (left,) = config.left_out
    assert (left.variable, left.wrong) == ("MODEL_NAME", "is not set")
    assert config.served == ["vui", "good"]


def test_a_key_of_digits_is_said_nowhere(tmp_path: Path) -> None:
    key = "9876543210"
    text = model("a", f"{{model: openai/x, api_key: {key}, tags: 5, api_base: {{a: {key}}}}}")
    config = read(tmp_path, f"{text}{GOOD}")
    said = [*map(str, config.left_out), *config.warnings, config.default.note]
    assert len(config.left_out) == 1
    assert key not in "".join(said)


@pytest.mark.parametrize("value", [["chat"], {"a": 1}, 7])
def test_a_mode_that_is_no_text_is_ignored_and_named(tmp_path: Path, value: object) -> None:
    text = f"{model('a', '{model: openai/x, api_key: k}')}    model_info: {{mode: {value}}}\n"
    config = read(tmp_path, text)
    assert config.served == ["vui", "a"]
    assert [":4: model_info.mode is" in line for line in config.warnings] == [True]


@pytest.mark.parametrize("value", ["order: first", "stream_timeout: soon", "timeout: 3"])
def test_a_credential_is_checked_as_a_deployment_is(tmp_path: Path, value: str) -> None:
    text = (
        f"{BEFORE}  - model_name: c\n"
        "    litellm_params: {model: openai/c, litellm_credential_name: d}\n"
        "credential_list:\n"
        f"  - {{credential_name: d, credential_values: {{api_key: k, {value}}}}}\n"
        "  - {credential_name: [e], credential_values: {api_key: k}}\n"
    )
    config = read(tmp_path, text)
    params = [one["litellm_params"] for one in config.model_list if one["model_name"] == "c"]
    assert "c" in config.served
    assert value.partition(":")[0] not in params[0]
    assert any(value.partition(":")[0] in line for line in config.warnings)


def test_a_fallback_is_not_blamed_for_its_deployments_provider(tmp_path: Path) -> None:
    text = (
        f"{BEFORE}  - model_name: c\n"
        "    litellm_params: {model: llama2, fallbacks: [openai/gpt-4o-mini]}\n"
    )
    assert not [line for line in read(tmp_path, text).warnings if "gpt-4o-mini" in line]


@pytest.mark.parametrize(
    "value", ["weight: heavy", "max_parallel_requests: x", "extra_headers: 'A: b'", "headers: [a]"]
)
def test_a_value_that_would_fail_each_call_is_left_out_of_its_deployment(
    tmp_path: Path, value: str
) -> None:
    config = read(tmp_path, model("a", f"{{model: openai/a, api_key: k, {value}}}"))
    name = value.partition(":")[0]
    assert name not in config.model_list[-1]["litellm_params"]
    assert [f"litellm_params.{name} is" in line for line in config.warnings] == [True]


def test_a_weight_in_quotes_is_a_number(tmp_path: Path) -> None:
    text = model("a", "{model: openai/a, api_key: k, weight: '2'}")
    assert read(tmp_path, text).model_list[-1]["litellm_params"]["weight"] == 2


def test_a_word_for_local_that_is_neither_true_nor_false_is_named(tmp_path: Path) -> None:
    path = tmp_path / "litellm_config.yaml"
    path.write_text(
        "model_list:\n- model_name: a\n  litellm_params: {model: openai/a, api_key: k}\n"
        "  model_info: {local: sometimes}\n"
    )
    (said,) = read_config(path, {}).warnings
    assert ":4: model_info.local is 'sometimes'. Write `local: true` for your own." in said


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("base_model: 5", "base_model is read as a number. Put it in quotes, as text."),
        ("tier: gold", "tier can't be used (Input should be 'free' or 'paid'). Correct it."),
        ("team_id: os.environ/TEAM", ""),
    ],
)
def test_what_litellm_refuses_of_a_model_info_is_named_and_the_model_is_served(
    tmp_path: Path, info: str, said: str
) -> None:
    text = f"{model('a', '{model: openai/a, api_key: k}')}    model_info: {{{info}}}\n"
    path = written(tmp_path, text)
    config = read_config(path, {"TEAM": "7"})
    assert config.warnings == ([f"{path}:4: model_info.{said}"] if said else [])
    assert (config.served, config.left_out) == (["vui", "a"], [])


def test_a_model_info_that_is_no_mapping_is_ignored_and_named(tmp_path: Path) -> None:
    text = f"{model('a', '{model: openai/a, api_key: k}')}    model_info: chat\n"
    config = read(tmp_path, text)
    assert config.served == ["vui", "a"]
    (said,) = config.warnings
    assert ":4: model_info is ignored, it is no mapping. Indent its settings below it" in said


@pytest.mark.parametrize(
    ("setting", "below"),
    [
        ("api_key: k", "litellm_params"),
        ("rpm: 5", "litellm_params"),
        ("fallbacks: [b]", "litellm_params"),
        ("mode: chat", "model_info"),
    ],
)
def test_a_setting_beside_those_of_its_section_is_named_with_its_place(
    tmp_path: Path, setting: str, below: str
) -> None:
    name = setting.partition(":")[0]
    path = written(tmp_path, f"{model('a', '{model: openai/a, api_key: k}')}    {setting}\n")
    config = read_config(path, {})
    assert config.warnings == [f"{path}:4: {name} has no effect there. Write it below {below}."]
    assert config.model_list[0].keys() == {"model_name", "litellm_params", "model_info"}
