"""LiteLLM's router: the deployments in force, and which of them is asked."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import litellm
from litellm.litellm_core_utils.routing_common_utils import resolve_model_group_alias
from litellm.proxy import proxy_server
from litellm.redis.stores.connection import connect
from litellm.redis.stores.router_cooldowns import RouterCooldownStore
from litellm.types.router import RouterGeneralSettings

from vui_gateway.litellm_proxy import auto_routers
from vui_gateway.litellm_proxy.catalogue import (
    configured_address,
    forget,
    prices,
    set_module,
    takes_tools,
    thinks_aloud,
)
from vui_gateway.litellm_proxy.redis import RouterRedis
from vui_gateway.litellm_proxy.rows import Rows, recorded, use_rows
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.litellm_proxy.user_hooks import USER
from vui_gateway.providers import thinking
from vui_gateway.providers.citations import cites
from vui_gateway.turns.deployment import Deployment

__all__ = ["HIDDEN", "RouterInForce", "lifespan", "served_names"]

log = logging.getLogger("vui_gateway")

# Groups that are asked as fallbacks only: the beginning of their names.
HIDDEN = "fallback of "
# A model name that a wildcard may match, as providers write them; some contain a path.
MODEL_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9._:/@+~-]+")
# Fields of LiteLLM's `/model/info` for `vui-litellm check`; the rest may hold credentials.
SHOWN_PARAMS = ("model", "order")
SHOWN_INFO = (
    "id", "mode", "max_input_tokens", "max_output_tokens", "input_cost_per_token",
    "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost",
)  # fmt: skip


def lifespan() -> Any:
    """LiteLLM's own start and end, as an asynchronous context."""
    app = proxy_server.app
    return app.router.lifespan_context(app)


class RouterInForce:
    """LiteLLM's router, replaced as a whole: all of a configuration is in force, or nothing.

    Attributes:
        notes: by model group, a sentence that `/model/info` adds.
        servers: where the deployments are.

    Args:
        redis_url: of the Redis for its routing strategies, where there are other gateways.
    """

    def __init__(self, redis_url: str = "", servers: Servers | None = None) -> None:
        self.notes: dict[str, str] = {}
        self.servers = servers or Servers()
        self._redis = RouterRedis(redis_url) if redis_url else None
        self._chooses = False  # the file has a router
        self._rows: WeakKeyDictionary[Any, Rows] = WeakKeyDictionary()

    def build(self, model_list: list[dict], settings: dict, module_settings: dict) -> Any:
        """A router that isn't used yet; nothing is changed.

        Raises:
            Exception: whatever LiteLLM raises for a setting or a deployment.
        """
        before = set_module(module_settings)
        try:
            with recorded() as rows:
                router = litellm.Router(
                    **settings,
                    model_list=model_list,
                    cache_responses=litellm.cache is not None,
                    router_general_settings=RouterGeneralSettings(async_only_mode=True),
                )
            self._rows[router] = rows
            if self._redis:
                # The same as `redis_url`, but with one client for all routers: a new one is
                # made at each edit, and asks Redis for its version while everybody waits.
                # https://docs.litellm.ai/docs/proxy/load_balancing
                router.update_redis_cache(self._redis)
                if settings.get("disable_cooldowns"):  # nobody writes any: none is read
                    memory = RouterCooldownStore(connect(None).router_cooldowns())
                    router.health().cooldowns.cooldown_store = memory
            return router
        finally:
            vars(litellm).update(before)

    def use(self, router: Any, module_settings: dict) -> None:
        """Ask it from the next call on; calls under way end with the one they began with."""
        set_module(module_settings)
        use_rows(self._rows.get(router, {}))
        forget()
        before, proxy_server.llm_router = proxy_server.llm_router, router
        proxy_server.llm_model_list = models = router.get_model_list()
        self._chooses = any(auto_routers.is_router(entry) for entry in models or ())
        if before is not None:
            before.discard()  # its entries in LiteLLM's lists of callbacks

    @property
    def model_groups(self) -> list[str]:
        """The names that are served, as `/v1/models` lists them."""
        router: Any = proxy_server.llm_router
        return served_names(router.model_group_alias, router.get_model_names())

    def serves(self, model_group: str) -> bool:
        """Whether a call can ask for it, wildcards and aliases included."""
        router: Any = proxy_server.llm_router
        exact = model_group in router.get_model_names() or model_group in router.model_group_alias
        return bool((exact or MODEL_NAME.fullmatch(model_group)) and self._of(model_group))

    async def listing(self, notes: Mapping[str, str]) -> list[dict]:
        """The deployments as LiteLLM's `/model/info` lists them, with a few fields of each: those
        of an alias once more, and a wildcard as it is written.

        notes: by deployment id, a sentence that is added.

        Source: https://docs.litellm.ai/docs/proxy/model_management
        """
        router: Any = proxy_server.llm_router
        listed = await proxy_server.model_info_v1(user_api_key_dict=USER)
        infos = {e["model_info"]["id"]: e["model_info"] for e in json.loads(listed.body)["data"]}
        found, entries = [], router.get_model_list()  # with aliases of groups, not of wildcards
        known = {entry["model_name"] for entry in entries}
        for alias in [name for name in self.model_groups if name not in known]:
            entries += [{**entry, "model_name": alias} for entry in self._of(alias)]
        for entry in entries:
            if entry["model_name"].startswith(HIDDEN):
                continue
            params, info = entry["litellm_params"], infos.get(entry["model_info"]["id"], {})
            shown = {name: params[name] for name in SHOWN_PARAMS if name in params}
            if params.get("mock_response"):
                shown["mock_response"] = True
            prices = {name: info[name] for name in SHOWN_INFO if name in info}
            if "*" in entry["model_name"]:  # each of its models has its own
                prices = {"id": entry["model_info"]["id"]}
            name, about = entry["model_name"], notes.get(entry["model_info"]["id"], "")
            if note := " ".join(filter(None, (self.notes.get(name), about))):
                prices["note"] = note
            found.append({"model_name": name, "litellm_params": shown, "model_info": prices})
        return found

    async def choose(self, model_group: str, metadata: dict | None = None) -> Deployment | None:
        """The deployment that a call would ask now; None when there is none.

        metadata: of the request, for `Hooks.async_filter_deployments`.
        """
        router: Any = proxy_server.llm_router
        try:
            found = await router.async_get_available_deployment(
                model_group, request_kwargs={"metadata": metadata or {}}
            )
        except Exception:  # LiteLLM has several for it
            return None
        params, info = found["litellm_params"], found["model_info"]
        first_words, thinks = params.get("stream_timeout"), thinking.thinks(params)
        own = params["model"], first_words, thinks, *prices(params, info)
        aloud = thinks_aloud(
            params["model"], params.get("custom_llm_provider"), configured_address(params)
        )
        server = self.servers.of(info["id"])
        where = (server.origin, server.local) if server else ("", False)
        marks = cites(params["model"])
        return Deployment(info["id"], *own, *where, thinks_aloud=aloud, cites=marks)

    async def route(self, model_group: str, body: dict) -> tuple[str, dict]:
        """The group that a router of the file chooses for a request, and the request as it gets it.

        No group where the file has no router for it.
        """
        router: Any = proxy_server.llm_router
        if not self._routers(model_group):
            return "", body
        messages = [auto_routers.shortened(message) for message in body["messages"]]
        request = {**body, "messages": messages, "metadata": {}}
        try:
            found = await router.async_pre_routing_hook(
                model=model_group, request_kwargs=request, messages=request["messages"]
            )
        except Exception as error:  # LiteLLM has several for it; its words may be the listener's
            log.warning(
                "The router %s can't choose a model (%s): its models are asked in their order. "
                "Check its complexity_router_config.", model_group, type(error).__name__,
            )  # fmt: skip
            return "", body
        if not found:
            return "", body
        return found.model, {**body, **auto_routers.pinned(request, found.litellm_params)}

    @property
    def toolless(self) -> dict[str, str]:
        """The ids of the deployments whose model takes no tools, with its name."""
        router: Any = proxy_server.llm_router
        found = {}
        for entry in router.get_model_list() or ():
            params = entry["litellm_params"]
            model, provider = params["model"], params.get("custom_llm_provider")
            asked = "tools" in (params.get("allowed_openai_params") or ())
            if not (asked or params.get("mock_response") or takes_tools(model, provider)):
                found[entry["model_info"]["id"]] = model
        return found

    def chosen_from(self, model_group: str) -> list[str]:
        """The groups that a router of the file chooses from for this one; else itself."""
        routers = self._routers(model_group)
        return [one for params in routers for one in auto_routers.targets(params)] or [model_group]

    def ids(self, model_group: str) -> list[str]:
        """The ids of a model group's deployments."""
        entries = self._of(model_group)
        return [e["model_info"]["id"] for e in entries if not auto_routers.is_any_router(e)]

    def drawn_with(self, deployment: str) -> list[str]:
        """The ids that the next call may go to as well as to this one: of its group and order."""
        own = proxy_server.llm_router.get_deployment(deployment)
        order = own and own.litellm_params.get("order")
        entries = self._of(own.model_name) if own else ()
        return [e["model_info"]["id"] for e in entries if e["litellm_params"].get("order") == order]

    def _routers(self, model_group: str) -> list[dict]:
        """The settings of the file's routers for a group."""
        entries = self._of(model_group) if self._chooses else ()
        return [entry["litellm_params"] for entry in entries if auto_routers.is_router(entry)]

    def _of(self, model_group: str) -> list[dict]:
        router: Any = proxy_server.llm_router
        # LiteLLM lists no wildcard's model for an alias, and chooses it all the same.
        meant = resolve_model_group_alias(router.model_group_alias, model_group) or model_group
        return router.get_model_list(model_name=meant) or []


def served_names(aliases: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The names of `/v1/models`, each once: the shown aliases, then the groups of the file."""
    shown = [a for a, of in aliases.items() if not (isinstance(of, dict) and of.get("hidden"))]
    return [one for one in dict.fromkeys([*shown, *names]) if not one.startswith(HIDDEN)]
