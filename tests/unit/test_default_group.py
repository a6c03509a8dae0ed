"""Who `vui` is."""

from pathlib import Path

import pytest
from vui_gateway.config.default_group import refused_note
from vui_gateway.config.file import read_config

from tests.support.configs import MODELS, SHARED, SHIPPED, TWO, model, written


def test_no_usable_model_leaves_the_demo() -> None:
    config = read_config(SHIPPED, {})
    assert config.served == ["vui", "demo"]
    reply = config.model_list[0]["litellm_params"]["mock_response"]
    assert "demo" in reply
    assert "API KEY" in reply


@pytest.mark.parametrize("provider", MODELS)
def test_a_key_alone_makes_its_providers_model_vui(provider: str) -> None:
    variable = "OLLAMA_API_BASE" if provider == "ollama" else f"{provider.upper()}_API_KEY"
    config = read_config(SHIPPED, {variable: "http://127.0.0.1:9"})
    assert config.default.note.startswith(f"vui is {MODELS[provider]}: the first")


def test_the_default_group_keeps_its_own_deployments_when_it_has_one() -> None:
    config = read_config(SHIPPED, {"GROQ_API_KEY": "k"})
    group = [m["litellm_params"]["model"] for m in config.model_list if m["model_name"] == "vui"]
    assert group == ["groq/openai/gpt-oss-120b"]


KEYS = {"OPENAI_API_KEY": "k", "GROQ_API_KEY": "k"}
DEMO = "{model: openai/demo, mock_response: Hi}"
FIRST = "the first model of litellm_config.yaml"


@pytest.mark.parametrize(
    ("env", "note"),
    [
        ({}, "vui is the demo: no model of litellm_config.yaml has its key in .env."),
        ({"A_API_KEY": "a"}, f"vui is first: {FIRST} whose key is set."),
        ({"B_API_KEY": "b"}, f"vui is second: {FIRST} whose key is set."),
        ({"A_API_KEY": "a", "B_API_KEY": "b"}, f"vui is first: {FIRST}."),
    ],
    ids=["none", "a", "b", "both"],
)
def test_without_a_group_of_its_own_the_first_usable_model_is_vui(
    tmp_path: Path, env: dict[str, str], note: str
) -> None:
    config = read_config(written(tmp_path, TWO), env)
    assert config.default.note == note
    assert "vui" in config.served
    assert ("demo" in config.served) == (not env)


@pytest.mark.parametrize(
    ("name", "params", "info"),
    [
        ("e", "{model: openai/text-embedding-3-small}", ""),
        ("i", "{model: openai/dall-e-3}", "{mode: image_generation}"),
        ("s", "{model: openai/whisper-1}", ""),
        ("r", "{model: cohere/rerank-v3.5}", ""),
        ("openai/*", "{model: openai/*}", ""),
        ("demo", DEMO, ""),
        ("d", "{model: openai/dall-e-3}", ""),
        ("b", "{model: openai/bge-m3}", ""),
        ("b", "{model: ollama/bge-m3}", ""),
        ("n", "{model: ollama/nomic-embed-text}", ""),
        ("b", "{model: huggingface/BAAI/bge-large-en}", ""),
    ],
)
def test_what_answers_no_chat_is_never_vui(
    tmp_path: Path, name: str, params: str, info: str
) -> None:
    text = model(f"'{name}'", params) + (f"    model_info: {info}\n" if info else "")
    config = read_config(written(tmp_path, text), KEYS)
    assert config.default.note.startswith("vui is the demo: ")
    text += "  - model_name: x\n    litellm_params: {model: groq/openai/gpt-oss-120b}\n"
    config = read_config(written(tmp_path, text), KEYS)
    assert config.default.note.startswith("vui is x: the first model of litellm_config.yaml")


def test_the_files_other_models_are_asked_when_its_first_does_not_answer(tmp_path: Path) -> None:
    env = {"A_API_KEY": "a", "B_API_KEY": "b"}
    config = read_config(written(tmp_path, TWO), env)
    assert config.default.next == ["second"]
    chosen = f"{TWO}router_settings: {{fallbacks: [{{vui: [second]}}]}}\n"
    assert read_config(written(tmp_path, chosen), env).default.next == []
    by_hand = f"{TWO}router_settings: {{model_group_alias: {{vui: first}}}}\n"
    assert read_config(written(tmp_path, by_hand), env).default.next == []
    assert read_config(SHIPPED, {"OPENAI_API_KEY": "a", "XAI_API_KEY": "b"}).default.next == []


def test_a_fallback_of_vuis_may_be_one_that_a_wildcard_stands_for(tmp_path: Path) -> None:
    text = model("'openai/*'", "{model: openai/*}") + model("x", "{model: groq/x}")[12:]
    text += "router_settings: {fallbacks: [{vui: [gone, openai/gpt-4.1-mini]}]}\n"
    config = read_config(written(tmp_path, text), KEYS)
    told = "vui is openai/gpt-4.1-mini: the first of its fallbacks in litellm_config.yaml."
    assert (config.default.note, config.default.alias) == (told, "openai/gpt-4.1-mini")


def test_models_with_another_key_are_asked_when_vuis_is_refused(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "a", "MISTRAL_API_KEY": "b", "XAI_API_KEY": "c"}
    config = read_config(SHIPPED, env)
    assert config.default.others == [
        "mistral/mistral-small-latest", "xai/grok-4.20-non-reasoning",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "note", "said"),
    [
        (
            model("x", "{model: openai/x, api_key: '${X_API_KEY}'}"),
            "vui is the demo: no model of litellm_config.yaml can be asked. x is left out: "
            "${X_API_KEY} is no api_key.",
            "No model of the model file can be asked. x is left out: $X API KEY is no api key.",
        ),
        (
            SHARED.replace("name: mine\n", "name: mime\n"),
            "vui is the demo: no model of litellm_config.yaml can be asked. m is left out: "
            "mine is not in credential_list.",
            "m is left out: mine is not in credential list. Did you mean mime?",
        ),
    ],
)
def test_the_demo_says_what_is_wrong_with_the_only_model(
    tmp_path: Path, text: str, note: str, said: str
) -> None:
    config = read_config(written(tmp_path, text), {"X_API_KEY": "k"})
    assert config.default.note == note
    assert said in config.default.demo


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "vui is a/x, b/y, whose provider refused X_KEY: put a valid one there."),
        (["c/z"], "vui is c/z, in place of a/x, b/y, whose provider refused X_KEY: put a valid one "
         "there."),
    ],
)  # fmt: skip
def test_whose_key_was_refused_is_named_with_who_answers_instead(
    others: list[str], said: str
) -> None:
    assert refused_note(["a/x", "a/x", "b/y"], ["X_KEY", "X_KEY"], others) == said
