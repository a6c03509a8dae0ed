"""The shape of `litellm_config.yaml`: accepted shapes are made alike, others are taken out.

https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from vui_gateway.config.aliases import mend_aliases
from vui_gateway.config.env import looked_up, resolved, unset_in
from vui_gateway.config.values import misread, number
from vui_gateway.litellm_proxy import auto_routers
from vui_gateway.litellm_proxy.culprits import NO_TEXT, info_refusals

__all__ = ["SECTIONS", "Fault", "by_organization", "mend_entry", "mend_sections"]

# Settings of a deployment and of the router alike; LiteLLM knows many more.
TIMING = (
    "order", "timeout", "stream_timeout", "cooldown_time", "rpm", "tpm", "weight",
    "max_parallel_requests", "default_max_parallel_requests",
)  # fmt: skip
TIMING_CURE = "Write a number, in seconds where it is a time."
PRICES_CURE = "Write US dollars per token, such as 0.0000004."
SIZE_CURE = "Write a number of tokens, such as 8192."

ENTRY = ("model_name", "litellm_params", "model_info")
INFO_SETTINGS = ("mode", "local", "base_model", "id", "tier")
# Settings of a deployment: LiteLLM takes any value, and each call would fail.
MAPPINGS = ("extra_headers", "headers", "extra_body", "response_format", "litellm_metadata")

SETTING_SECTIONS = ("litellm_settings", "router_settings", "general_settings")
# Keys at the top of a file that have an effect.
SECTIONS = frozenset(("model_list", *SETTING_SECTIONS, "credential_list"))
LIST_CURE = "Write a `-` before each of them."
INDENT = "Indent its settings below it, as `name: value`."
# https://docs.litellm.ai/docs/proxy/reliability
GROUP_FALLBACKS, OF_ALL = "fallbacks", "default_fallbacks"
OF_GROUPS = (GROUP_FALLBACKS, "context_window_fallbacks", "content_policy_fallbacks")
GROUPS_CURE = "Write it as `- group: [another]`."

Place = Callable[..., str]


class Fault(NamedTuple):
    """Why an entry can't be used: steps to the place in it, what, what is wrong, and the cure."""

    steps: tuple[str, ...]
    what: str
    wrong: str
    cure: str


def mend_sections(file: dict, env: Mapping[str, str], place: Place) -> list[str]:
    """Make a file's sections mappings with settings of the right shape.

    An empty setting is no setting. Returns a sentence for each that is taken out.

    place: of the steps to a setting, its file and line.
    """
    return list(_sections(file, env, place))


def _sections(file: dict, env: Mapping[str, str], place: Place) -> Iterator[str]:
    for name in (*SETTING_SECTIONS, "credential_list"):
        value, kind = file.get(name), dict if name in SETTING_SECTIONS else list
        if not isinstance(value, kind):
            if value not in (None, "", [], {}):
                what, cure = ("mapping", INDENT) if kind is dict else ("list", LIST_CURE)
                yield f"{place(name)}: {name} is ignored, it is no {what}. {cure}"
            file.pop(name, None)
        elif isinstance(value, dict):
            file[name] = _given(value)
        else:
            file[name] = [one for one in value if isinstance(one, dict)]
    router = file.get("router_settings", {})
    yield from _numbers(router, TIMING, env, place, "router_settings")
    yield from mend_aliases(router, place)
    for section in ("router_settings", "litellm_settings"):
        yield from _fallbacks(file.get(section, {}), section, place)


def mend_entry(
    entry: Any, env: Mapping[str, str], place: Place
) -> tuple[dict | None, Fault | None, list[str]]:
    """One of `model_list` with values of the right shape, or why there is none, and a sentence for
    each setting that is taken out.

    place: of the steps to a setting within it, its file and line.
    """
    if fault := _fault(entry):
        return None, fault, []
    entry, params = _given(entry), _given(entry["litellm_params"])
    said = []
    for key in [key for key in entry if key not in ENTRY]:
        del entry[key]
        below = "model_info" if key in INFO_SETTINGS else "litellm_params"
        said.append(f"{place(key)}: {key} has no effect there. Write it below {below}.")
    model = params["model"]
    params["model"] = looked_up(model, env) or model
    names = (*TIMING, *_figures(params))
    said += _numbers(params, names, env, place, "litellm_params")
    for key in [key for key in MAPPINGS if not isinstance(params.get(key, {}), dict)]:
        where = place("litellm_params", key)
        said.append(f"{where}: litellm_params.{key} is ignored, it is no mapping. {INDENT}")
        del params[key]
    said += _asking(params, place)
    info = entry.pop("model_info", None)
    if isinstance(info, dict):
        info = _given(info)
        said += _numbers(info, _figures(info), env, place, "model_info")
        abilities = [key for key in info if key.startswith("supports_")]
        for key, kind, cure in (
            ("mode", str, "Write chat, or leave it out."),
            ("local", bool, "Write `local: true` for your own."),
            *((key, bool, "Write true or false.") for key in abilities),
        ):
            if not isinstance(info.get(key, kind()), kind):
                shown = reprlib.repr(info.pop(key))
                said.append(f"{place('model_info', key)}: model_info.{key} is {shown}. {cure}")
        for key, why in info_refusals(resolved(info, env)).items():
            misfit = f"can't be used ({why})", "Correct it."
            wrong, cure = misread(resolved(info, env)[key]) if why == NO_TEXT else misfit
            said.append(f"{place('model_info', key)}: model_info.{key} {wrong}. {cure}")
            del info[key]
        entry["model_info"] = info
    elif info:
        said.append(f"{place('model_info')}: model_info is ignored, it is no mapping. {INDENT}")
    name = entry["model_name"].strip()
    name = looked_up(name, env).strip() or name
    return {**entry, "model_name": name, "litellm_params": params}, None, said


def _asking(params: dict, place: Place) -> Iterator[str]:
    """Takes out settings by which a router with rules would ask a model for its choice."""
    config = params.get(auto_routers.CONFIG)
    if not isinstance(config, dict):
        return
    params[auto_routers.CONFIG] = rules = auto_routers.without_asking(config)
    for name in [name for name in config if name not in rules]:
        where = place("litellm_params", auto_routers.CONFIG, name)
        yield f"{where}: {auto_routers.CONFIG}.{name} has no effect here. Its rules choose."


def _fault(entry: Any) -> Fault | None:
    if not isinstance(entry, dict):
        return Fault((), "an entry", "is no mapping", INDENT)
    name, params = entry.get("model_name"), entry.get("litellm_params")
    if not isinstance(name, str) or not name.strip():
        return _no_text(entry, "model_name", "Give the model the name that vui shows.")
    if not params and not isinstance(params, dict):
        missing = "is missing", "It needs `model: provider/name` at least."
        how = ("is empty", INDENT) if "litellm_params" in entry else missing
        return Fault(("litellm_params",), "litellm_params", *how)
    if not isinstance(params, dict):
        return Fault(("litellm_params",), "litellm_params", "is no mapping", INDENT)
    model = params.get("model")
    if not isinstance(model, str) or not model.strip():
        return _no_text(params, "model", "Write it as `model: provider/name`.", "litellm_params")
    return None


def _no_text(settings: dict, name: str, cure: str, *section: str) -> Fault:
    value = settings.get(name)
    wrong, quote = ("is missing", "") if name not in settings else misread(value)
    if name in settings and not value and value is not False:
        wrong, quote = f"is empty{', or YAML reads it as nothing' if value is None else ''}", ""
    return Fault((*section, name), ".".join((*section, name)), wrong, quote or cure)


def by_organization(entry: dict) -> Iterator[dict]:
    """A deployment for each of its organizations, as LiteLLM's router makes them of a list."""
    params = entry["litellm_params"]
    of = params.get("organization")
    if not isinstance(of, list):
        yield entry
        return
    for one in of or [None]:
        own = {**params, "organization": one if one is None else str(one)}
        yield {**entry, "litellm_params": _given(own)}


def _given(settings: dict) -> dict:
    """The settings without empty ones, which count as unset."""
    return {n: value for n, value in settings.items() if value is not None}


def _figures(settings: dict) -> tuple[str, ...]:
    """Prices and sizes; LiteLLM has many, some of them by kind."""
    return tuple(
        name
        for name, value in settings.items()
        if ("_cost" in name or (name.startswith("max_") and name.endswith("_tokens")))
        and not isinstance(value, dict | list)
    )


def _numbers(
    settings: dict, names: tuple[str, ...], env: Mapping[str, str], place: Place, section: str
) -> Iterator[str]:
    for name in [name for name in names if name in settings]:
        value = settings[name]
        where = f"{place(section, name)}: {section}.{name}"
        unset = unset_in(value, env)
        found = number(resolved(value, env))
        if not unset and found is not None:
            settings[name] = found
            continue
        del settings[name]
        if unset:
            yield f"{where} is ignored, {unset[0]} is not set. Put it in .env."
        else:
            size = PRICES_CURE if "_cost" in name else SIZE_CURE
            yield f"{where} is {reprlib.repr(value)}. {TIMING_CURE if name in TIMING else size}"


def _fallbacks(settings: dict, section: str, place: Place) -> Iterator[str]:
    """Names instead of pairs are everybody's fallbacks; one name is a list of one."""
    everybody = list(_names(settings.pop(OF_ALL, None)))
    for setting in [name for name in OF_GROUPS if name in settings]:
        value, good, wrong = settings.pop(setting), [], False
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and setting == GROUP_FALLBACKS:
                everybody.append(one)
            elif isinstance(one, dict):
                pairs = {group: list(_names(names)) for group, names in one.items()}
                wrong = wrong or not all(pairs.values())
                good += [{group: names} for group, names in pairs.items() if names]
            elif one is not None:
                wrong = True
        if wrong:
            where = place(section, setting)
            yield f"{where}: {section}.{setting} is ignored in part. {GROUPS_CURE}"
        if good:
            settings[setting] = good
    if everybody:
        settings[OF_ALL] = everybody


def _names(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        name = one.get("model") if isinstance(one, dict) else one
        if isinstance(name, str) and name:
            yield name
