"""LiteLLM's router, prices, clients, and our hooks in it; the rest is in `litellm_proxy/`.

An upgrade is reviewed in these two places: `make compat` tries a new one.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import math
import re
import warnings
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from vui_gateway.litellm_proxy import environment  # noqa: F401  LiteLLM reads it at its import

# isort: split
import litellm
from litellm.caching.redis_cache import (
    RedisCache,
    RedisCircuitBreakerOpenError,
    RedisHealth,
)
from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.custom_httpx.http_handler import get_async_httpx_client
from litellm.proxy import proxy_server
from litellm.redis.store_settings import RedisBreakerSettings, RedisStoreSettings
from litellm.redis.stores.connection import connect
from litellm.redis.stores.router_cooldowns import RouterCooldownStore
from litellm.rust_bridge._native import NativeRedisBreaker
from litellm.types.router import RouterGeneralSettings
from litellm.types.utils import LlmProviders
from litellm.utils import cost_map_omits_token_price
from pydantic import TypeAdapter, ValidationError

from vui_gateway.litellm_proxy import callbacks, patches
from vui_gateway.litellm_proxy.transport import answered
from vui_gateway.litellm_proxy.user_hooks import USER
from vui_gateway.providers import clients
from vui_gateway.turns.attempt import Attempt, Deployment

__all__ = [
    "CALL_LOGGERS", "IDLE_TALK", "LOGGERS", "Hooks", "RouterInForce", "RouterRedis",
    "UnknownProvider", "app", "http_client", "lifespan", "misfit", "model_info",
    "module_setting_names", "resolve_model", "router_setting_names", "untested",
]  # fmt: skip

TESTED = "1.110.2"
# Its loggers, and those that say of a failed call what its answer says, in a hundred lines.
LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router")
CALL_LOGGERS = LOGGERS[1:]
# Warnings at each start, about an admin UI and a database that aren't here, and about nothing.
IDLE_TALK = ("trusted_proxy_ranges is not set", "gc.freeze pinned")

# Groups that are asked as fallbacks only: the beginning of their names.
HIDDEN = "fallback of "
# What a wildcard may stand for: models as providers name them. Some have them in a path.
MODEL_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9._:/@+~-]+")
# Of LiteLLM's `/model/info`, what `vui-litellm check` needs; the rest may hold credentials.
SHOWN_PARAMS = ("model", "order")
SHOWN_INFO = (
    "id", "mode", "max_input_tokens", "max_output_tokens", "input_cost_per_token",
    "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost",
)  # fmt: skip

app = proxy_server.app
lifespan = app.router.lifespan_context

# What `litellm_settings` has changed in LiteLLM's module: the values from before.
_unset: dict[str, Any] = {}

# What YAML can hold; LiteLLM's other variables are clients and classes.
PLAIN = (bool, int, float, str, list, dict, set)
# LiteLLM knows these, without a variable of the same name.
START_SETTINGS = frozenset(
    ("cache_params", "enable_redis_auth_cache", "mcp_semantic_tool_filter", "presidio_logging_only",
     "public_routes", "service_callbacks", "suppress_startup_output",
     "websearch_interception_params")
)  # fmt: skip

litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
# The members of the router that it calls deprecated are there in every version that is tested.
warnings.filterwarnings("ignore", message=r"Router\.\w+ is deprecated", category=DeprecationWarning)


clients.install(answered)
patches.install()

# LiteLLM makes a class for each streamed call, with the whole reply in its closure, and Python
# before 3.12.4 keeps the last 128 classes that it looked at: 19 MB for each of the longest replies.
# https://github.com/python/cpython/issues/118013
if _kept := getattr(inspect, "_shadowed_dict_from_mro_tuple", None):

    def _forget_classes(phase: str, info: Mapping[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            _kept.cache_clear()  # type: ignore[union-attr]

    gc.callbacks.append(_forget_classes)


class UnknownProvider(ValueError):
    """LiteLLM knows no such provider; `known` are those that it does."""

    known = tuple(str(getattr(p, "value", p)) for p in litellm.provider_list)


def untested() -> str:
    """The version of LiteLLM when it isn't the tested one, else nothing."""
    found = version("litellm")
    return "" if found == TESTED else found


def resolve_model(params: Mapping[str, Any]) -> tuple[str, str, str]:
    """Model, provider and address of a deployment's `litellm_params`; "" where LiteLLM says none.

    Raises:
        UnknownProvider: LiteLLM wouldn't know whom to ask.
    """
    try:
        model, provider, _, base = litellm.get_llm_provider(
            params["model"], params.get("custom_llm_provider"), params.get("api_base")
        )
    except litellm.BadRequestError as error:
        raise UnknownProvider(params["model"]) from error
    return model, provider, base or ""


def model_info(provider: str, model: str) -> Mapping[str, Any]:
    """What LiteLLM's table says of a model; empty when it isn't in it."""
    with suppress(Exception):  # LiteLLM raises a bare one
        return dict(litellm.get_model_info(model, custom_llm_provider=provider))
    return {}


def router_setting_names() -> frozenset[str]:
    """What `router_settings` may hold: https://docs.litellm.ai/docs/proxy/config_settings"""
    ours = {"self", "model_list", "cache_responses", "router_general_settings"}
    return frozenset(inspect.signature(litellm.Router.__init__).parameters) - ours


def module_setting_names() -> frozenset[str]:
    """What `litellm_settings` may hold: variables of LiteLLM's module, and what its start reads."""
    found = {n for n, v in vars(litellm).items() if v is None or isinstance(v, PLAIN)}
    return frozenset(found | START_SETTINGS)


def misfit(name: str, value: Any) -> str:
    """Why a setting of `litellm_settings` can't have this value; empty when it can.

    LiteLLM takes any value, and each call fails.
    """
    default = _unset.get(name, getattr(litellm, name, None))
    kind = litellm.__annotations__.get(name)
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


def http_client(provider: str | None) -> Any:
    """The HTTP client that LiteLLM keeps for one provider, or for all that have none."""
    if provider is None:
        return litellm.module_level_aclient.client
    return get_async_httpx_client(LlmProviders(provider), params={"ssl_verify": None}).client


class RouterRedis(RedisCache):
    """The Redis in which routers keep what their routing strategies count, for all gateways.

    They ask it during a call: an answer that takes longer than `LIMIT` is none, and nothing is
    asked for `PAUSE` after it. LiteLLM then goes on with what is in its memory.
    """

    LIMIT, PAUSE = 0.05, 1.0  # seconds

    def __init__(self, url: str) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # It would say each failure with its traceback: the gateway says once that Redis is away.
        own = ("redis_", "dual_cache")  # its modules for it, and those in Rust
        litellm.verbose_logger.addFilter(
            lambda record: (
                not record.filename.startswith(own) and "redis-store" not in record.pathname
            )
        )
        limits = {"socket_timeout": self.LIMIT, "socket_connect_timeout": self.LIMIT}
        super().__init__(url=url, retry=Retry(NoBackoff(), 0), **limits)
        breaker = RedisBreakerSettings(1, self.PAUSE, timeout_min_duration=0.0)
        # LiteLLM's client in Rust never retries, and warns of the setting.
        kwargs = {name: v for name, v in self.redis_kwargs.items() if name != "retry"}
        self.store_settings = RedisStoreSettings(kwargs, None, self.default_ttl, breaker)
        # A server has one breaker as long as somebody holds it: LiteLLM's own goes first.
        self._health = None
        self._breaker = NativeRedisBreaker.shared(kwargs, breaker)
        self._health = RedisHealth(self._breaker, self.service_logger_obj)

    def _setup_health_pings(self) -> None:
        """Nobody waits for a Redis, and its absence is said by the gateway itself."""

    def _admit_async_call(self, call: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
        return self._bounded(call)

    async def _bounded(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self.LIMIT):
                return await call()
        except Exception as error:
            self._breaker.failed(False)
            # What LiteLLM takes from its memory, without a traceback in the log.
            raise RedisCircuitBreakerOpenError("Redis is away.") from error


class RouterInForce:
    """LiteLLM's router, replaced as a whole: all of a configuration is in force, or nothing.

    Attributes:
        notes: of a model group, what `/model/info` says about it besides.
        redis: for its routing strategies, where there are other gateways.
    """

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.redis: RouterRedis | None = None

    def build(self, model_list: list[dict], settings: dict, module_settings: dict) -> Any:
        """A router that isn't used yet; nothing is changed.

        Raises:
            Exception: whatever LiteLLM raises for a setting or a deployment.
        """
        before = _set_module(module_settings)
        try:
            router = litellm.Router(
                **settings,
                model_list=model_list,
                cache_responses=litellm.cache is not None,
                router_general_settings=RouterGeneralSettings(async_only_mode=True),
            )
            if self.redis:
                # What its `redis_url` does, but with one client for all routers: a new one is
                # made at each edit, and asks Redis for its version while everybody waits.
                # https://docs.litellm.ai/docs/proxy/load_balancing
                router.update_redis_cache(self.redis)
                if settings.get("disable_cooldowns"):  # nobody writes any: none is read
                    memory = RouterCooldownStore(connect(None).router_cooldowns())
                    router.health().cooldowns.cooldown_store = memory
            return router
        finally:
            vars(litellm).update(before)

    def use(self, router: Any, module_settings: dict) -> None:
        """Ask it from the next call on; calls under way end with the one they began with."""
        _set_module(module_settings)
        before = proxy_server.llm_router
        proxy_server.llm_router = router
        proxy_server.llm_model_list = router.get_model_list()
        if before is not None:
            before.discard()  # what it left in LiteLLM's lists of callbacks

    @property
    def model_groups(self) -> list[str]:
        """What is served, as `/v1/models` lists it."""
        names = dict.fromkeys(proxy_server.llm_router.get_model_names())
        return [name for name in names if not name.startswith(HIDDEN)]

    def serves(self, model_group: str) -> bool:
        """Whether a call can ask for it, wildcards and aliases included."""
        router: Any = proxy_server.llm_router
        exact = model_group in router.get_model_names() or model_group in router.model_group_alias
        if not exact and not MODEL_NAME.fullmatch(model_group):
            return False
        return bool(router.get_model_list(model_name=model_group))

    async def listing(self) -> list[dict]:
        """The deployments as LiteLLM's `/model/info` lists them, with a few fields of each: those
        of an alias once more, and a wildcard as it is written.

        Source: https://docs.litellm.ai/docs/proxy/model_management
        """
        router: Any = proxy_server.llm_router
        told = await proxy_server.model_info_v1(user_api_key_dict=USER)
        infos = {e["model_info"]["id"]: e["model_info"] for e in json.loads(told.body)["data"]}
        found = []
        for entry in router.get_model_list():  # with those of aliases
            if entry["model_name"].startswith(HIDDEN):
                continue
            params, info = entry["litellm_params"], infos.get(entry["model_info"]["id"], {})
            shown = {name: params[name] for name in SHOWN_PARAMS if name in params}
            if params.get("mock_response"):
                shown["mock_response"] = True
            prices = {name: info[name] for name in SHOWN_INFO if name in info}
            if "*" in entry["model_name"]:  # each of its models has its own
                prices = {"id": entry["model_info"]["id"]}
            if note := self.notes.get(name := entry["model_name"]):
                prices["note"] = note
            found.append({"model_name": name, "litellm_params": shown, "model_info": prices})
        return found

    async def choose(self, model_group: str, metadata: dict | None = None) -> Deployment | None:
        """The deployment that a call would ask now; None when there is none.

        metadata: what `Hooks.async_filter_deployments` gets to see of the request.
        """
        router: Any = proxy_server.llm_router
        try:
            found = await router.async_get_available_deployment(
                model_group, request_kwargs={"metadata": metadata or {}}
            )
        except Exception:  # LiteLLM has several for it
            return None
        params, info = found["litellm_params"], found["model_info"]
        thinks = any(params.get(name) for name in ("reasoning_effort", "thinking"))
        own = params["model"], params.get("stream_timeout"), thinks, *_prices(params, info)
        return Deployment(info["id"], *own)

    def ids(self, model_group: str) -> list[str]:
        """Of the deployments of a model group."""
        found = proxy_server.llm_router.get_model_list(model_name=model_group) or ()
        return [deployment["model_info"]["id"] for deployment in found]


Prices = tuple[float, float] | None
OLLAMA = ("ollama", "ollama_chat")
FREE = {"litellm_provider": "ollama", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}


def _prices(params: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[Prices, Prices]:
    """US dollars for a token in and out, and for one that the prompt cache reads and writes: the
    configuration's own, or LiteLLM's for the model.
    """
    if params.get("mock_response"):
        return (0.0, 0.0), None
    table = _listed(info.get("base_model") or params["model"], params.get("custom_llm_provider"))
    free = table.get("litellm_provider") == "ollama"  # one's own machine
    if cost_map_omits_token_price(info["id"], table.get("key")) and not free:
        return None, None  # LiteLLM says 0 for it
    own = litellm.model_cost.get(info["id"]) or {}  # the router's own entry
    told = {**table, **{name: value for name, value in own.items() if value is not None}}
    price = _pair(told.get("input_cost_per_token"), told.get("output_cost_per_token"))
    read, write = (told.get(f"cache_{how}_input_token_cost") for how in ("read", "creation"))
    into = price and price[0]
    return price, _pair(into if read is None else read, into if write is None else write)


def _pair(*prices: Any) -> Prices:
    if all(isinstance(usd, int | float) and 0 <= usd < math.inf for usd in prices):
        return float(prices[0]), float(prices[1])
    return None


@lru_cache(256)
def _listed(model: str, provider: str | None) -> Mapping[str, Any]:
    with suppress(Exception):  # LiteLLM raises a bare one
        if litellm.get_llm_provider(model, provider)[1] in OLLAMA:  # whose server it would ask
            return FREE
        return dict(litellm.get_model_info(model, custom_llm_provider=provider))
    return {}


def _set_module(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Change LiteLLM's module; what isn't named is as it was. Returns the values until now."""
    wanted = {name: v for name, v in settings.items() if hasattr(litellm, name)}
    wanted = {**_unset, **{name: v for name, v in wanted.items() if name not in callbacks.SETTINGS}}
    before = {name: getattr(litellm, name) for name in wanted}
    for name, value in before.items():
        _unset.setdefault(name, value)
    vars(litellm).update(wanted)
    return before


class Hooks(CustomLogger):
    """Our side of LiteLLM's hooks: https://docs.litellm.ai/docs/observability/custom_callback

    Args:
        available: of deployment ids, those that may be asked; metadata as `choose` got it.
        transform: a call as its provider takes it, from the call, the provider, the model and the
            attempt, if it is one.
        billed: gets an attempt when LiteLLM has told its usage.
    """

    def __init__(
        self,
        available: Callable[[Collection[str], Mapping[str, Any]], Collection[str]],
        transform: Callable[[dict, str, str, Attempt | None], dict],
        billed: Callable[[Attempt], None],
    ) -> None:
        super().__init__()
        self._available, self._transform, self._billed = available, transform, billed
        self.attempts: dict[str, Attempt] = {}  # by LiteLLM's call id, until their price is told

    def register(self) -> None:
        """Before the proxy starts, which adds the user's own callbacks to these."""
        litellm.callbacks = [self]

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list,
        messages: Any,
        request_kwargs: dict | None = None,
        *_: Any,
        **__: Any,
    ) -> list[dict]:
        """Which deployments `choose` chooses from; an attempt names its own."""
        metadata = (request_kwargs or {}).get("metadata") or {}
        if not isinstance(healthy_deployments, list) or "asked" not in metadata:
            return healthy_deployments
        ids = self._available([d["model_info"]["id"] for d in healthy_deployments], metadata)
        return [d for d in healthy_deployments if d["model_info"]["id"] in ids]

    async def async_pre_call_deployment_hook(self, kwargs: dict, call_type: Any) -> dict | None:
        """The last look at a call: the provider's rules."""
        if not isinstance(kwargs.get("messages"), list):
            return None
        metadata = kwargs.get("metadata") or {}
        info = metadata.get("model_info") or kwargs.get("model_info") or {}
        if attempt := self.attempts.get(kwargs.get("litellm_call_id", "")):
            attempt.mocked = bool(kwargs.get("mock_response"))
            # Of a wildcard, LiteLLM fills in the id that it was asked for.
            if "*" in kwargs["model"] or kwargs["model"].endswith(attempt.deployment.id):
                kwargs = {**kwargs, "model": attempt.deployment.model}
        model, provider, _ = resolve_model(kwargs)
        return self._transform(kwargs, provider, info.get("base_model") or model, attempt)

    async def async_log_success_event(
        self, kwargs: dict, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """What an attempt is billed."""
        attempt = self.attempts.pop(kwargs.get("litellm_call_id", ""), None)
        if not attempt:
            return
        attempt.mocked = attempt.mocked or bool(kwargs.get("cache_hit"))
        if usage := getattr(response_obj, "usage", None):
            usd = 0.0 if attempt.mocked else kwargs.get("response_cost")
            attempt.told = usage.prompt_tokens, usage.completion_tokens, usd
            details = usage.prompt_tokens_details
            kept = ("cached_tokens", "cache_creation_tokens")
            attempt.cache_told = tuple(getattr(details, name, 0) for name in kept)  # type: ignore
            self._billed(attempt)
        attempt.price_told.set()
