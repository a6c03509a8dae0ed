"""LiteLLM settings that have no effect here: taken out and named, some with what to do instead.

The names: https://docs.litellm.ai/docs/proxy/config_settings
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vui_gateway.config.env import env_values
from vui_gateway.config.shape import SECTIONS
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.settings import WITHOUT_EFFECT

__all__ = ["DEPLOYMENT", "SETTING_CURES", "TOP", "ignored_variables", "suggestion", "take_out"]

RETRIES = frozenset({"num_retries", "max_retries", "retry_after", "retry_policy"})
FAILS = frozenset({"allowed_fails", "allowed_fails_policy"})
RETRIES_AND_FAILS = RETRIES | FAILS
# Sections of a file besides those that are in force.
TOP = frozenset(
    ("include", "environment_variables", "guardrails", "policies", "policy_attachments", "prompts",
     "mcp_servers", "mcp_tools", "search_tools", "sandbox_tools", "vector_store_registry",
     "coordination_redis", "worker_registry", "default_vertex_config", "callback_settings",
     "agents", "agent_list", "assistant_settings", "files_settings", "finetune_settings")
)  # fmt: skip
ROUTER = RETRIES_AND_FAILS | {
    "model_group_retry_policy", "disable_cooldowns", "redis_host", "redis_port", "redis_password",
    "redis_url",
}  # fmt: skip
LITELLM = RETRIES_AND_FAILS | {
    "request_timeout", "cooldown_time", "guardrails", "mcp_aliases", "set_verbose", "json_logs",
    "responses", "post_call_rules", "custom_provider_map", "global_prompt_directory",
    "global_bitbucket_config", "global_gitlab_config", "default_internal_user_params",
    "upperbound_key_generate_params", "key_alias_pattern", "default_team_settings",
    "budget_reset_time", "max_ui_session_budget", "model_group_settings",
    "priority_reservation_settings", "max_internal_user_budget",
    "default_max_internal_user_budget", "audit_log_callbacks",
}  # fmt: skip
DEPLOYMENT = RETRIES_AND_FAILS | {"timeout", "cooldown_time", "silent_model"}

REDIS_CURE = "Gateways share the Redis of VUI_GATEWAY_REDIS_URL."
LIMITS_CURE = "Write router_settings.timeout, and stream_timeout for the first words."
# The cure for a setting, for people who wrote it.
SETTING_CURES = {
    **dict.fromkeys(RETRIES, "The next deployment answers instead of a second try."),
    **dict.fromkeys(FAILS, "A failed deployment cools down for router_settings.cooldown_time."),
    **dict.fromkeys(("redis_host", "redis_port", "redis_password", "redis_url"), REDIS_CURE),
    **dict.fromkeys(("request_timeout", "timeout"), LIMITS_CURE),
    **dict.fromkeys(("set_verbose", "LITELLM_LOG"), "Write VUI_LITELLM_LOG=debug into .env."),
    "cooldown_time": "Write it as router_settings.cooldown_time.",
    "include": "Copy what it includes into this file.",
    "environment_variables": "Put them into .env.",
    "callback_settings": "A callback reads its settings from .env.",
    "default_vertex_config": "Write vertex_project and vertex_location into each model.",
    "master_key": "Put the key into .env, as VUI_LITELLM_KEY.",
    "silent_model": "You would pay for its answers, and nobody would hear them.",
}
OWN_KEY = "os.environ/VUI_LITELLM_KEY"


def ignored_variables(env: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that LiteLLM doesn't get."""
    return [_sentence(f"{name} in .env", name) for name in WITHOUT_EFFECT if name in env]


def take_out(file: dict, place: Callable[..., str]) -> list[str]:
    """Remove what has no effect. Returns a sentence for each with a cure, and one for the others.

    place: of the steps to a setting, its file and line.
    """
    said: list[str] = []
    others: list[str] = []

    def take(settings: dict, names: Iterable[str], *steps: str | int) -> None:
        for name in [name for name in settings if name in names]:
            del settings[name]
            path = (*steps, name)
            dotted = ".".join(step for step in path if isinstance(step, str))
            if name in SETTING_CURES:
                said.append(_sentence(f"{place(*path)}: {dotted}", name))
            else:
                others.append(dotted)

    take(_dict(file.get("router_settings")), ROUTER, "router_settings")
    take(_dict(file.get("litellm_settings")), LITELLM, "litellm_settings")
    for index, entry in enumerate(_list(file.get("model_list"))):
        params = _dict(_dict(entry).get("litellm_params"))
        take(params, DEPLOYMENT, "model_list", index, "litellm_params")
    general = _dict(file.get("general_settings"))
    if general.get("master_key") == OWN_KEY:
        del general["master_key"]
    take(general, tuple(general), "general_settings")
    take(file, set(file) - SECTIONS)
    if others:
        names = ", ".join(dict.fromkeys(others))
        said.append(f"{place().rpartition(':')[0]}: no effect here, remove them: {names}.")
    return said + _slips(file, place)


def _sentence(where: str, name: str) -> str:
    return " ".join(filter(None, [f"{where} has no effect here.", SETTING_CURES.get(name)]))


def _slips(file: dict, place: Callable[..., str]) -> list[str]:
    """Takes out settings that LiteLLM doesn't know, and values that it can't use.

    A slip would go unnoticed, one with the name of a function would replace it, and a value of a
    wrong type would fail each call.
    """
    said = []
    known = {
        "router_settings": catalogue.router_setting_names(),
        "litellm_settings": catalogue.module_setting_names(),
    }
    for section, names in known.items():
        settings = _dict(file.get(section))
        for name in sorted(set(settings) - names, key=str):
            cure = suggestion(name, names, "Remove it.")
            said.append(
                f"{place(section, name)}: {section}.{name} is no setting of LiteLLM's. {cure}"
            )
            del settings[name]
    settings = _dict(file.get("litellm_settings"))
    for name, value in list(settings.items()):
        if not env_values(value, {}) and (wrong := catalogue.misfit(name, value)):
            where = place("litellm_settings", name)
            said.append(f"{where}: litellm_settings.{name} is ignored: {wrong}. Correct it.")
            del settings[name]
    return said


def suggestion(word: object, known: Iterable[str], otherwise: str) -> str:
    """The known word that may have been meant, as a question."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else otherwise


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
