"""The hooks that the user's callbacks define around a call, run as LiteLLM's proxy runs them.

https://docs.litellm.ai/docs/proxy/call_hooks
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import litellm
from fastapi import HTTPException
from litellm.exceptions import RejectedRequestError
from litellm.integrations.custom_guardrail import CustomGuardrail, ModifyResponseException
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

__all__ = [
    "USER", "Answered", "Refused", "after_failure", "around", "callback_lists",
    "leave_out_proxys_own", "run_around",
]  # fmt: skip

# Not the key itself: callbacks write this into logs and metrics.
USER = UserAPIKeyAuth(api_key="vui", user_id="vui", user_role=LitellmUserRoles.INTERNAL_USER)
AROUND = (
    "async_pre_call_hook", "async_moderation_hook", "async_post_call_success_hook",
    "async_post_call_streaming_iterator_hook", "async_post_call_streaming_hook",
)  # fmt: skip
AFTER_FAILURE = "async_post_call_failure_hook"
CALL_TYPE = "acompletion"
LISTS = (
    "callbacks", "input_callback", "success_callback", "failure_callback", "service_callback",
    "_async_input_callback", "_async_success_callback", "_async_failure_callback",
)  # fmt: skip

Ask = Callable[[dict], Awaitable[Any]]


class Answered(Exception):
    """A hook answers instead of the model; the message is the answer."""


class Refused(Exception):
    """A hook refuses the request, or fails; the message says why."""


def leave_out_proxys_own() -> None:
    """Take the hooks of LiteLLM's proxy out of its lists of callbacks.

    They count the calls of virtual keys, teams and budgets of a database, which the gateway hasn't
    got, and each call would pay for them.
    """
    logging = proxy_server.proxy_logging_obj
    own = {id(hook) for hook in (*logging.proxy_hook_mapping.values(), logging.service_logging_obj)}
    for callbacks in callback_lists():
        callbacks[:] = [one for one in callbacks if id(one) not in own]


def callback_lists() -> list[list]:
    """LiteLLM's lists of callbacks, for all events and for single ones."""
    return [found for name in LISTS if isinstance(found := getattr(litellm, name, None), list)]


def _defined(*names: str) -> bool:
    """Whether a callback overrides one of these hooks."""
    return any(
        isinstance(one, CustomGuardrail)
        or any(getattr(type(one), name) is not getattr(CustomLogger, name) for name in names)
        for one in proxy_server.proxy_logging_obj.callback_capabilities().resolved_callbacks
    )


def run_around() -> bool:
    """Whether a callback gets to see requests, and may change them in place."""
    return _defined(*AROUND, AFTER_FAILURE)


async def around(request: dict, ask: Ask) -> Any:
    """The answer to a request, or the stream of it, with the callbacks' hooks around it.

    ask: sends a request, which hooks may have changed.

    Raises:
        Answered, Refused: a hook decides.
    """
    if not _defined(*AROUND):
        return await ask(request)
    logging = proxy_server.proxy_logging_obj
    of_call: dict[str, Any] = {"user_api_key_dict": USER, "call_type": CALL_TYPE}
    request["metadata"] = {"user_api_key_user_id": USER.user_id, **(request.get("metadata") or {})}
    request = await _hook(logging.pre_call_hook(data=request, **of_call))
    moderating = asyncio.create_task(_hook(logging.during_call_hook(data=request, **of_call)))
    try:
        answer = await ask(request)  # its sender closes it
        await moderating
    finally:
        moderating.cancel()
    if request.get("stream"):
        return _hooked(answer, request)
    changing = logging.post_call_success_hook(data=request, user_api_key_dict=USER, response=answer)
    return await _hook(changing)


async def after_failure(request: dict, error: Exception) -> None:
    """Let the callbacks know of a failure.

    Raises:
        Refused: a hook has other words for it.
    """
    if _defined(AFTER_FAILURE):
        logging = proxy_server.proxy_logging_obj
        other = await _hook(
            logging.post_call_failure_hook(
                request_data=request, original_exception=error, user_api_key_dict=USER
            )
        )
        if other is not None:
            raise Refused(_message(other))


async def _hook(running: Awaitable[Any]) -> Any:
    try:
        return await running
    except (Exception, SystemExit) as error:  # the user's code: no deployment is to blame
        raise _decided(error) from error


def _decided(error: BaseException) -> Exception:
    answers = isinstance(error, RejectedRequestError | ModifyResponseException)
    return (Answered if answers else Refused)(_message(error))


async def _hooked(stream: Any, request: dict) -> AsyncGenerator[Any]:
    logging = proxy_server.proxy_logging_obj
    each = logging.needs_per_chunk_streaming_hook()
    said = ""
    failures: list[Exception] = []
    hooked = logging.async_post_call_streaming_iterator_hook(
        response=_watched(stream, failures), user_api_key_dict=USER, request_data=request
    )
    async with aclosing(_blaming_hooks(hooked, failures)) as chunks:
        async for chunk in chunks:
            if each:
                chunk = await _hook(
                    logging.async_post_call_streaming_hook(
                        data=request,
                        response=chunk,
                        user_api_key_dict=USER,
                        str_so_far=said or None,
                    )
                )
            if isinstance(chunk, str):  # a hook's words instead of the rest
                raise Refused(chunk.removeprefix("data:").strip())
            if each:
                said += litellm.get_response_string(response_obj=chunk)
            yield chunk


async def _watched(stream: Any, failures: list[Exception]) -> AsyncGenerator[Any]:
    """The provider's stream; its own failures are no hook's fault."""
    try:
        async for chunk in stream:
            yield chunk
    except Exception as error:
        failures.append(error)
        raise


async def _blaming_hooks(hooked: Any, failures: list[Exception]) -> AsyncGenerator[Any]:
    try:
        async with aclosing(hooked):
            async for chunk in hooked:
                yield chunk
    except (Exception, SystemExit) as error:
        if any(error is failure for failure in failures):
            raise
        raise _decided(error) from error


def _message(error: BaseException) -> str:
    if isinstance(error, HTTPException):
        detail: Any = error.detail
        return str(detail.get("error", detail) if isinstance(detail, dict) else detail)
    prefix = f"litellm.{type(error).__name__}: "
    return str(getattr(error, "message", error)).removeprefix(prefix) or type(error).__name__
