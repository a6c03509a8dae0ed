"""LiteLLM settings for a voice: defaults that a user may change, and settings that are fixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from vui_gateway.config.aliases import with_default
from vui_gateway.config.default_group import ALIAS, DEFAULT_GROUP, DEMO, DEMO_PARAMS, DefaultGroup
from vui_gateway.config.env import env_values, resolved
from vui_gateway.litellm_proxy.callback_names import CALLBACK_SETTINGS
from vui_gateway.litellm_proxy.catalogue import configured_address, resolve_model
from vui_gateway.providers.endpoints import OPENAI_FORMATS, server_of
from vui_gateway.providers.packages import REFUSING_RETRIES
from vui_gateway.providers.usual_keys import NO_KEY, USUAL
from vui_gateway.turns.limits import COOLDOWN, STREAM_TIMEOUT, TIMEOUT

__all__ = [
    "GENERAL", "LITELLM_DEFAULTS", "MESSAGE_LOGGING", "identity", "with_defaults",
]  # fmt: skip

# At an address of one's own LiteLLM would send these OpenAI's key out of `.env`; other providers
# get none of it (`litellm_proxy/patches.py`). https://docs.litellm.ai/docs/providers/openai_compatible
SENT_OPENAIS_KEY = OPENAI_FORMATS | {"litellm_proxy", "text-completion-inception"}
OPENAI_DOMAIN = ".openai.com"

LITELLM_DEFAULTS = {
    # Fields that a provider can't take are left out, not refused: vui sends every provider the
    # same. https://docs.litellm.ai/docs/completion/drop_params
    "drop_params": True,
    # The router's retries come on top of the SDK's: a voice turn has no time for either, the next
    # deployment answers instead. https://docs.litellm.ai/docs/proxy/reliability
    "num_retries": 0,
    # The first token count of a Llama-named model asks the model hub for a tokenizer, and waits
    # 23 s for it where there is no internet.
    "disable_hf_tokenizer_download": True,
}

# Keeps conversations from the user's callbacks. It costs 0.5 ms: set only where there are any.
# https://docs.litellm.ai/docs/proxy/logging#turn-off-message-logging
MESSAGE_LOGGING = "turn_off_message_logging"

ROUTER_DEFAULTS = {
    "num_retries": 0,
    "stream_timeout": STREAM_TIMEOUT,
    "timeout": TIMEOUT,
    "cooldown_time": COOLDOWN,
    "disable_cooldowns": True,
}

GENERAL = {
    "master_key": "os.environ/VUI_LITELLM_KEY",
    "disable_spend_logs": True,
    "disable_budget_reservation": True,
    # No request to every provider for its model table, at the start and by the hour.
    "disable_model_info_refresh": True,
}


def _deployment(deployment: dict, env: Mapping[str, str]) -> dict:
    """An entry of `model_list` without the SDK's own retries (two, with back-off), and with an
    id that changes when anything of it does, its key included.
    """
    params = {**deployment["litellm_params"], "max_retries": 0}
    provider, address = resolve_model(params)[1], resolved(configured_address(params), env)
    if provider in OPENAI_FORMATS:
        host = server_of(provider, str(address)).host
        has_key = not address or f".{host}".endswith(OPENAI_DOMAIN)
    else:
        has_key = any(map(env.get, USUAL.get(provider, ())))
    if provider in SENT_OPENAIS_KEY and not has_key:
        params.setdefault("api_key", NO_KEY)
    if params["model"].startswith(REFUSING_RETRIES):
        params["drop_params"] = True
    info = {**(deployment.get("model_info") or {}), "id": identity(deployment, env)}
    return {**deployment, "litellm_params": params, "model_info": info}


def identity(deployment: dict, env: Mapping[str, str]) -> str:
    """The id of an entry of `model_list`."""
    text = json.dumps([deployment, env_values(deployment, env)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _set(settings: dict) -> dict:
    """The settings without empty ones, and without time limits of 0."""
    needed = ("stream_timeout", "timeout")
    return {
        name: value
        for name, value in settings.items()
        if value is not None and not (name in needed and not value)
    }


def with_defaults(
    config: dict, deployments: list[dict], env: Mapping[str, str], default: DefaultGroup
) -> dict:
    """The configuration that LiteLLM runs with."""
    router_settings = {**ROUTER_DEFAULTS, **_set(config.get("router_settings") or {})}
    aliases = dict(router_settings.pop(ALIAS, None) or {})
    aliases.pop(DEFAULT_GROUP, None)
    if default.demo:
        known = [entry for entry in deployments if entry["model_name"] == DEMO["model_name"]]
        deployments = [_demo(default.demo), *deployments, *([] if known else [DEMO])]
    elif default.alias:
        aliases = with_default(aliases, default.alias)
    litellm_settings = {**LITELLM_DEFAULTS, **(config.get("litellm_settings") or {})}
    if any(litellm_settings.get(name) for name in CALLBACK_SETTINGS):
        litellm_settings.setdefault(MESSAGE_LOGGING, True)
    return {
        "model_list": [_deployment(entry, env) for entry in deployments],
        "litellm_settings": litellm_settings,
        "router_settings": {
            **router_settings,
            **({ALIAS: aliases} if aliases else {}),
        },
    }


def _demo(says: str) -> dict:
    return {"model_name": DEFAULT_GROUP, "litellm_params": {**DEMO_PARAMS, "mock_response": says}}
