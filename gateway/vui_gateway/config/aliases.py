"""The aliases of a file: other names of its model groups.

https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["ALIAS", "mend_aliases"]

ALIAS = "model_group_alias"


def mend_aliases(router: dict, place: Callable[..., str]) -> Iterator[str]:
    if ALIAS not in router:
        return
    aliases = router.pop(ALIAS)
    pairs = aliases.items() if isinstance(aliases, dict) else [(ALIAS, aliases)]
    good = {}
    for name, of in pairs:
        group = of.get("model") if isinstance(of, dict) else of
        if isinstance(aliases, dict) and isinstance(group, str):
            good[name] = of
        else:
            where = place("router_settings", ALIAS, name)
            yield f"{where}: router_settings.{ALIAS} is ignored there. Write it as `alias: group`."
    if good:
        router[ALIAS] = good
