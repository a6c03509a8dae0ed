"""The names in a file's fallbacks: groups of the file, and sentences about other names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from vui_gateway.config.default_group import ALIAS, DEFAULT_GROUP, DEMO
from vui_gateway.config.shape import OF_ALL, OF_GROUPS
from vui_gateway.config.values import few, is_served, suggestion
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.turns.candidates import is_like

__all__ = ["settle_fallbacks"]

ANY_GROUP = "*"
MANY_CURE = "Write model_names of the file there."


def settle_fallbacks(file: dict, others: Iterable[str], place: Callable[..., str]) -> Iterator[str]:
    """Let a file's fallbacks count for the groups that LiteLLM counts them for.

    A sentence for each setting with names that the file has no model for.

    others: names of entries of `model_list` that can't be used. place: of the steps to a setting,
    its file and line.
    """
    aliases = (file.get("router_settings") or {}).get(ALIAS) or {}
    of_file = (entry["model_name"] for entry in file["model_list"])
    names = dict.fromkeys((*of_file, *others, *aliases, DEFAULT_GROUP, DEMO["model_name"]))
    for section in ("router_settings", "litellm_settings"):
        settings = file.get(section) or {}
        for setting in [name for name in (*OF_GROUPS, OF_ALL) if name in settings]:
            unknown: dict[str, None] = {}
            if setting == OF_ALL:
                listed = settings[setting]
            else:
                settings[setting] = list(_settled(settings[setting], names, unknown))
                listed = [n for pairs in settings[setting] for to in pairs.values() for n in to]
            unknown |= dict.fromkeys(name for name in listed if not is_served(name, names))
            if unknown:
                yield f"{place(section, setting)}: {section}.{setting} {_said(unknown, names)}"


def _settled(
    pairs: Iterable[Mapping[str, Any]], names: Collection[str], unknown: dict[str, None]
) -> Iterator[dict]:
    """By group of the file, its fallbacks; `unknown` gets the groups that it hasn't."""
    listed = [(group, to) for one in pairs for group, to in one.items()]
    exact = {group for group, _ in listed}
    for group, to in listed:
        if group == ANY_GROUP or is_served(group, names):
            yield {group: to}
            continue
        meant = [name for name in names if _is_prefixed(name, group)]
        meant += [*_of_wildcards(group, names), *_of_inferred_provider(group, names)]
        if not meant:
            unknown[group] = None
        yield from ({name: to} for name in meant if name not in exact)


def _is_prefixed(whole: str, name: str) -> bool:
    """Whether `whole` is `name` with a provider before it.

    https://github.com/BerriAI/litellm: litellm/router_utils/fallback_event_handlers.py
    """
    provider, _, model = whole.partition("/")
    return model == name and provider in UnknownProvider.known


def _of_inferred_provider(group: str, names: Collection[str]) -> Iterator[str]:
    """The group without its provider, where LiteLLM knows that its name is that provider's."""
    provider, _, name = group.partition("/")
    if name in names and "/" not in name:
        with suppress(UnknownProvider):
            if resolve_model({"model": name})[1] == provider:
                yield name


def _of_wildcards(group: str, names: Iterable[str]) -> Iterator[str]:
    """The group behind the providers of wildcards, as `openai/gpt-4.1` for `openai/*`."""
    for name in names:
        provider, _, pattern = name.partition("/")
        if "*" in pattern and provider in UnknownProvider.known and is_like(group, pattern):
            yield f"{provider}/{group}"


def _said(unknown: Mapping[str, None], names: Collection[str]) -> str:
    listed = list(unknown)
    cure = suggestion(listed[0], names, MANY_CURE) if len(listed) == 1 else MANY_CURE
    return f"has no effect for {few([*map(repr, listed)])}: no model_name of the file. {cure}"
