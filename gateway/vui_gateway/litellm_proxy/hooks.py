"""Our side of LiteLLM's hooks: the last look at a call, and its price."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

from vui_gateway.litellm_proxy.catalogue import resolve_model
from vui_gateway.turns.call import Attempt

__all__ = ["Hooks"]


class Hooks(CustomLogger):
    """Our side of LiteLLM's hooks: https://docs.litellm.ai/docs/observability/custom_callback

    Args:
        available: of deployment ids, those that may be asked; metadata as `choose` got it.
        transform: a call as its provider takes it, from the call, the provider, the model and the
            attempt, if it is one.
        billed: gets an attempt when LiteLLM has reported its usage.
    """

    def __init__(
        self,
        available: Callable[[Collection[str], Mapping[str, Any]], Collection[str]],
        transform: Callable[[dict, str, str, Attempt | None], dict],
        billed: Callable[[Attempt], None],
    ) -> None:
        super().__init__()
        self._available, self._transform, self._billed = available, transform, billed
        # By LiteLLM's call id, until LiteLLM reports their price.
        self.attempts: dict[str, Attempt] = {}

    def register(self) -> None:
        """Put these hooks in place before the proxy starts, which adds its own to them."""
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
        """The deployments that `choose` chooses from; an attempt names its own."""
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
            # For a wildcard, LiteLLM fills in the requested id as the model.
            if "*" in kwargs["model"] or kwargs["model"].endswith(attempt.deployment.id):
                kwargs = {**kwargs, "model": attempt.deployment.model}
        model, provider, _ = resolve_model(kwargs)
        return self._transform(kwargs, provider, info.get("base_model") or model, attempt)

    async def async_log_success_event(
        self, kwargs: dict, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Takes the bill of an attempt from LiteLLM's report."""
        attempt = self.attempts.pop(kwargs.get("litellm_call_id", ""), None)
        if not attempt:
            return
        attempt.mocked = attempt.mocked or bool(kwargs.get("cache_hit"))
        if usage := getattr(response_obj, "usage", None):
            usd = 0.0 if attempt.mocked else kwargs.get("response_cost")
            attempt.counts = usage.prompt_tokens, usage.completion_tokens, usd
            details = usage.prompt_tokens_details
            kept = ("cached_tokens", "cache_creation_tokens")
            attempt.cache_counts = tuple(getattr(details, name, 0) for name in kept)  # type: ignore
            self._billed(attempt)
        attempt.billed.set()
