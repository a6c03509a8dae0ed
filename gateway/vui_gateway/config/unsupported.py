"""LiteLLM settings that have no effect here: taken out and named, some with what to do instead.

The log has one line for all of them, `status` also the lines with a cure.

The names: https://docs.litellm.ai/docs/proxy/config_settings
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vui_gateway.config.callback_faults import take_out_callbacks
from vui_gateway.config.env import env_values, resolved
from vui_gateway.config.environment import SECTION as VARIABLES
from vui_gateway.config.own_settings import take_budget, take_key
from vui_gateway.config.shape import SECTIONS
from vui_gateway.config.values import suggestion
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.variables import has_no_effect

__all__ = ["DEPLOYMENT", "IN_STATUS", "SETTING_CURES", "TOP", "Meant", "take_out"]

RETRIES = frozenset({"num_retries", "max_retries", "retry_after", "retry_policy"})
FAILS = frozenset({"allowed_fails", "allowed_fails_policy"})
RETRIES_AND_FAILS = RETRIES | FAILS
# Sections at the top of a file that have no effect here.
TOP = frozenset(
    ("include", "environment_variables", "guardrails", "policies", "policy_attachments", "prompts",
     "mcp_servers", "mcp_tools", "search_tools", "sandbox_tools", "vector_store_registry",
     "coordination_redis", "worker_registry", "default_vertex_config", "callback_settings",
     "agents", "agent_list", "assistant_settings", "files_settings", "finetune_settings")
)  # fmt: skip
ROUTER = RETRIES_AND_FAILS | {
    "model_group_retry_policy", "disable_cooldowns", "redis_host", "redis_port", "redis_password",
    "redis_url", "redis_db", "cache_responses", "router_general_settings", "max_fallbacks",
    "set_verbose", "debug_level", "search_tools", "guardrail_list", "assistants_config",
    "polling_interval", "enable_weighted_failover", "enable_health_check_routing",
    "health_check_ignore_transient_errors", "health_check_staleness_threshold",
    "background_health_check_model_groups",
}  # fmt: skip
LITELLM = RETRIES_AND_FAILS | {
    "request_timeout", "cooldown_time", "guardrails", "mcp_aliases", "set_verbose", "json_logs",
    "responses", "post_call_rules", "custom_provider_map", "global_prompt_directory",
    "global_bitbucket_config", "global_gitlab_config", "default_internal_user_params",
    "upperbound_key_generate_params", "key_alias_pattern", "default_team_settings",
    "budget_reset_time", "max_ui_session_budget", "model_group_settings",
    "priority_reservation_settings", "max_internal_user_budget",
    "default_max_internal_user_budget", "audit_log_callbacks", "max_budget", "budget_duration",
    "scim_admin_group", "scim_upsert_user",
}  # fmt: skip
DEPLOYMENT = RETRIES_AND_FAILS | {"timeout", "cooldown_time", "silent_model"}
# LiteLLM would ask a second time for one of the gateway's attempts.
DEFAULT_PARAMS = "default_litellm_params"
PARAM_FALLBACKS = ("fallbacks", "context_window_fallback_dict")

REDIS = ("redis_host", "redis_port", "redis_password", "redis_url", "redis_db")
REDIS_CURE = "Gateways share the Redis of VUI_GATEWAY_REDIS_URL."
LIMITS_CURE = "Write router_settings.timeout, and stream_timeout for the first words."
BUDGET_CURE = (
    "The budget is for a day: write budget_duration: 1d, or VUI_LITELLM_BUDGET, which wins, into "
    ".env."
)
# The cure for a setting, for people who wrote it.
SETTING_CURES = {
    **dict.fromkeys(RETRIES, "The next deployment answers instead of a second try."),
    **dict.fromkeys(FAILS, "A failed deployment cools down for router_settings.cooldown_time."),
    **dict.fromkeys(REDIS, REDIS_CURE),
    **dict.fromkeys(("request_timeout", "timeout"), LIMITS_CURE),
    **dict.fromkeys(
        ("set_verbose", "debug_level", "detailed_debug", "litellm_log"),
        "Write VUI_LITELLM_LOG=debug into .env.",
    ),
    **dict.fromkeys(("max_budget", "budget_duration"), BUDGET_CURE),
    "cache_responses": "Write litellm_settings.cache.",
    "custom_provider_map": "Let it answer in a process of its own, in OpenAI's format, and write "
    "openai/ and its api_base.",
    "cooldown_time": "Write it as router_settings.cooldown_time.",
    "include": "Copy what it includes into this file.",
    "environment_variables": "Write them below it, as `NAME: value`, or into .env.",
    "callback_settings": "A callback reads its settings from .env.",
    "default_vertex_config": "Write vertex_project and vertex_location into each model.",
    "master_key": "The key is VUI_LITELLM_KEY of .env, or the gateway's own where nothing is set.",
    "fallbacks": "Write router_settings.fallbacks.",
    "silent_model": "You would pay for its answers, and nobody would hear them.",
}
IN_ENV = " in .env"
IN_STATUS = " `vui-gateway status` says what to write instead."

Place = Callable[..., str]


class Meant(NamedTuple):
    """The key, the budget and the warnings of a file.

    Attributes:
        master_key, max_budget: the owner's key and US dollars per day, unless `.env` has them.
        warnings: lines for the log and `status`. details: lines for `status` alone.
    """

    master_key: str
    max_budget: float | None
    warnings: list[str]
    details: list[str]


class Ignored(NamedTuple):
    """A setting or variable without an effect.

    name: as the log shows it. where: its file and line, empty for a variable.
    """

    name: str
    where: str = ""

    @property
    def cure(self) -> str:
        """The setting to use instead; often none."""
        name = self.name.removesuffix(IN_ENV).rpartition(".")[2]
        return SETTING_CURES.get(name.lower(), "")

    def __str__(self) -> str:
        where = self.where and f"{self.where}: "
        return f"{where}{self.name} has no effect here. {self.cure}".strip()


def take_out(file: dict, env: Mapping[str, str], place: Place) -> Meant:
    """Remove settings without an effect or a use, and read the key and the budget.

    place: of the steps to a setting, its file and line.
    """
    for name in [name for name, value in file.items() if value is None]:
        del file[name]  # an empty section is none
    key, said_of_key = take_key(file, env, place)
    budget, of_budget = take_budget(file, env, place)
    with_cache = bool(resolved(_dict(file.get("litellm_settings")).get("cache"), env))
    slips = list(_slips(file, place))
    once: dict[str, Ignored] = {}  # a name of many deployments, too
    for one in (*_variables(env, with_cache), *_settings(file, place)):
        once.setdefault(one.name, one)
    said, details = [said_of_key] if said_of_key else [], []
    if len(once) == 1:
        said += map(str, once.values())
    elif once:
        details = [str(one) for one in once.values() if one.cure]
        more = IN_STATUS if details else ""
        said.append(f"No effect here: {_listed(once)}.{more}")
    callbacks = take_out_callbacks(_dict(file.get("litellm_settings")), place)
    said += [*of_budget, *callbacks, *slips]
    return Meant(key, budget, said, details)


def _listed(names: Iterable[str]) -> str:
    variables = [name.removesuffix(IN_ENV) for name in names if name.endswith(IN_ENV)]
    settings = [name for name in names if not name.endswith(IN_ENV)]
    first = ", ".join(variables) + IN_ENV if variables else ""
    return "; ".join(filter(None, [first, ", ".join(settings)]))


def _variables(env: Mapping[str, str], with_cache: bool) -> Iterator[Ignored]:
    for name in env:
        if has_no_effect(name, with_cache):
            yield Ignored(name + IN_ENV)


def _settings(file: dict, place: Place) -> Iterator[Ignored]:
    def taken(settings: dict, names: Iterable[str], *steps: str | int) -> Iterator[Ignored]:
        for name in [name for name in settings if name in names]:
            del settings[name]
            path = (*steps, name)
            dotted = [str(step) for step in path if step not in ("model_list", index)]
            yield Ignored(".".join(dotted), place(*path))

    index = -1
    for section, ignored, known in (
        ("router_settings", ROUTER, catalogue.router_setting_names()),
        ("litellm_settings", LITELLM, catalogue.module_setting_names()),
    ):
        settings = _dict(file.get(section))
        yield from taken(settings, ignored | (settings.keys() - known), section)
    defaults = _dict(_dict(file.get("router_settings")).get(DEFAULT_PARAMS))
    yield from taken(defaults, DEPLOYMENT.union(PARAM_FALLBACKS), "router_settings", DEFAULT_PARAMS)
    for index, entry in enumerate(_list(file.get("model_list"))):
        params = _dict(_dict(entry).get("litellm_params"))
        yield from taken(params, DEPLOYMENT, "model_list", index, "litellm_params")
    general = _dict(file.get("general_settings"))
    yield from taken(general, tuple(general), "general_settings")
    if isinstance(variables := file.get(VARIABLES), dict):
        yield from taken(variables, tuple(variables), VARIABLES)
        del file[VARIABLES]
    yield from taken(file, set(file) - SECTIONS)


def _slips(file: dict, place: Place) -> Iterator[str]:
    """Takes out settings that have a slip in their name, and values that LiteLLM can't use.

    A slip would go unnoticed, one with the name of a function would replace it, and a value of a
    wrong type would fail each call.
    """
    for section, known in (
        ("router_settings", catalogue.router_setting_names() | ROUTER),
        ("litellm_settings", catalogue.module_setting_names() | LITELLM),
    ):
        settings = _dict(file.get(section))
        for name in [name for name in settings if name not in known]:
            if meant := suggestion(name, known, ""):
                where = f"{place(section, name)}: {section}.{name}"
                yield f"{where} is no setting of LiteLLM's. {meant}"
                del settings[name]
    settings = _dict(file.get("litellm_settings"))
    for name in [name for name in settings if name in catalogue.module_setting_names()]:
        if name in LITELLM or env_values(settings[name], {}):
            continue
        if wrong := catalogue.misfit(name, settings[name]):
            where = f"{place('litellm_settings', name)}: litellm_settings.{name}"
            yield f"{where} is ignored: {wrong}. Correct it."
            del settings[name]


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
