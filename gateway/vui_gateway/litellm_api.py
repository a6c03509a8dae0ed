"""All that touches LiteLLM, whose upgrades are reviewed here: `make compat` tries a new one.

Its proxy app, its router, its hooks, its clients. Nobody else imports it.
"""

from __future__ import annotations

import inspect
import os
import time
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from vui_gateway.turns.call import CURRENT_CALL, Attempt, Call

# Read by LiteLLM at import. https://docs.litellm.ai/docs/proxy/config_settings
ENVIRONMENT = {
    # The price table comes with the package: the start neither waits for the internet nor fails
    # without it. https://docs.litellm.ai/docs/proxy/sync_models_github
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # No `.env` is read from the working directory by LiteLLM itself.
    "LITELLM_MODE": "PRODUCTION",
    # The admin UI, the API docs and the OpenAPI schema are neither built nor served.
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "NO_OPENAPI": "True",
    # One HTTP client for OpenAI's format too, instead of OpenAI's SDK around it: 1 ms less until
    # the first token, and a tenth more turns per second.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
    # Fewer looks for garbage: a turn makes thousands of objects and leaves none behind.
    "PYTHON_GC_THRESHOLD": "20000,20,20",
    # Seconds that a provider's connection stays open between two turns, and the probes that keep
    # a home router from forgetting it.
    "AIOHTTP_KEEPALIVE_TIMEOUT": "120",
    "AIOHTTP_SO_KEEPALIVE": "True",
    "AIOHTTP_TCP_KEEPIDLE": "30",
    "AIOHTTP_TCP_KEEPINTVL": "10",
}
for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

import litellm  # noqa: E402
from litellm.integrations.custom_logger import CustomLogger  # noqa: E402
from litellm.llms.custom_httpx.http_handler import get_async_httpx_client  # noqa: E402
from litellm.proxy import proxy_server  # noqa: E402
from litellm.proxy._types import (  # noqa: E402
    LitellmUserRoles,
    ProxyException,
    UserAPIKeyAuth,
)
from litellm.types.router import RouterGeneralSettings  # noqa: E402
from litellm.types.utils import LlmProviders  # noqa: E402

__all__ = [
    "AUTHENTICATED", "Hooks", "RouterInForce", "UnknownProvider", "app", "http_client", "lifespan",
    "model_info", "resolve_model", "router_setting_names", "untested",
]  # fmt: skip

TESTED = "1.109.1"

app = proxy_server.app
lifespan = app.router.lifespan_context

# What `litellm_settings` may change while LiteLLM runs: each is read anew by every call or by
# every new router, as tests/integration/test_reload.py proves. With what it is when nobody sets it.
RELOADABLE_SETTINGS = {
    name: getattr(litellm, name)
    for name in (
        "drop_params", "fallbacks", "default_fallbacks", "context_window_fallbacks",
        "content_policy_fallbacks",
    )
}  # fmt: skip

# In the scope of a request that our app has let in. https://asgi.readthedocs.io/en/latest/specs
AUTHENTICATED = "vui_gateway.authenticated"

litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
# The members of the router that it calls deprecated are there in every version that is tested.
warnings.filterwarnings("ignore", message=r"Router\.\w+ is deprecated", category=DeprecationWarning)


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


def http_client(provider: str | None) -> Any:
    """The HTTP client that LiteLLM keeps for one provider, or for all that have none."""
    if provider is None:
        return litellm.module_level_aclient.client
    return get_async_httpx_client(LlmProviders(provider), params={"ssl_verify": None}).client


async def authenticate(request: Any, api_key: str) -> UserAPIKeyAuth:
    """LiteLLM's `general_settings.custom_auth`: our app has compared the key already.

    Raises:
        ProxyException: 401, when a request has come another way.

    Source: https://docs.litellm.ai/docs/proxy/custom_auth
    """
    if request.scope.get(AUTHENTICATED) is not True:
        raise ProxyException("Not let in by the gateway.", "auth_error", None, 401)
    # Not the key itself: LiteLLM writes this into logs and metrics.
    return UserAPIKeyAuth(api_key="vui", user_id="vui", user_role=LitellmUserRoles.INTERNAL_USER)


class RouterInForce:
    """LiteLLM's router, replaced as a whole: all of a configuration is in force, or nothing."""

    def build(self, model_list: list[dict], settings: dict, module_settings: dict) -> Any:
        """A router that isn't used yet; nothing is changed.

        Raises:
            Exception: whatever LiteLLM raises for a setting or a deployment.
        """
        before = {name: getattr(litellm, name) for name in RELOADABLE_SETTINGS}
        try:
            _set_module(module_settings)
            return litellm.Router(
                **settings,
                model_list=model_list,
                cache_responses=litellm.cache is not None,
                router_general_settings=RouterGeneralSettings(async_only_mode=True),
            )
        finally:
            _set_module(before)

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
        return list(dict.fromkeys(proxy_server.llm_router.get_model_names()))

    def serves(self, model_group: str) -> bool:
        """Whether a call can ask for it, wildcards and aliases included."""
        return bool(proxy_server.llm_router.get_model_list(model_name=model_group))

    async def choose(self, model_group: str) -> dict:
        """The deployment that a call would ask now.

        Raises:
            Exception: there is none.
        """
        router: Any = proxy_server.llm_router
        return await router.async_get_available_deployment(model_group, request_kwargs={})


def _set_module(settings: dict) -> None:
    for name, default in RELOADABLE_SETTINGS.items():
        setattr(litellm, name, settings.get(name, default))


class Hooks(CustomLogger):
    """Our side of LiteLLM's hooks: https://docs.litellm.ai/docs/observability/custom_callback

    Args:
        cooldown, usage: what becomes of deployments and calls.
        transform: a call as its provider takes it, from the call, the provider and the model.
        error_code: our code for a provider's HTTP status and message.
        seconds: after which a call stops waiting, however many deployments are left to ask.
    """

    def __init__(
        self,
        cooldown: Any,
        usage: Any,
        transform: Callable[[dict, str, str], dict],
        error_code: Callable[[int, str], str],
        seconds: float = 9.0,
    ) -> None:
        super().__init__()
        self._cooldown, self._usage = cooldown, usage
        self._transform, self._error_code = transform, error_code
        self._seconds = seconds

    async def async_filter_deployments(
        self, model: str, healthy_deployments: list, messages: Any, *_: Any, **__: Any
    ) -> list[dict]:
        """Never one twice in a call, and a sick one only when no other is left."""
        return self._cooldown.available(healthy_deployments, CURRENT_CALL.get(Call()).attempts)

    async def async_pre_call_deployment_hook(self, kwargs: dict, call_type: Any) -> dict | None:
        """The last look at a call: the provider's rules, and what is left of the call's time."""
        if not isinstance(kwargs.get("messages"), list):
            return None
        metadata = kwargs.get("metadata") or {}
        info = metadata.get("model_info") or kwargs.get("model_info") or {}
        model, provider, _ = resolve_model(kwargs)
        sent = self._transform(kwargs, provider, info.get("base_model") or model)
        call = CURRENT_CALL.get(Call())
        if call.attempts and isinstance(sent.get("timeout"), int | float):
            left = self._seconds - (time.monotonic() - call.began)
            sent["timeout"] = max(0.5, min(sent["timeout"], left))
        # Its exception follows when the call has an answer; the next call may come before that.
        for before in call.attempts:
            if before.deployment not in self._cooldown:
                self._cooldown.failed(before, 500)
        call.attempts.append(Attempt(info.get("id", ""), metadata.get("deployment") or model))
        call.mocked = bool(sent.get("mock_response"))
        return sent

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict
    ) -> AsyncIterator[Any]:
        """A reply without a word fails, instead of just stopping.

        LiteLLM raises by itself when a stream ends without a finish reason, but not when nothing
        came at all, or nothing but garbage.
        """
        spoke = False
        call = CURRENT_CALL.get(Call())
        try:
            async for item in response:
                if not spoke and any(c.delta.content or c.delta.tool_calls for c in item.choices):
                    spoke, call.first_token = True, time.monotonic()
                yield item
            if not spoke:
                raise litellm.APIConnectionError(
                    message="The provider answered without a word",
                    llm_provider=getattr(response, "custom_llm_provider", None) or "",
                    model=getattr(response, "model", None) or "",
                )
        except Exception as broken:
            self._failed(call, call.last_attempt, broken)
            raise

    async def async_post_call_failure_hook(
        self, request_data: dict, original_exception: Exception, *_: Any, **__: Any
    ) -> None:
        """Nobody could answer: the last one that was asked failed too."""
        call = CURRENT_CALL.get(Call())
        self._failed(call, _blamed(call, original_exception), original_exception)

    async def log_success_fallback_event(
        self, original_model_group: str, kwargs: dict, original_exception: Exception
    ) -> None:
        """Another one took over. LiteLLM's own failure event would name that one."""
        call = CURRENT_CALL.get(Call())
        if hasattr(original_exception, "failed_deployment_id"):
            self._cool(_blamed(call, original_exception), original_exception)

    log_failure_fallback_event = log_success_fallback_event

    async def async_log_success_event(
        self, kwargs: dict, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The price of a call."""
        call, usage = CURRENT_CALL.get(Call()), getattr(response_obj, "usage", None)
        if usage and call.attempts:
            call.tokens_in = usage.prompt_tokens or 0
            call.tokens_out = usage.completion_tokens or 0
            call.usd = 0.0 if call.mocked else kwargs.get("response_cost")
            self._usage.record(call)
        info = (kwargs.get("litellm_params") or {}).get("model_info") or {}
        self._cooldown.answered(info.get("id", ""))

    def register(self) -> None:
        """Before the proxy starts, which adds the user's own callbacks to these."""
        litellm.callbacks = [self]

    def _failed(self, call: Call, attempt: Attempt | None, error: Exception) -> None:
        status = getattr(error, "status_code", None)
        call.error = f"{type(error).__name__}-{status or ''}".rstrip("-")
        call.error_code = self._error_code(status or 500, str(error))
        self._cool(attempt, error)

    def _cool(self, attempt: Attempt | None, error: Exception) -> None:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        value = str(headers.get("retry-after", ""))
        wait = min(float(value), 600) if value.isdigit() else 0
        self._cooldown.failed(attempt, getattr(error, "status_code", None) or 500, wait)


def _blamed(call: Call, error: Exception) -> Attempt | None:
    failed = getattr(error, "failed_deployment_id", None)
    return next((a for a in call.attempts if a.deployment == failed), call.last_attempt)
