"""LiteLLM's providers, models and prices, and the settings that it takes."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import litellm
from litellm.litellm_core_utils.get_llm_provider_logic import declared_authenticating_provider
from litellm.litellm_core_utils.reasoning_effort_capability import (
    resolve_supported_reasoning_efforts,
)
from litellm.utils import cost_map_omits_token_price
from pydantic import TypeAdapter, ValidationError

from vui_gateway.litellm_proxy import callbacks
from vui_gateway.providers import tags
from vui_gateway.providers.endpoints import FREE, TOOLS_IN_PROMPT, leaves_thoughts
from vui_gateway.providers.thinking import LEVELS, NO_THINKING
from vui_gateway.providers.thinking_rules import MAKERS, RESELLERS

__all__ = [
    "TESTED", "Prices", "UnknownProvider", "configured_address", "forget", "known_efforts",
    "misfit", "model_info", "module_setting_names", "prices", "resolve_model",
    "router_setting_names", "set_module", "takes_tools", "thinks_aloud", "untested",
]  # fmt: skip

TESTED = "1.110.2"
# Levels of `reasoning_effort` at every model that always thinks.
ALWAYS_LEVELS = ("low", "high")
# Types that YAML can hold; LiteLLM's other variables are clients and classes.
YAML_TYPES = (bool, int, float, str, list, dict, set)
# LiteLLM knows these, without a variable of the same name.
START_SETTINGS = frozenset(
    ("azure_content_safety_params", "cache_params", "code_interpreter_interception_params",
     "compression_interception_params", "enable_redis_auth_cache", "mcp_semantic_tool_filter",
     "presidio_logging_only", "prompt_injection_params", "public_routes", "service_callbacks",
     "suppress_startup_output", "websearch_interception_params")
)  # fmt: skip

# Variables for objects, which no file can hold: a text in its place would fail each call.
OBJECT_SETTINGS = frozenset(
    ("aclient_session", "client_session", "proxy_auth", "vector_store_index_registry",
     "vector_store_registry")
)  # fmt: skip
# Types that LiteLLM's source doesn't have.
UNANNOTATED = {"headers": dict | None}

# Values of LiteLLM's module from before `litellm_settings` changed them.
_unset: dict[str, Any] = {}


class UnknownProvider(ValueError):
    """LiteLLM knows no such provider; `known` are those that it does."""

    known = tuple(str(getattr(p, "value", p)) for p in litellm.provider_list)


def untested() -> str:
    """The version of LiteLLM when it isn't the tested one, else nothing."""
    found = version("litellm")
    return "" if found == TESTED else found


def configured_address(params: Mapping[str, Any]) -> str | None:
    """The address in a deployment's `litellm_params`, by either of LiteLLM's names for it."""
    return params.get("api_base") or params.get("base_url")


def resolve_model(params: Mapping[str, Any]) -> tuple[str, str, str]:
    """Model, provider and address of a deployment's `litellm_params`; "" where LiteLLM says none.

    Raises:
        UnknownProvider: LiteLLM wouldn't know whom to ask.
    """
    model, custom = params["model"], params.get("custom_llm_provider")
    if provider := declared_authenticating_provider(model, custom):  # LiteLLM would sign in
        return model.removeprefix(f"{provider}/"), provider, configured_address(params) or ""
    try:
        model, provider, _, base = litellm.get_llm_provider(
            model, custom, configured_address(params)
        )
    except litellm.BadRequestError as error:
        raise UnknownProvider(params["model"]) from error
    return model, provider, base or ""


@functools.lru_cache(256)
def thinks_aloud(model: str, provider: str | None, base: str | None) -> bool | None:
    """Whether a deployment's replies begin in thinking, by its model's name.

    None where its server separates thoughts, or nobody knows it.

    Args: as in `litellm_params`.
    """
    try:
        params = {"model": model, "custom_llm_provider": provider, "api_base": base}
        leaves = leaves_thoughts(resolve_model(params)[1], base or "")
    except UnknownProvider:
        return None
    return tags.thinks_aloud(model) if leaves else None


@functools.lru_cache(256)
def takes_tools(model: str, provider: str | None = None) -> bool:
    """Whether LiteLLM passes a call's tools on; it drops them where its table has none.

    Args: as in `litellm_params`.
    """
    with suppress(Exception):  # LiteLLM raises a bare one
        name, found, _ = resolve_model({"model": model, "custom_llm_provider": provider})
        params = litellm.get_supported_openai_params(name, found)
        # A wildcard's models differ; for `ollama/` LiteLLM writes them into the prompt.
        return not params or "tools" in params or "*" in model or found in TOOLS_IN_PROMPT
    return True


def model_info(provider: str, model: str) -> Mapping[str, Any]:
    """The row of a model in LiteLLM's table; empty when there is none."""
    with suppress(Exception):  # LiteLLM raises a bare one
        return dict(litellm.get_model_info(model, custom_llm_provider=provider))
    return {}


@functools.cache
def known_efforts(provider: str, model: str) -> tuple[str, ...] | None:
    """A model's levels of `reasoning_effort` in LiteLLM's model table, from the least.

    For a model that the table lacks at a reseller, those that it takes at its maker.
    None where the table doesn't say; none of them for a model that doesn't think.
    """
    known = _efforts(model_info(provider, model))
    return _at_makers().get(_bare(model)) if known is None and provider in RESELLERS else known


def forget() -> None:
    """Forget all that was read in LiteLLM's table, which has changed."""
    for kept in (known_efforts, takes_tools, _listed):
        kept.cache_clear()


def _efforts(info: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = resolve_supported_reasoning_efforts(info, deployment_is_mapped=False)
    if info.get("thinking_always_on"):
        found = tuple(level for level in found or ALWAYS_LEVELS if level not in NO_THINKING)
    return None if found is None else tuple(sorted(found, key=LEVELS.index))


@functools.cache
def _at_makers() -> Mapping[str, tuple[str, ...]]:
    found = {}
    for name, row in litellm.model_cost.items():
        if row.get("litellm_provider") in MAKERS and (levels := _efforts({**row, "key": name})):
            found[_bare(name)] = levels
    return found


def _bare(model: str) -> str:
    # Without its maker and without a variant. Resellers write `claude-opus-5.5`.
    return re.split("[@:]", model.lower().rpartition("/")[2])[0].replace(".", "-")


def router_setting_names() -> frozenset[str]:
    """Names of `router_settings`: https://docs.litellm.ai/docs/proxy/config_settings"""
    ours = {"self", "model_list", "cache_responses", "router_general_settings"}
    return frozenset(inspect.signature(litellm.Router.__init__).parameters) - ours


@functools.cache  # a setting in force may be an object
def module_setting_names() -> frozenset[str]:
    """Names of `litellm_settings`: variables of LiteLLM's module, and what its start reads."""
    found = {n for n, v in vars(litellm).items() if v is None or isinstance(v, YAML_TYPES)}
    found = {name for name in found - OBJECT_SETTINGS if not name.startswith("_")}
    return frozenset(found | START_SETTINGS | callbacks.SETTINGS)


def misfit(name: str, value: Any) -> str:
    """Why a setting of `litellm_settings` can't have this value; empty when it can.

    LiteLLM takes any value, and each call fails.
    """
    default = _unset.get(name, getattr(litellm, name, None))
    kind = litellm.__annotations__.get(name, UNANNOTATED.get(name))
    if name in callbacks.SETTINGS or (kind is None and default is None):
        return ""
    try:
        wanted = TypeAdapter(eval(kind, vars(litellm)) if isinstance(kind, str) else kind)  # noqa: S307
        wanted.validate_python(default)
    except Exception:  # no annotation, or of a type that only its type checker imports
        wanted = TypeAdapter(Any if default is None else type(default))
    try:
        wanted.validate_python(value)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)[0]["msg"]
    return ""


def set_module(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Change LiteLLM's module; what isn't named is as it was. Returns the values until now."""
    wanted = {name: v for name, v in settings.items() if hasattr(litellm, name)}
    wanted = {**_unset, **{name: v for name, v in wanted.items() if name not in callbacks.SETTINGS}}
    before = {name: getattr(litellm, name) for name in wanted}
    for name, value in before.items():
        _unset.setdefault(name, value)
    vars(litellm).update(wanted)
    return before


Prices = tuple[float, float] | None
NOTHING = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}


def prices(params: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[Prices, Prices]:
    """US dollars for a token in and out, and for one that the prompt cache reads and writes: the
    configuration's own, or LiteLLM's for the model.
    """
    if params.get("mock_response"):
        return (0.0, 0.0), None
    table = _listed(info.get("base_model") or params["model"], params.get("custom_llm_provider"))
    free = table.get("litellm_provider") in FREE
    if cost_map_omits_token_price(info["id"], table.get("key")) and not free:
        return None, None  # LiteLLM says 0 for it
    own = litellm.model_cost.get(info["id"]) or {}  # the router's own entry
    listed = {**table, **{name: value for name, value in own.items() if value is not None}}
    price = _pair(listed.get("input_cost_per_token"), listed.get("output_cost_per_token"))
    read, write = (listed.get(f"cache_{how}_input_token_cost") for how in ("read", "creation"))
    into = price and price[0]
    return price, _pair(into if read is None else read, into if write is None else write)


def _pair(*prices: Any) -> Prices:
    if all(isinstance(usd, int | float) and 0 <= usd < math.inf for usd in prices):
        return float(prices[0]), float(prices[1])
    return None


@functools.lru_cache(256)
def _listed(model: str, provider: str | None) -> Mapping[str, Any]:
    with suppress(Exception):  # LiteLLM raises a bare one
        named = {"model": model, "custom_llm_provider": provider}
        if (found := resolve_model(named)[1]) in FREE:  # whose server it would ask
            return {"litellm_provider": found, **NOTHING}
        return dict(litellm.get_model_info(model, custom_llm_provider=provider))
    return {}
