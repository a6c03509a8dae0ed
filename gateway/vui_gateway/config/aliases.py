"""The aliases of a file: other names of its model groups.

https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from vui_gateway.config.default_group import ALIAS, DEFAULT_GROUP
from vui_gateway.config.left_out import LeftOut
from vui_gateway.config.values import is_served, suggestion
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.turns.candidates import is_like

__all__ = ["group_of", "mend_aliases", "settle_aliases", "with_default"]


def mend_aliases(router: dict, place: Callable[..., str]) -> Iterator[str]:
    if ALIAS not in router:
        return
    aliases = router.pop(ALIAS)
    pairs = aliases.items() if isinstance(aliases, dict) else [(ALIAS, aliases)]
    good = {}
    for name, of in pairs:
        if isinstance(aliases, dict) and isinstance(group_of(of), str):
            good[name] = of
        else:
            where = place("router_settings", ALIAS, name)
            yield f"{where}: router_settings.{ALIAS} is ignored there. Write it as `alias: group`."
    if good:
        router[ALIAS] = good


def settle_aliases(
    file: dict, usable: list[dict], lacking: list[LeftOut], place: Callable[..., str]
) -> Iterator[str]:
    """Lets each alias mean a group that is served, also behind another alias, and takes out the
    others: with what their group lacks, which `lacking` gets, or else with a sentence.

    place: of the steps to a setting, its file and line.
    """
    aliases = (file.get("router_settings") or {}).get(ALIAS) or {}
    targets = {name: group_of(of) for name, of in aliases.items()}
    served = list(dict.fromkeys([*(entry["model_name"] for entry in usable), DEFAULT_GROUP]))
    for name, target in targets.items():
        seen = {name}
        while target not in served and target in targets and target not in seen:
            seen.add(target)
            target = targets[target]
        if found := _served(target, served):
            aliases[name] = _meaning(aliases[name], found)
            continue
        del aliases[name]
        lacks = [one for one in lacking if is_like(target, one.model_name)]
        lacking += [replace(one, model_name=name) for one in lacks]
        if not lacks:
            where = f"{place('router_settings', ALIAS, name)}: router_settings.{ALIAS}.{name}"
            cure = suggestion(target, served, "Write a model_name of the file.")
            yield f"{where} has no effect: {target!r} is no model_name of the file. {cure}"


def with_default(aliases: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The aliases where another group stands in for the default one."""
    others = {
        a: _meaning(of, group) if group_of(of) == DEFAULT_GROUP else of for a, of in aliases.items()
    }
    return {DEFAULT_GROUP: group, **others}


def group_of(alias: Any) -> Any:
    """The group that an alias means: `{model: group}`, or the group itself."""
    return alias.get("model") if isinstance(alias, dict) else alias


def _meaning(of: Any, group: str) -> Any:
    return {**of, "model": group} if isinstance(of, dict) else group


def _served(name: str, served: Collection[str]) -> str:
    """The name that LiteLLM serves for one: itself, or behind its provider, for a wildcard."""
    names = [name]
    with suppress(UnknownProvider):
        names.append(f"{resolve_model({'model': name})[1]}/{name}")
    return next((one for one in names if is_served(one, served)), "")
