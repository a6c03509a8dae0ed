"""The user's file: what is wrong with it, what is left out, and what LiteLLM gets."""

from pathlib import Path

import litellm
import pytest
import yaml
from vui_gateway.config.file import ConfigError, demo_config, read_config

from tests.support.harness import ROOT

SHIPPED = ROOT / "litellm_config.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "litellm_config.yaml"
    path.write_text(text)
    return path


def model(name: str, params: str) -> str:
    return f"model_list:\n  - model_name: {name}\n    litellm_params: {params}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "empty, or no mapping"),
        ("model_list:\n  - model_name: 'x\n", 3, "quote"),
        ("a: &a [*a, *b]\n", 1, "undefined alias"),
        ("general_settings: {}\n", 1, "model_list is missing"),
        ("model_list: []\n", 1, "model_list is missing or empty"),
        ("x: 1\nmodel_lst: []\n", 1, "unknown key 'x'"),
        ("'': 1\n", 1, "unknown key ''"),
        ("7: 1\n", 1, "7"),
        ("model_list:\n  - 3\n", 2, "no mapping"),
        (model("''", "{model: openai/x}"), 2, "model_name is missing"),
        (model("x", "{}"), 3, "no litellm_params.model"),
        (model("x", "{model: bogus/x}"), 3, "no provider"),
        (model("x", "{model: openai/x}") + "router_settings: [1]\n", 4, "no mapping"),
        (model("x", "{model: openai/x}") + "router_settings:\n  cooldown_time: x\n", 5, "cooldown"),
        (model("x", "{model: openai/x, order: first}"), 3, "order is 'first'"),
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


def test_a_file_that_is_gone_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_config(tmp_path / "litellm_config.yaml", {})
    (tmp_path / "litellm_config.yaml").write_bytes(b"model_list: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "litellm_config.yaml", {})


@pytest.mark.parametrize("value", [None, ""])
def test_a_model_whose_variable_is_unset_or_empty_is_left_out(
    tmp_path: Path, value: str | None
) -> None:
    text = model("x", "{model: openai/x, api_key: os.environ/X_KEY}")
    env = {} if value is None else {"X_KEY": value}
    config = read_config(written(tmp_path, text), env)
    assert [str(entry) for entry in config.left_out] == [
        "x (openai/x) is left out: X_KEY is not set. Put it in .env."
    ]
    assert config.served == ["vui", "demo"]


def test_no_usable_model_leaves_the_demo() -> None:
    config = read_config(SHIPPED, {})
    assert config.served == ["vui", "demo"]
    reply = config.model_list[0]["litellm_params"]["mock_response"]
    assert "demo" in reply
    assert "API KEY" in reply


def test_the_default_group_keeps_its_own_deployments_when_it_has_one() -> None:
    config = read_config(SHIPPED, {"GROQ_API_KEY": "k"})
    group = [m["litellm_params"]["model"] for m in config.model_list if m["model_name"] == "vui"]
    assert group == ["groq/openai/gpt-oss-120b"]


def test_the_users_own_general_settings_open_no_door(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}") + (
        "general_settings:\n  master_key: sk-1234\n  custom_auth: evil.auth\n"
        "  pass_through_endpoints: [{path: /x, target: http://evil}]\n"
    )
    config = read_config(written(tmp_path, text), {})
    general = config.general_settings
    assert general["master_key"] == "os.environ/VUI_LITELLM_KEY"
    assert "custom_auth" not in general
    assert "pass_through_endpoints" not in general
    assert len(config.warnings) == 2
    assert all("no effect here" in warning for warning in config.warnings)
    assert not any("sk-1234" in warning for warning in config.warnings)


DEMO = "{model: openai/demo, mock_response: Hi}"
TWO = """model_list:
  - model_name: first
    litellm_params: {model: openai/gpt-4.1-mini, api_key: os.environ/A_API_KEY}
  - model_name: second
    litellm_params: {model: mistral/mistral-small-latest, api_key: os.environ/B_API_KEY}
"""


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
    ],
)
def test_what_answers_no_chat_is_never_vui(
    tmp_path: Path, name: str, params: str, info: str
) -> None:
    text = model(f"'{name}'", params) + (f"    model_info: {info}\n" if info else "")
    config = read_config(written(tmp_path, text), {})
    assert config.default.note.startswith("vui is the demo: ")
    text += "  - model_name: x\n    litellm_params: {model: groq/openai/gpt-oss-120b}\n"
    config = read_config(written(tmp_path, text), {})
    assert config.default.note == "vui is x: the first model of litellm_config.yaml."


def test_a_fallback_of_vuis_may_be_one_that_a_wildcard_stands_for(tmp_path: Path) -> None:
    text = model("'openai/*'", "{model: openai/*}") + model("x", "{model: groq/x}")[12:]
    text += "router_settings: {fallbacks: [{vui: [gone, openai/gpt-4.1-mini]}]}\n"
    config = read_config(written(tmp_path, text), {})
    told = "vui is openai/gpt-4.1-mini: the first of its fallbacks in litellm_config.yaml."
    assert (config.default.note, config.default.alias) == (told, "openai/gpt-4.1-mini")


def test_models_with_another_key_are_asked_when_vuis_is_refused(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "a", "MISTRAL_API_KEY": "b", "XAI_API_KEY": "c"}
    config = read_config(SHIPPED, env)
    assert config.default.others == [
        "mistral/mistral-small-latest", "xai/grok-4.20-non-reasoning",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "key", ["${X_API_KEY}", "$X_API_KEY", "os.environ.X_API_KEY", "os.environ['X_API_KEY']"]
)
def test_a_variable_in_another_spelling_is_asked_about(tmp_path: Path, key: str) -> None:
    text = model("x", f'{{model: openai/x, api_key: "{key}"}}')
    (left,) = read_config(written(tmp_path, text), {"X_API_KEY": "k"}).left_out
    assert str(left).endswith(f"{key} is no api_key. Did you mean os.environ/X_API_KEY?")


@pytest.mark.parametrize(
    ("named", "set_", "meant"),
    [
        ("OPENAI_APIKEY", "", "OPENAI_API_KEY"),
        ("GROK_API_KEY", "", "GROQ_API_KEY"),
        ("OPENAI_API_KEY", "OPENAI_APIKEY", "OPENAI_APIKEY"),
        ("XAI_API_KEY", "MISTRAL_API_KEY", ""),
    ],
)
def test_a_variable_one_letter_off_is_asked_about(
    tmp_path: Path, named: str, set_: str, meant: str
) -> None:
    text = model("x", f"{{model: openai/x, api_key: os.environ/{named}}}")
    (left,) = read_config(written(tmp_path, text), {set_: "k"} if set_ else {}).left_out
    cure = f"Did you mean {meant}?" if meant else "Put it in .env."
    assert str(left) == f"x (openai/x) is left out: {named} is not set. {cure}"


def test_models_that_are_left_out_are_summed_up_by_variable() -> None:
    said = read_config(SHIPPED, {"OPENAI_API_KEY": "k"}).lacks
    (claude,) = [line for line in said if "ANTHROPIC_API_KEY" in line]
    begin = "Left out: ANTHROPIC_API_KEY is not set (vui, anthropic/claude-haiku-4-5,"
    assert claude.startswith(begin)
    assert claude.endswith("). Put it in .env.")


def test_the_demo_says_what_is_wrong_with_a_file_in_speakable_words(tmp_path: Path) -> None:
    path = written(tmp_path, model("x", "{model: openai/x}") + "model_lst: []\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    config = demo_config(caught.value, "litellm_config.yaml")
    said = config.model_list[0]["litellm_params"]["mock_response"]
    assert said == (
        "Hi, I'm the demo. Line 4 of the model file can't be used: unknown key model lst. "
        "Did you mean model list? Once the file is saved, the next turn takes it."
    )
    assert config.default.note == "vui is the demo: litellm_config.yaml can't be used."


@pytest.mark.parametrize("name", ["include", "environment_variables", "callback_settings"])
def test_a_section_that_people_need_is_named_with_a_cure(tmp_path: Path, name: str) -> None:
    text = f"{name}: [x]\n{model('x', '{model: openai/x}')}"
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert f":1: {name} has no effect here. " in warning
    assert len(warning.split("here. ")[1]) > 10


def test_all_that_has_no_effect_is_named_in_one_line(tmp_path: Path) -> None:
    text = f"guardrails: [x]\nmcp_servers: [x]\n{model('x', '{model: openai/x}')}"
    text += "litellm_settings: {mcp_aliases: {}}\ngeneral_settings: {alerting: [slack]}\n"
    path = written(tmp_path, text)
    (warning,) = read_config(path, {}).warnings
    names = "litellm_settings.mcp_aliases, general_settings.alerting, guardrails, mcp_servers"
    assert warning == f"{path}: no effect here, and can go: {names}."


def test_a_redis_of_the_files_is_named_with_the_variable_that_shares_one(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}") + "router_settings: {redis_url: redis://redis}\n"
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert warning.endswith("Gateways share the Redis of VUI_GATEWAY_REDIS_URL.")


def test_a_file_that_only_includes_others_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r":1: include has no effect here. Copy what it"):
        read_config(written(tmp_path, "include: [models.yaml]\n"), {})


def test_drop_params_is_on_unless_the_file_says_no(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}")
    assert read_config(written(tmp_path, text), {}).litellm_settings["drop_params"] is True
    text += "litellm_settings: {drop_params: false}\n"
    assert read_config(written(tmp_path, text), {}).litellm_settings["drop_params"] is False


def test_openais_key_goes_to_no_other_address(tmp_path: Path) -> None:
    for base, key in (("http://box:8000/v1", "none"), ("https://api.openai.com/v1", None)):
        text = model("x", f"{{model: openai/x, api_base: '{base}'}}")
        config = read_config(written(tmp_path, text), {"OPENAI_API_KEY": "k"})
        assert config.model_list[0]["litellm_params"].get("api_key") == key


def test_the_user_may_change_what_a_voice_needs(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}") + "router_settings: {stream_timeout: 9}\n"
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["stream_timeout"] == 9
    assert config.router_settings["num_retries"] == 0


@pytest.mark.parametrize("name", ["callbacks", "success_callback", "failure_callback"])
def test_the_users_own_listeners_get_nothing_of_what_was_said(tmp_path: Path, name: str) -> None:
    text = model("x", "{model: openai/x}")
    plain = read_config(written(tmp_path, text), {}).litellm_settings
    assert "turn_off_message_logging" not in plain
    listened = f"{text}litellm_settings: {{{name}: [langfuse]}}\n"
    told = read_config(written(tmp_path, listened), {}).litellm_settings
    assert told["turn_off_message_logging"] is True


def test_the_shipped_config_names_models_that_litellm_knows() -> None:
    listed = yaml.safe_load(SHIPPED.read_text())["model_list"]
    for entry in listed:
        name = entry["litellm_params"]["model"]
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


SHARED = """model_list:
  - model_name: m
    litellm_params: {model: azure/m, litellm_credential_name: mine}
credential_list:
  - credential_name: mine
    credential_values: {api_base: "http://a.test", api_key: os.environ/MINE_API_KEY}
"""


def test_a_shared_credential_is_put_into_the_model_that_names_it(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, SHARED), {"MINE_API_KEY": "k"})
    params = config.model_list[0]["litellm_params"]
    assert params["api_base"] == "http://a.test"
    assert params["api_key"] == "os.environ/MINE_API_KEY"
    assert "litellm_credential_name" not in params
    assert list(config.key_variables.values()) == ["MINE_API_KEY"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHARED, "m (azure/m) is left out: MINE_API_KEY is not set. Put it in .env."),
        (
            SHARED.replace("name: mine\n", "name: mime\n"),
            "m (azure/m) is left out: mine is not in credential_list. Did you mean mime?",
        ),
        (
            SHARED.partition("credential_list:")[0],
            "m (azure/m) is left out: mine is not in credential_list. Add it there.",
        ),
    ],
)
def test_a_model_without_its_credential_is_left_out(tmp_path: Path, text: str, told: str) -> None:
    config = read_config(written(tmp_path, text), {})
    assert list(map(str, config.left_out)) == [told]


def test_litellms_own_log_is_nothing_that_env_can_ask_for(tmp_path: Path) -> None:
    env = {"LITELLM_LOG": "bogus", "JSON_LOGS": "true"}
    warnings = read_config(written(tmp_path, TWO), env).warnings
    assert [line.partition(" has no effect here.")[0] for line in warnings] == [
        "LITELLM_LOG in .env", "JSON_LOGS in .env",
    ]  # fmt: skip
    assert "VUI_LITELLM_LOG=debug" in warnings[0]


@pytest.mark.parametrize(
    ("text", "note", "said"),
    [
        (
            model("x", "{model: openai/x, api_key: '${X_API_KEY}'}"),
            "vui is the demo: ${X_API_KEY} is no api_key in litellm_config.yaml.",
            "is no api key in the model file.",
        ),
        (
            SHARED.replace("name: mine\n", "name: mime\n"),
            "vui is the demo: mine is not in credential_list in litellm_config.yaml.",
            "Mine is not in credential list in the model file. Did you mean mime?",
        ),
    ],
)
def test_the_demo_says_what_is_wrong_with_the_only_model(
    tmp_path: Path, text: str, note: str, said: str
) -> None:
    config = read_config(written(tmp_path, text), {"X_API_KEY": "k"})
    assert config.default.note == note
    assert said in config.default.demo


FALLBACKS = """
model_list:
  - model_name: a
    litellm_params: {model: openai/x, api_base: http://h/v1, api_key: k, fallbacks: FALLBACKS}
  - {model_name: b, litellm_params: {model: openai/y, api_key: k}}
"""


@pytest.mark.parametrize(
    ("written_as", "group", "params"),
    [
        ("[b]", "b", None),
        ("b", "b", None),
        ("[{a: [b]}]", "b", None),
        ("[{model: b}]", "b", None),
        ("[openai/z]", "fallback of a: openai/z", {"api_base": "http://h/v1", "api_key": "k"}),
        ("[{model: groq/z, api_key: g}]", "fallback of a: groq/z", {"api_key": "g"}),
        ("[anthropic/z]", "fallback of a: anthropic/z", {"api_key": None, "api_base": None}),
        (
            "[{model: openai/z, num_retries: 3, silent_model: b, fallbacks: [b], order: x}]",
            "fallback of a: openai/z",
            dict.fromkeys(("num_retries", "silent_model", "fallbacks", "order")),
        ),
    ],
)
def test_the_fallbacks_of_a_deployment_become_its_groups(
    tmp_path: Path, written_as: str, group: str, params: dict | None
) -> None:
    path = written(tmp_path, FALLBACKS.replace("FALLBACKS", written_as))
    config = read_config(path, {})
    assert config.router_settings["fallbacks"] == [{"a": [group]}]
    assert not any("fallbacks" in entry["litellm_params"] for entry in config.model_list)
    if params:
        found = next(e for e in config.model_list if e["model_name"] == group)["litellm_params"]
        assert params == {name: found.get(name) for name in params}


def test_a_fallback_that_nobody_knows_is_named_and_the_rest_is_served(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, FALLBACKS.replace("FALLBACKS", "[nonsense, b]")), {})
    assert config.router_settings["fallbacks"] == [{"a": ["b"]}]
    assert any("'nonsense' of a is left out" in line for line in config.warnings)


def test_context_window_fallbacks_of_a_deployment_become_its_groups(tmp_path: Path) -> None:
    text = FALLBACKS.replace("fallbacks: FALLBACKS", "context_window_fallback_dict: {openai/x: b}")
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["context_window_fallbacks"] == [{"a": ["b"]}]


def test_fallbacks_of_all_models_are_those_of_all_groups(tmp_path: Path) -> None:
    text = (
        FALLBACKS.replace(", fallbacks: FALLBACKS", "")
        + "litellm_settings:\n  model_fallbacks: [b]\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["default_fallbacks"] == ["b"]
    both = text + "router_settings: {default_fallbacks: a}\n"
    config = read_config(written(tmp_path, both), {})
    assert config.router_settings["default_fallbacks"] == ["a", "b"]
    assert "model_fallbacks" not in config.litellm_settings


def test_a_silent_model_is_never_asked(tmp_path: Path) -> None:
    text = FALLBACKS.replace("fallbacks: FALLBACKS", "silent_model: b")
    config = read_config(written(tmp_path, text), {})
    assert not any("silent_model" in entry["litellm_params"] for entry in config.model_list)
    assert any("silent_model has no effect here" in line for line in config.warnings)


@pytest.mark.parametrize(
    "params",
    [
        "{model: openai/x, api_key: k, fallbacks: &r {a: *r}}",
        "{model: openai/x, api_key: k, extra: &r [*r]}",
        "{model: openai/x, api_key: k, fallbacks: [{1: x, model: openai/y}]}",
        "{model: openai/x, api_key: k, extra_headers: {1: a, b: c}}",
    ],
)
def test_a_file_that_nobody_can_read_is_refused_in_one_line(tmp_path: Path, params: str) -> None:
    path = written(tmp_path, model("a", params))
    with pytest.raises(ConfigError, match=r"^\S+litellm_config.yaml: can't be used \(.+\)\. "):
        read_config(path, {})


def test_more_deployments_than_a_gateway_can_build_at_once_are_refused(tmp_path: Path) -> None:
    many = ", ".join(f"openai/m{number}" for number in range(600))
    path = written(tmp_path, model("a", f"{{model: openai/x, api_key: k, fallbacks: [{many}]}}"))
    with pytest.raises(ConfigError, match="601 deployments, 500 at the most"):
        read_config(path, {})


def test_groups_that_share_their_settings_have_the_same_fallbacks(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: a, litellm_params: &p {model: openai/x, api_key: k, fallbacks: [c]}}\n"
        "  - {model_name: b, litellm_params: *p}\n"
        "  - {model_name: c, litellm_params: {model: openai/z, api_key: k}}\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert config.router_settings["fallbacks"] == [{"a": ["c"]}, {"b": ["c"]}]


@pytest.mark.parametrize(
    "setting",
    ["model_alias_map: 5", "input_callback: 5", "modify_params: {a: b}", "ssl_verify: []"],
)
def test_a_setting_of_a_wrong_type_is_left_out_and_named(tmp_path: Path, setting: str) -> None:
    text = (
        model("x", "{model: openai/x}") + f"litellm_settings:\n  drop_params: true\n  {setting}\n"
    )
    config = read_config(written(tmp_path, text), {})
    name = setting.partition(":")[0]
    assert name not in config.litellm_settings or config.litellm_settings[name] is True
    (warning,) = config.warnings
    assert warning.startswith(
        f"{tmp_path}/litellm_config.yaml:6: litellm_settings.{name} is ignored: "
    )


def test_a_setting_that_names_a_variable_is_not_judged_by_its_name(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x}") + "litellm_settings: {num_retries: os.environ/N}\n"
    text = text.replace("num_retries", "modify_params")
    config = read_config(written(tmp_path, text), {"N": "true"})
    assert not config.warnings
