"""Which deployments are well: a sick one is left alone for a while, a refused key for good."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

from vui_gateway.rules import apply
from vui_gateway.turn import TURN, Turn

__all__ = ["VoiceHooks", "hooks"]

# Seconds after which a turn stops waiting, however many deployments are left to ask.
TURN_SECONDS = 9.0
LEAST_SECONDS = 0.5
# What the request is to blame for, not the deployment.
REQUEST_ERRORS = frozenset({400, 413, 422, 499})

log = logging.getLogger("vui_gateway")


class VoiceHooks(CustomLogger):
    """Our side of LiteLLM's hooks: https://docs.litellm.ai/docs/observability/custom_callback

    LiteLLM's own cooldown doesn't see a deployment that hangs or dies in its stream, and a group
    of which all are cooling down answers nothing although one may have recovered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cooling: dict[str, float] = {}  # deployment id → until when, monotonic
        self.seconds = 30.0
        self.variables: dict[str, str] = {}  # deployment id → the variable that holds its key
        self.changed: Callable[[], None] = lambda: None
        self.book: Callable[[Turn], None] = lambda turn: None

    async def async_filter_deployments(
        self, model: str, healthy_deployments: list, messages: Any, *_: Any, **__: Any
    ) -> list[dict]:
        """Never one twice in a turn; a sick one only when no other is left."""
        tried = TURN.get(Turn()).tried
        left = [d for d in healthy_deployments if d["model_info"]["id"] not in tried]
        now = time.monotonic()
        return [d for d in left if self.cooling.get(d["model_info"]["id"], 0) <= now] or left

    async def async_pre_call_deployment_hook(self, kwargs: dict, call_type: Any) -> dict | None:
        """The last look at a call: the provider's rules, and what is left of the turn's time."""
        if not isinstance(kwargs.get("messages"), list):
            return None
        info = (kwargs.get("metadata") or {}).get("model_info") or kwargs.get("model_info") or {}
        model, provider, *_ = litellm.get_llm_provider(
            kwargs["model"], kwargs.get("custom_llm_provider"), kwargs.get("api_base")
        )
        call = apply(kwargs, provider, info.get("base_model") or model)
        turn = TURN.get(Turn())
        if turn.tried and isinstance(call.get("timeout"), int | float):
            left = TURN_SECONDS - (time.monotonic() - turn.began)
            call["timeout"] = max(LEAST_SECONDS, min(call["timeout"], left))
        # Its exception follows when the turn has an answer; the next turn may come before that.
        for before in turn.tried:
            if self.cooling.get(before, 0) <= time.monotonic():
                self.failed(before, TimeoutError())
        turn.tried.append(info.get("id", ""))
        turn.mocked = bool(call.get("mock_response"))
        return call

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict
    ) -> AsyncIterator[Any]:
        """A reply whose provider hung up before its end fails, instead of just stopping.

        LiteLLM ends such a stream with a `stop` of its own making. Its record of the chunks holds
        a finish reason only when the provider sent one. It is empty when another deployment took
        over, and when there was nothing but garbage.
        """
        spoke = False
        turn = TURN.get(Turn())
        try:
            async for item in response:
                if not spoke and any(c.delta.content or c.delta.tool_calls for c in item.choices):
                    spoke, turn.first = True, time.monotonic()
                yield item
            chunks = getattr(response, "chunks", None)
            ended = any(c.finish_reason for chunk in chunks or () for c in chunk.choices)
            if not (ended if chunks and not turn.mocked else spoke):
                raise litellm.APIConnectionError(
                    message="The provider ended the reply before its end",
                    llm_provider=getattr(response, "custom_llm_provider", None) or "",
                    model=getattr(response, "model", None) or "",
                )
        except Exception as broken:
            turn.failed = _short(broken)
            self.failed(turn.last, broken)
            raise

    async def async_post_call_failure_hook(
        self, request_data: dict, original_exception: Exception, *_: Any, **__: Any
    ) -> None:
        """Nobody could answer: the last one that was asked failed too."""
        turn = TURN.get(Turn())
        turn.failed = _short(original_exception)
        failed = getattr(original_exception, "failed_deployment_id", turn.last)
        self.failed(failed, original_exception)

    async def log_success_fallback_event(
        self, original_model_group: str, kwargs: dict, original_exception: Exception
    ) -> None:
        """Another one took over. LiteLLM's own failure event would name that one."""
        failed = getattr(original_exception, "failed_deployment_id", None)
        self.failed(failed, original_exception)

    log_failure_fallback_event = log_success_fallback_event

    async def async_log_success_event(
        self, kwargs: dict, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The price of a turn. And a key that was refused works again; a cooldown ends by itself.

        LiteLLM takes a reply that ended early for a success, so that can't end a cooldown.
        """
        turn, usage = TURN.get(Turn()), getattr(response_obj, "usage", None)
        if usage and turn.tried:
            turn.tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
            turn.usd = 0.0 if turn.mocked else kwargs.get("response_cost")
            self.book(turn)
        info = (kwargs.get("litellm_params") or {}).get("model_info") or {}
        deployment = info.get("id", "")
        if self.cooling.get(deployment) == math.inf:
            del self.cooling[deployment]
            self.changed()

    def failed(self, deployment: str | None, error: Exception) -> None:
        """Leave a deployment alone: for the cooldown, or until its key changes."""
        status = getattr(error, "status_code", None) or 500
        if not deployment or status in REQUEST_ERRORS:
            return
        if status in (401, 403):
            if self.cooling.get(deployment) != math.inf:
                variable = self.variables.get(deployment, "its key")
                model = getattr(error, "model", None) or "a model"
                log.warning("%s refused %s. Put a valid key into .env.", model, variable)
            self.cooling[deployment] = math.inf
        else:
            seconds = max(self.seconds, _retry_after(error))
            self.cooling[deployment] = max(
                self.cooling.get(deployment, 0), time.monotonic() + seconds
            )
        self.changed()


def _short(error: Exception) -> str:
    return f"{type(error).__name__}-{getattr(error, 'status_code', '')}".rstrip("-")


def _retry_after(error: Exception) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = str(headers.get("retry-after", ""))
    return min(float(value), 600) if value.isdigit() else 0


hooks = VoiceHooks()
