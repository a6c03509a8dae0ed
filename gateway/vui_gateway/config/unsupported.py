"""What LiteLLM's configuration may hold and a voice's gateway has no use for, and the way that is.

The names: https://docs.litellm.ai/docs/proxy/config_settings
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vui_gateway.config.env import env_values
from vui_gateway.litellm_proxy import catalogue

__all__ = ["ignored_variables", "suggestion", "take_out"]

NO_OTHER_CALLS = "The gateway answers vui's calls only. Remove it."
NO_DATABASE = "Nothing is kept in a database: `vui-gateway status` shows what was spent."
TOOLS = "vui brings its own tools."
NOBODY_BETWEEN = "Nothing stands between vui and the model."
SEVERAL = "Gateways share the Redis of VUI_GATEWAY_REDIS_URL."
OWN_LOG = "Write VUI_LITELLM_LOG=debug into .env to see LiteLLM's own log."
VARIABLES = {
    "LITELLM_LOG": OWN_LOG,
    "JSON_LOGS": "The log has one format.",
    "DATABASE_URL": NO_DATABASE,
}
NOBODY_ELSE = "The gateway has no users, teams and budgets of LiteLLM's."
NO_FILES = "The gateway sees no Python files of yours."
TOP = {
    "include": "Copy what it includes into this file.",
    "environment_variables": "Put them into .env.",
    "guardrails": NOBODY_BETWEEN,
    "policies": NOBODY_BETWEEN,
    "policy_attachments": NOBODY_BETWEEN,
    "prompts": "vui brings its own prompt.",
    "mcp_servers": TOOLS,
    "mcp_tools": TOOLS,
    "search_tools": TOOLS,
    "sandbox_tools": TOOLS,
    "vector_store_registry": TOOLS,
    "coordination_redis": SEVERAL,
    "worker_registry": SEVERAL,
    "default_vertex_config": "Write vertex_project and vertex_location into each model.",
    "callback_settings": "A callback reads its settings from .env.",
    **dict.fromkeys(
        ("agents", "agent_list", "assistant_settings", "files_settings", "finetune_settings"),
        NO_OTHER_CALLS,
    ),
}
NEXT_ONE = "The next deployment answers instead of a second try."
COOLING = "A deployment that fails is left alone for router_settings.cooldown_time."
LIMITS = "Write router_settings.timeout, and stream_timeout for the first words."
RETRIES = dict.fromkeys(("num_retries", "retry_after", "retry_policy"), NEXT_ONE)
FAILS = dict.fromkeys(("allowed_fails", "allowed_fails_policy"), COOLING)
ROUTER = {
    **RETRIES,
    **FAILS,
    "model_group_retry_policy": NEXT_ONE,
    "disable_cooldowns": "With `cooldown_time: 0` nobody is left alone.",
    **dict.fromkeys(("redis_host", "redis_port", "redis_password", "redis_url"), SEVERAL),
}
LITELLM = {
    **RETRIES,
    **FAILS,
    "request_timeout": LIMITS,
    "guardrails": NOBODY_BETWEEN,
    "mcp_aliases": TOOLS,
    "set_verbose": OWN_LOG,
    "json_logs": "The log has one format.",
    "responses": NO_OTHER_CALLS,
    "post_call_rules": NO_FILES,
    "custom_provider_map": NO_FILES,
    **dict.fromkeys(
        ("global_prompt_directory", "global_bitbucket_config", "global_gitlab_config"),
        "vui brings its own prompt.",
    ),
    **dict.fromkeys(
        (
            "default_internal_user_params",
            "upperbound_key_generate_params",
            "key_alias_pattern",
            "default_team_settings",
            "budget_reset_time",
            "max_ui_session_budget",
            "model_group_settings",
            "priority_reservation_settings",
            "max_internal_user_budget",
            "default_max_internal_user_budget",
            "audit_log_callbacks",
        ),
        NOBODY_ELSE,
    ),
    "cooldown_time": "Write it as router_settings.cooldown_time.",
}
DEPLOYMENT = {
    **RETRIES,
    **FAILS,
    "max_retries": NEXT_ONE,
    "timeout": "Its own stream_timeout is what a model may take until its first words.",
    "cooldown_time": COOLING,
    "silent_model": "Its answers would be paid for, and heard by nobody.",
}
GENERAL = {
    "master_key": "Put the key into .env, as VUI_LITELLM_KEY.",
    "database_url": NO_DATABASE,
    "database_connection_pool_limit": NO_DATABASE,
    "store_model_in_db": "Models are those of this file.",
    "alerting": "`docker compose logs gateway` says what fails.",
}
OWN_KEY = "os.environ/VUI_LITELLM_KEY"


def ignored_variables(env: Mapping[str, str]) -> list[str]:
    """What is said of the variables that LiteLLM doesn't get."""
    named = [(name, way) for name, way in VARIABLES.items() if name in env]
    return [f"{name} in .env is not supported here, ignored. {way}" for name, way in named]


def take_out(file: dict, place: Callable[..., str]) -> list[str]:
    """Remove what takes no effect, and say so.

    place: of the steps to a setting, its file and line.
    """
    told: list[str] = []

    def tell(steps: tuple[str | int, ...], way: str) -> None:
        name = ".".join(str(step) for step in steps if isinstance(step, str))
        told.append(f"{place(*steps)}: {name} is not supported here, ignored. {way}")

    for section, ways in (("router_settings", ROUTER), ("litellm_settings", LITELLM)):
        settings = _dict(file.get(section))
        for name in _named(settings, ways):
            tell((section, name), ways[name])
            del settings[name]
    for index, entry in enumerate(_list(file.get("model_list"))):
        params = _dict(_dict(entry).get("litellm_params"))
        for name in _named(params, DEPLOYMENT):
            tell(("model_list", index, "litellm_params", name), DEPLOYMENT[name])
            del params[name]
    for name, value in _dict(file.get("general_settings")).items():
        if (name, value) != ("master_key", OWN_KEY):
            tell(("general_settings", name), GENERAL.get(name, "The gateway sets its own."))
    for name in _named(file, TOP):
        tell((name,), TOP[name])
        del file[name]
    return told + _slips(file, place)


def _slips(file: dict, place: Callable[..., str]) -> list[str]:
    """Takes out settings that LiteLLM doesn't know, and values that it can't use.

    A slip would go unnoticed, one with the name of a function would replace it, and a value of a
    wrong type would fail each call.
    """
    told = []
    known = {
        "router_settings": catalogue.router_setting_names(),
        "litellm_settings": catalogue.module_setting_names(),
    }
    for section, names in known.items():
        settings = _dict(file.get(section))
        for name in sorted(set(settings) - names, key=str):
            cure = suggestion(name, names, "Remove it.")
            told.append(
                f"{place(section, name)}: {section}.{name} is no setting of LiteLLM's. {cure}"
            )
            del settings[name]
    settings = _dict(file.get("litellm_settings"))
    for name, value in list(settings.items()):
        if not env_values(value, {}) and (wrong := catalogue.misfit(name, value)):
            where = place("litellm_settings", name)
            told.append(f"{where}: litellm_settings.{name} is ignored: {wrong}. Correct it.")
            del settings[name]
    return told


def suggestion(word: object, known: Iterable[str], otherwise: str) -> str:
    """The known word that may have been meant, as a question."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else otherwise


def _named(settings: Any, ways: dict[str, str]) -> list[str]:
    return [name for name in _dict(settings) if name in ways]


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
