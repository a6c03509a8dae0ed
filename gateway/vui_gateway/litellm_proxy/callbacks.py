"""The user's callbacks and cache, put in force and taken out on the running LiteLLM.

https://docs.litellm.ai/docs/proxy/logging and https://docs.litellm.ai/docs/proxy/caching
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import litellm
from litellm.caching.caching import Cache
from litellm.integrations.custom_logger import CustomLogger
from litellm.litellm_core_utils import litellm_logging
from litellm.proxy import proxy_server
from litellm.proxy.common_utils.callback_utils import initialize_callbacks_on_proxy
from litellm.proxy.types_utils.utils import get_instance_fn
from litellm.router_api import ChangeSet

from vui_gateway.litellm_proxy import exporters
from vui_gateway.litellm_proxy.callback_names import (
    ALL_EVENTS,
    CALLBACK_SETTINGS,
    lacks_package,
)
from vui_gateway.litellm_proxy.in_thread import START_SECONDS, in_thread
from vui_gateway.litellm_proxy.user_hooks import callback_lists
from vui_gateway.logs import quiet, words

__all__ = ["SETTINGS", "Callbacks"]

CACHE_SETTING, CACHE_PARAMS = "cache", "cache_params"
SETTINGS = frozenset({*CALLBACK_SETTINGS, CACHE_SETTING, CACHE_PARAMS})
PROMETHEUS = "prometheus"  # a second one would count by the same names, which its library refuses

_in_turn = threading.Lock()


class Wanted(NamedTuple):
    """A callback, or the cache, as the files have it.

    Attributes:
        setting, name: of `litellm_settings`, and the value in it.
        mark: changes with all that it may read: its settings, and variables of `.env`.
    """

    setting: str
    name: str
    mark: str = ""


class Callbacks:
    """The callbacks and the cache in force, and why others failed.

    Attributes:
        failed: a sentence for each that can't be put in force.
    """

    def __init__(self) -> None:
        self.failed: list[str] = []
        self._made: dict[Wanted, Any] = {}
        self._hanging: set[Wanted] = set()  # their threads are left behind: one for each is enough

    async def apply(self, settings: Mapping[str, Any], path: Path, env: Mapping[str, str]) -> None:
        """Put those of `litellm_settings` in force and take the earlier ones out.

        Calls go on meanwhile: each is made in a thread, all at once, with ten seconds at the most.

        path: of the configuration, beside which a callback's module may be. env: the variables
            that callbacks may read.
        """
        wanted, self.failed = _wanted(settings, env)
        for gone in set(self._made) - set(wanted):
            self._take_out(gone, made := self._made.pop(gone))
            if made not in self._made.values():
                exporters.close(made)
        self.failed += [
            _sentence(one, path, TimeoutError()) for one in wanted if one in self._hanging
        ]
        new = [one for one in wanted if one not in self._made and one not in self._hanging]
        built = await asyncio.gather(
            *(in_thread(_maker(one, settings, path)) for one in new), return_exceptions=True
        )
        for one, found in zip(new, built, strict=True):
            try:
                if isinstance(found, BaseException):
                    raise found
                if one.setting == CACHE_SETTING and hasattr(found.cache, "ping"):
                    with quiet():
                        async with asyncio.timeout(START_SECONDS):
                            await found.ping()
            except Exception as error:
                if isinstance(found, TimeoutError):
                    self._hanging.add(one)
                self._take_out(one, found)
                self.failed.append(_sentence(one, path, error))
            else:
                self._made[one] = found
        # Taking one out has also removed the other entry of its name.
        for one, found in self._made.items():
            self._put_in(one, found)

    def _put_in(self, one: Wanted, made: Any) -> None:
        if one.setting == CACHE_SETTING:
            _use_cache(made)
            return
        lists = [getattr(litellm, one.setting)]
        if one.setting != ALL_EVENTS and isinstance(made, CustomLogger):
            lists.append(getattr(litellm, f"_async_{one.setting}"))
        for callbacks in lists:
            if made not in callbacks:
                callbacks.append(made)

    def _take_out(self, one: Wanted, made: Any) -> None:
        if one.setting == CACHE_SETTING:
            _use_cache(None)
        lists = callback_lists()
        if one.name != PROMETHEUS:
            lists.append(litellm_logging._in_memory_loggers)
        for callbacks in lists:
            callbacks[:] = [other for other in callbacks if other not in (made, one.name)]


def _wanted(settings: Mapping[str, Any], env: Mapping[str, str]) -> tuple[list[Wanted], list[str]]:
    """The callbacks and the cache that the settings name, and a sentence for each wrong name."""
    mark = sha256(json.dumps(dict(env), sort_keys=True).encode()).hexdigest()
    wanted, wrong = [], []
    for setting in CALLBACK_SETTINGS:
        value = settings.get(setting) or []
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str):
                wanted.append(Wanted(setting, name, mark))
            else:
                wrong.append(f"litellm_settings.{setting} is a list of names, not of {name!r}.")
    if settings.get(CACHE_SETTING):
        wanted.append(Wanted(CACHE_SETTING, CACHE_SETTING, repr(settings.get(CACHE_PARAMS)) + mark))
    return list(dict.fromkeys(wanted)), wrong


def _maker(one: Wanted, settings: Mapping[str, Any], path: Path) -> Callable[[], Any]:
    """Returns its constructor, which may block: imports, connections, files."""
    if one.setting == CACHE_SETTING:
        return lambda: Cache(**_cache_params(settings.get(CACHE_PARAMS) or {}))
    if one.name in litellm._known_custom_logger_compatible_callbacks:
        usage = proxy_server.proxy_logging_obj.internal_usage_cache.dual_cache
        build = litellm_logging.build_custom_logger_compatible_class

        def known() -> Any:
            def its() -> Any:
                return build(one.name, usage, proxy_server.llm_router)

            if one.name in exporters.EXPORTERS:
                loggers = litellm_logging._in_memory_loggers
                return _known(exporters.made(one.name, its, loggers))
            return _known(its())

        return known
    if "." in one.name:
        return lambda: _instance(get_instance_fn(one.name, str(path)))
    if one.setting == ALL_EVENTS:
        return lambda: _initialized(one.name, settings, path)

    def legacy() -> str:
        if lacks_package(one.name):  # LiteLLM would install it now
            raise ValueError("it needs a package that isn't here")
        litellm_logging.set_callbacks([one.name])
        return one.name

    return legacy


def _initialized(name: str, settings: Mapping[str, Any], path: Path) -> Any:
    """One of LiteLLM's own for all events, which adds itself to its list."""
    with _in_turn:
        before = {id(one) for one in litellm.callbacks}
        initialize_callbacks_on_proxy([name], False, str(path), dict(settings))
        return next(one for one in litellm.callbacks if id(one) not in before)


def _instance(found: Any) -> Any:
    if isinstance(found, type) or not (callable(found) or isinstance(found, CustomLogger)):
        raise ValueError("it is no callback object and no function")
    return found


def _known(made: Any) -> Any:
    if made is None:
        raise ValueError("LiteLLM doesn't know it")
    return made


def _cache_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """As LiteLLM's proxy has them: without any, a Redis that variables name."""
    if params:
        return dict(params)
    found = {name: litellm.get_secret(f"REDIS_{name.upper()}", None) for name in ("host", "port")}
    password = litellm.get_secret("REDIS_PASSWORD", None)
    return {"type": "redis", **found, **({"password": password} if password else {})}


def _use_cache(cache: Cache | None) -> None:
    litellm.cache = cache
    if router := proxy_server.llm_router:
        router.apply(ChangeSet(assign={"cache_responses": cache is not None}))


def _sentence(one: Wanted, path: Path, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        why = f"it takes more than {START_SECONDS:.0f} seconds"
    else:
        why = words(error) or type(error).__name__
    name = "" if one.setting == CACHE_SETTING else f" {one.name}"
    if isinstance(error.__cause__, exporters.ExportedTwiceError):
        return f"{path}: litellm_settings.{one.setting}{name} is left out: {error}."
    return (
        f"{path}: litellm_settings.{one.setting}{name} is left out, it can't start ({why}). "
        "Correct or remove it."
    )
