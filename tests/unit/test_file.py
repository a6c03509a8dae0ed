"""The user's file: what is wrong with it, and in which line."""

from pathlib import Path

import litellm
import pytest
import yaml
from vui_gateway.config.file import ConfigError, demo_config, read_config

from tests.support.configs import SHIPPED, model, written
from tests.support.harness import ROOT


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "it is no mapping of settings"),
        ("model_list:\n  - model_name: 'x\n", 3, "quote"),
        ("a: &a [*a, *b]\n", 1, "undefined alias"),
        ("general_settings: {}\n", 1, "model_list is missing"),
        ("model_list: []\n", 1, "model_list is empty"),
        ("model_list: {model_name: x}\n", 1, "model_list is no list. Write a `-` before each"),
        ("x: 1\nmodel_lst: []\n", 1, "unknown key 'x'"),
        ("'': 1\n", 1, "unknown key ''"),
        ("proxy_config:\n  model_list: []\n", 1, "Write its settings at the top of the file"),
        ("x-a: &a {}\n.b: &b {}\nlitellm_settings: {c: *b}\n", 1, "model_list is missing"),
        (f"{model('x', '{model: openai/x}')}---\nb: 1\n", 4, "It is a second document: remove"),
        (model("x", "{model: !ENV X}"), 3, "A word with `!` is a tag, which has no meaning here"),
        ("7: 1\n", 1, "7"),
        ("model_list:\n  - 3\n", 2, "no mapping"),
        (model("''", "{model: openai/x, api_key: k}"), 2, "model_name is empty"),
        (model("x", "{}"), 3, "litellm_params.model is missing"),
        (model("x", "{model: bogus/x}"), 3, "no provider"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_the_demo_says_what_is_wrong_with_a_file_in_speakable_words(tmp_path: Path) -> None:
    path = written(
        tmp_path, model("x", "{model: openai/x, api_key: k}").replace("model_list", "model_lst")
    )
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    config = demo_config(caught.value, "litellm_config.yaml")
    said = config.model_list[0]["litellm_params"]["mock_response"]
    assert said == (
        "Hi, I'm the demo. Line 1 of the model file can't be used: unknown key model lst. "
        "Did you mean model list? Once the file is saved, the next turn takes it."
    )
    assert config.default.note == "vui is the demo: litellm_config.yaml can't be used."


def test_a_file_that_only_includes_others_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r":1: include has no effect here. Copy what it"):
        read_config(written(tmp_path, "include: [models.yaml]\n"), {})


def test_the_shipped_config_names_models_that_litellm_knows() -> None:
    listed = yaml.safe_load(SHIPPED.read_text())["model_list"]
    for listed_one in listed:
        name = listed_one["litellm_params"]["model"]
        if name.startswith(("openrouter/", "ollama_chat/", "openai/demo")):
            continue  # their own catalogues; not in the table of this release
        assert name in litellm.model_cost or name.split("/", 1)[1] in litellm.model_cost, name


def test_the_shipped_config_names_every_provider_of_the_env_example() -> None:
    keys = {
        line.split("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "_API_" in line
    }
    text = SHIPPED.read_text()
    assert keys
    assert all(f"os.environ/{key.lstrip('# ')}" in text for key in keys)


def test_more_deployments_than_a_gateway_can_build_at_once_are_refused(tmp_path: Path) -> None:
    many = ", ".join(f"openai/m{number}" for number in range(600))
    path = written(tmp_path, model("a", f"{{model: openai/x, api_key: k, fallbacks: [{many}]}}"))
    with pytest.raises(ConfigError, match="601 deployments, 500 at the most"):
        read_config(path, {})


@pytest.mark.parametrize("key", ["x-base", ".base", "defaults", "'7'"])
@pytest.mark.parametrize("use", ["*b", "{<<: *b}"])
def test_an_anchor_at_the_top_that_is_in_use_needs_no_sentence(
    tmp_path: Path, key: str, use: str
) -> None:
    text = f"{key}: &b {{model: openai/x, api_key: k}}\n{model('x', use)}"
    config = read_config(written(tmp_path, text), {})
    assert (config.warnings, config.served) == ([], ["vui", "x"])


@pytest.mark.parametrize(
    "text", ["defaults: {model: a}\n", "defaults: &b {model: a}\n", "guardrails: &b {}\nx-a: *b\n"]
)
def test_a_key_at_the_top_that_nothing_uses_is_named(tmp_path: Path, text: str) -> None:
    config = read_config(written(tmp_path, model("x", "{model: openai/x, api_key: k}") + text), {})
    (warning,) = config.warnings
    assert f"{text.partition(':')[0]} has no effect here." in warning
