"""Fallbacks that a file names where LiteLLM would ask them by itself, beneath the engine.

There no limit holds for them, and log and bill name the wrong model. Here they become the group's.
https://docs.litellm.ai/docs/completion/reliable_completions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from vui_gateway.config.shape import OF_ALL, OF_GROUPS
from vui_gateway.config.unsupported import DEPLOYMENT
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.litellm_proxy.router import HIDDEN

__all__ = ["move_fallbacks"]

# Settings of `litellm_params`, with their names in `router_settings`.
OF_DEPLOYMENT = {
    "fallbacks": "fallbacks",
    "context_window_fallback_dict": "context_window_fallbacks",
}
# Keys and addresses of a provider.
OF_PROVIDER = (
    "api_key", "api_base", "base_url", "api_version", "organization", "custom_llm_provider",
    "litellm_credential_name",
)  # fmt: skip
# Settings that are taken out of the file's entries, or checked there.
NOT_OF_FALLBACK = (*OF_DEPLOYMENT, *DEPLOYMENT, "order", "stream_timeout")
# The same for all groups, in `litellm_settings`.
MODEL_FALLBACKS = "model_fallbacks"


def move_fallbacks(file: dict) -> list[str]:
    """Put a file's fallbacks of deployments into its `router_settings`.

    Deployments are added for models that no group has. Returns a sentence for each that
    can't be asked.
    """
    _name_ids(file)
    groups: dict[str, list[dict]] = {}
    for entry in file["model_list"]:
        entry["litellm_params"] = dict(entry["litellm_params"])  # an alias of YAML's is shared
        groups.setdefault(entry["model_name"], []).append(entry["litellm_params"])
    warnings: list[str] = []
    settings: dict[str, list] = {}
    for group, deployments in list(groups.items()):
        for params in deployments:
            for name, setting in OF_DEPLOYMENT.items():
                wanted = _listed(params.pop(name, None), group)
                plain = {k: v for k, v in params.items() if k not in OF_DEPLOYMENT}
                found = list(_groups(wanted, plain, group, groups, warnings))
                if found:
                    settings.setdefault(setting, []).append({group: found})
    for_all = _listed((file.get("litellm_settings") or {}).pop(MODEL_FALLBACKS, None), "*")
    if found := list(_groups(for_all, {}, "*", groups, warnings)):
        settings["default_fallbacks"] = found
    own = {entry["model_name"] for entry in file["model_list"]}
    file["model_list"] += [
        {"model_name": name, "litellm_params": params}
        for name, deployments in groups.items()
        if name not in own
        for params in deployments
    ]
    if settings:
        router = dict(file.get("router_settings") or {})
        own_lists = {name: router.get(name) or [] for name in settings}
        added = {
            name: [*(of if isinstance(of, list) else [of]), *settings[name]]
            for name, of in own_lists.items()
        }
        file["router_settings"] = {**router, **added}
    return warnings


def _name_ids(file: dict) -> None:
    """Groups in place of the ids of `model_info` that a file's fallbacks name; of a deployment
    beside others a group of its own.
    """
    entries = file["model_list"]
    names = [entry["model_name"] for entry in entries]
    ids = {str((entry.get("model_info") or {}).get("id", "")): entry for entry in entries}
    by_id = {i: entry for i, entry in ids.items() if i not in ("", *names)}

    def group_of(name: str) -> str:
        if name not in by_id:
            return name
        group = by_id[name]["model_name"]
        if names.count(group) > 1:
            group = f"{HIDDEN}{name}"
            entries.append({**by_id[name], "model_name": group})
            by_id[name] = entries[-1]
        return group

    for section in ("router_settings", "litellm_settings"):
        settings = file.get(section) or {}
        pairs = [pair for setting in OF_GROUPS for pair in settings.get(setting) or ()]
        for listed in (settings.get(OF_ALL) or [], *(to for pair in pairs for to in pair.values())):
            listed[:] = map(group_of, listed)


def _inherited(params: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """A deployment's settings for its fallback; no key goes to another provider."""
    asked = resolve_model({"model": model})[1]
    with suppress(UnknownProvider):
        if not params or resolve_model(params)[1] == asked:
            return params
    return {name: value for name, value in params.items() if name not in OF_PROVIDER}


def _listed(value: Any, group: str) -> Iterator[Any]:
    """The models of a setting, which people write as a name, a list, or pairs of group and list."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "model" not in one:
            for name, models in one.items():
                if isinstance(models, str) or name in (group, "*"):
                    yield from _listed(models, group)
        elif one:
            yield one


def _groups(
    wanted: Iterable[Any],
    params: Mapping[str, Any],
    group: str,
    groups: dict[str, list[dict]],
    warnings: list[str],
) -> Iterator[str]:
    """The groups that answer for the wanted models; one is added where there is none.

    params: of the deployment, which LiteLLM uses for its fallbacks too.
    """
    for one in wanted:
        named = one if isinstance(one, dict) else {"model": one}
        model = str(named["model"])
        if model in groups:
            yield model
            continue
        try:
            own = {**_inherited(params, model), **named, "model": model}
            resolve_model(own)
        except Exception:  # LiteLLM has several for it
            warnings.append(
                f"The fallback {model!r} of {group} is left out: it is no model_name of the file "
                "and no provider/model that LiteLLM knows."
            )
            continue
        name = f"{HIDDEN}{group}: {model}"
        groups.setdefault(name, [{k: v for k, v in own.items() if k not in NOT_OF_FALLBACK}])
        yield name
