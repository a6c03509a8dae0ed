"""Settings without an effect: taken out, and named."""

import re
from pathlib import Path

import litellm
import pytest
from litellm.proxy import proxy_server
from vui_gateway.config import unsupported
from vui_gateway.config.file import ConfigError, read_config
from vui_gateway.config.left_out import summary
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.litellm_proxy.catalogue import UnknownProvider

from tests.support.configs import FALLBACKS, TWO, model, written


def test_the_users_own_general_settings_open_no_door(tmp_path: Path) -> None:
    text = model("x", "{model: openai/x, api_key: k}") + (
        "general_settings:\n  master_key: sk-1234\n  custom_auth: evil.auth\n"
        "  pass_through_endpoints: [{path: /x, target: http://evil}]\n"
    )
    config = read_config(written(tmp_path, text), {})
    assert "evil" not in str(config)
    names = "general_settings.custom_auth, general_settings.pass_through_endpoints"
    assert f"No effect here: {names}." in config.warnings
    assert not any("sk-1234" in warning for warning in config.warnings)


@pytest.mark.parametrize("name", ["include", "environment_variables", "callback_settings"])
def test_a_section_that_people_need_is_named_with_a_cure(tmp_path: Path, name: str) -> None:
    text = f"{name}: [x]\n{model('x', '{model: openai/x, api_key: k}')}"
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert f":1: {name} has no effect here. " in warning
    assert len(warning.split("here. ")[1]) > 10


def test_all_that_has_no_effect_is_named_in_one_line(tmp_path: Path) -> None:
    text = f"guardrails: [x]\nmcp_servers: [x]\n{model('x', '{model: openai/x, api_key: k}')}"
    text += "litellm_settings: {mcp_aliases: {}}\ngeneral_settings: {alerting: [slack]}\n"
    path = written(tmp_path, text)
    (warning,) = read_config(path, {}).warnings
    names = "litellm_settings.mcp_aliases, general_settings.alerting, guardrails, mcp_servers"
    assert warning == f"No effect here: {names}."


def test_settings_with_a_cure_are_names_in_the_log_and_sentences_in_the_status(
    tmp_path: Path,
) -> None:
    text = TWO.replace("api_key", "timeout: 5, num_retries: 2, api_key")
    text += "litellm_settings: {request_timeout: 9}\n"
    path = written(tmp_path, text)
    env = {"DATABASE_URL": "postgresql://x", "REDIS_HOST": "redis", "REDIS_PORT": "6379"}
    config = read_config(path, env)
    assert config.warnings == [
        "No effect here: DATABASE_URL, REDIS_HOST, REDIS_PORT in .env; "
        "litellm_settings.request_timeout, litellm_params.timeout, litellm_params.num_retries. "
        "`vui-gateway status` says what to write instead."
    ]
    cures = ["Write router_settings.timeout, and stream_timeout for the first words."]
    cures.append("The next deployment answers instead of a second try.")
    assert config.details[2:] == [
        f"{path}:6: litellm_settings.request_timeout has no effect here. {cures[0]}",
        f"{path}:3: litellm_params.timeout has no effect here. {cures[0]}",
        f"{path}:3: litellm_params.num_retries has no effect here. {cures[1]}",
    ]


def test_a_redis_of_env_is_for_a_cache(tmp_path: Path) -> None:
    text = f"{TWO}litellm_settings: {{cache: true}}\n"
    assert read_config(written(tmp_path, text), {"REDIS_HOST": "redis"}).warnings == []


@pytest.mark.parametrize("section", ["general_settings", "litellm_settings", "router_settings"])
def test_an_empty_setting_is_none(tmp_path: Path, section: str) -> None:
    names = (
        "master_key", "max_budget", "callbacks", "success_callback", "cache", "drop_params",
        "default_fallbacks", "timeout", "alerting", "json_logs",
    )  # fmt: skip
    text = f"{TWO}{section}: {{{', '.join(f'{name}: ' for name in names)}}}\n"
    config = read_config(written(tmp_path, text), {})
    assert config.warnings == config.details == []


def test_an_empty_section_is_none(tmp_path: Path) -> None:
    sections = ("general_settings", "litellm_settings", "router_settings", "guardrails", "include")
    text = TWO + "".join(f"{section}:\n" for section in sections)
    assert read_config(written(tmp_path, text), {}).warnings == []


@pytest.mark.parametrize("value", ["5", "x", "[a]", "true"])
def test_general_settings_that_are_none_are_named_and_the_models_served(
    tmp_path: Path, value: str
) -> None:
    path = written(tmp_path, f"{TWO}general_settings: {value}\n")
    config = read_config(path, {"LITELLM_MASTER_KEY": "sk-0123456789abcdef"})
    assert [
        ":6: general_settings is ignored, it is no mapping." in one for one in config.warnings
    ] == [True]
    assert config.master_key == "sk-0123456789abcdef"


@pytest.mark.parametrize("setting", ["callbacks", "success_callback", "failure_callback"])
@pytest.mark.parametrize("value", ["langfuse", "[langfuse, prometheus]"])
def test_langfuse_is_named_once_with_the_callback_that_works_and_its_variables(
    tmp_path: Path, setting: str, value: str
) -> None:
    other = "success_callback" if setting == "failure_callback" else "failure_callback"
    text = f"{TWO}litellm_settings:\n  {setting}: {value}\n  {other}: [langfuse]\n"
    path = written(tmp_path, text)
    config = read_config(path, {})
    (warning,) = config.warnings
    setting, line = min((setting, 7), (other, 8), key=lambda one: ORDER.index(one[0]))
    assert warning == (
        f"{path}:{line}: litellm_settings.{setting} langfuse needs a package that isn't here. "
        "Write langfuse_otel, and LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY into .env "
        "(LANGFUSE_HOST for a server of your own)."
    )
    assert "langfuse" not in str(config.litellm_settings)


ORDER = ["callbacks", "success_callback", "failure_callback"]


@pytest.mark.parametrize(
    ("section", "name", "said"),
    [
        (
            "litellm_settings",
            "drop_param",
            "is no setting of LiteLLM's. Did you mean 'drop_params'?",
        ),
        ("router_settings", "timout", "is no setting of LiteLLM's. Did you mean 'timeout'?"),
        ("router_settings", "cache_responses", "has no effect here. Write litellm_settings.cache."),
        (
            "litellm_settings",
            "custom_provider_map",
            "has no effect here. Let it answer in a process of its own, in OpenAI's format, and "
            "write openai/ and its api_base.",
        ),
        ("litellm_settings", "__name__", "has no effect here."),
        ("litellm_settings", "vector_store_registry", "has no effect here."),
        ("litellm_settings", "of_a_newer_one", "has no effect here."),
        (
            "general_settings",
            "detailed_debug",
            "has no effect here. Write VUI_LITELLM_LOG=debug into .env.",
        ),
    ],
)
def test_what_is_said_of_a_name_is_so(tmp_path: Path, section: str, name: str, said: str) -> None:
    path = written(tmp_path, f"{TWO}{section}: {{{name}: true}}\n")
    assert read_config(path, {}).warnings == [f"{path}:6: {section}.{name} {said}"]


def test_no_setting_that_litellms_source_reads_is_called_unknown() -> None:
    source = Path(proxy_server.__file__).read_text()
    names = set(re.findall(r'litellm_settings(?:\.get\(|\[)\s*"(\w+)"', source))
    names |= set(re.findall(r'elif key == "(\w+)"', source))
    assert len(names) > 20
    assert not names - catalogue.module_setting_names() - unsupported.LITELLM


@pytest.mark.parametrize("word", ["my-custom-llm", "os.environ", "zhipu", "llama2", "gpt-oss:20b"])
def test_no_provider_is_guessed_from_a_word_that_is_none(word: str) -> None:
    assert unsupported.suggestion(word, UnknownProvider.known, "None.") == "None."


def test_a_redis_of_the_files_is_named_with_the_variable_that_shares_one(tmp_path: Path) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + "router_settings: {redis_url: redis://redis}\n"
    )
    (warning,) = read_config(written(tmp_path, text), {}).warnings
    assert warning.endswith("Gateways share the Redis of VUI_GATEWAY_REDIS_URL.")


def test_litellms_own_log_is_nothing_that_env_can_ask_for(tmp_path: Path) -> None:
    env = {"LITELLM_LOG": "bogus", "JSON_LOGS": "true"}
    config = read_config(written(tmp_path, TWO), env)
    (warning,) = config.warnings
    assert warning.startswith("No effect here: LITELLM_LOG, JSON_LOGS in .env. ")
    assert "VUI_LITELLM_LOG=debug" in config.details[0]


def test_a_silent_model_is_never_asked(tmp_path: Path) -> None:
    text = FALLBACKS.replace("fallbacks: FALLBACKS", "silent_model: b")
    config = read_config(written(tmp_path, text), {})
    assert not any("silent_model" in entry["litellm_params"] for entry in config.model_list)
    assert any("silent_model has no effect here" in line for line in config.warnings)


def test_nothing_of_the_defaults_of_all_models_asks_a_second_time(tmp_path: Path) -> None:
    text = (
        f"{TWO}router_settings:\n  default_litellm_params:\n    temperature: 0\n"
        "    fallbacks: [second]\n    num_retries: 3\n    silent_model: second\n"
    )
    config = read_config(written(tmp_path, text), {"A_API_KEY": "a"})
    assert config.router_settings["default_litellm_params"] == {"temperature": 0}
    where = "router_settings.default_litellm_params"
    names = ", ".join(f"{where}.{name}" for name in ("fallbacks", "num_retries", "silent_model"))
    assert f"No effect here: {names}.{unsupported.IN_STATUS}" in config.warnings


@pytest.mark.parametrize(
    "name",
    ["max_fallbacks", "set_verbose", "debug_level", "redis_db", "search_tools", "guardrail_list",
     "assistants_config", "polling_interval", "enable_weighted_failover",
     "enable_health_check_routing", "health_check_staleness_threshold"],
)  # fmt: skip
def test_a_setting_of_the_router_that_does_nothing_here_is_named(tmp_path: Path, name: str) -> None:
    config = read_config(written(tmp_path, f"{TWO}router_settings: {{{name}: 1}}\n"), {})
    (warning,) = config.warnings
    assert f":6: router_settings.{name} has no effect here." in warning
    assert name not in config.router_settings


@pytest.mark.parametrize(
    "setting",
    [
        "model_alias_map: 5",
        "input_callback: 5",
        "modify_params: {a: b}",
        "ssl_verify: []",
        "headers: x",
    ],
)
def test_a_setting_of_a_wrong_type_is_left_out_and_named(tmp_path: Path, setting: str) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + f"litellm_settings:\n  drop_params: true\n  {setting}\n"
    )
    config = read_config(written(tmp_path, text), {})
    name = setting.partition(":")[0]
    assert name not in config.litellm_settings or config.litellm_settings[name] is True
    (warning,) = config.warnings
    assert warning.startswith(
        f"{tmp_path}/litellm_config.yaml:6: litellm_settings.{name} is ignored: "
    )


def test_a_setting_that_names_a_variable_is_not_judged_by_its_name(tmp_path: Path) -> None:
    text = (
        model("x", "{model: openai/x, api_key: k}")
        + "litellm_settings: {num_retries: os.environ/N}\n"
    )
    text = text.replace("num_retries", "modify_params")
    config = read_config(written(tmp_path, text), {"N": "true"})
    assert not config.warnings


EXAMPLES = sorted(Path(litellm.__file__).parent.glob("**/*config*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_start_with_an_example_of_litellms_leaves_few_lines(
    tmp_path: Path, example: Path
) -> None:
    path = written(tmp_path, example.read_text())
    try:
        config = read_config(path, {"OPENAI_API_KEY": "sk-0123456789abcdef"})
    except ConfigError:
        return  # one line
    lines = [*config.warnings, *([summary(config.left_out)] if config.left_out else ())]
    assert len(lines) <= 4, lines  # and: what is served, the address, the cache, a server away
    assert not any("model_list" in line for line in config.warnings)
