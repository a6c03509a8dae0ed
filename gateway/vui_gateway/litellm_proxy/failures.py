"""LiteLLM's exceptions as failures of an attempt, each with its code and a sentence."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterable, Container, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from traceback import walk_tb
from typing import Any

import httpx
from litellm.exceptions import MidStreamFallbackError

from vui_gateway.errors import Code, Ending
from vui_gateway.litellm_proxy import user_hooks
from vui_gateway.litellm_proxy.http_bounds import MAX_ERROR
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.providers.accounts import BYTES
from vui_gateway.providers.blame import HOUR, failed_call, is_chance, wait_asked
from vui_gateway.providers.content import text_and_thoughts
from vui_gateway.providers.echoes import unquoted
from vui_gateway.providers.endings import broken
from vui_gateway.providers.endpoints import Server
from vui_gateway.providers.errors import Asked, error_code, unechoed
from vui_gateway.providers.packages import needs_package
from vui_gateway.providers.reasons import UNREAD_EVENT, own_words, reason
from vui_gateway.providers.server_errors import (
    context_cure,
    context_size,
    lacks_route,
    no_route,
    template_cure,
    tools_cure,
    unreachable,
)
from vui_gateway.turns.call import Attempt, AttemptError, Event
from vui_gateway.turns.limits import USAGE_SECONDS

__all__ = ["broken_off", "failure", "nothing_said", "refusal_of"]

MAX_ERROR_WORDS = 2000
MOST_CAUSES = 8
TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\)")
# LiteLLM 1.110.2 takes the `code` of an error in a stream for a number.
CODE_IN_STREAM = re.compile(r"invalid literal for int\(\) with base 10: '([^']{1,100})'")
# LiteLLM's functions that make a provider's request of ours; neither of them asks anybody.
WRITES_REQUEST = re.compile(r"^get_optional_params$|transform_request")
CLIENTS_OBJECTS = ("tools", "tool_choice", "response_format")
# Cures by Google's and Amazon's words.
CREDENTIALS_CURES = {
    "default credentials were not found": (
        "Google's credentials are missing: write vertex_credentials: ./FILE.json (of a service "
        "account) into the model's litellm_params."
    ),
    "Unable to locate credentials": (
        "Amazon's credentials are missing: put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into "
        ".env."
    ),
}
# Failures that the engine treats in a way of their own.
ENDINGS = {Code.MODEL_LOADING: Ending.LOADING, Code.PROVIDER_REFUSED_TOOLS: Ending.NO_TOOLS}


async def failure(
    server: Server | None, context: int, request: dict, error: Exception
) -> AttemptError:
    """LiteLLM's exception as the failure of an attempt, with its sentence for the user.

    server: the one that was asked. context: tokens that vui needs it to hold.
    """
    if isinstance(error, AttemptError):
        return error
    try:
        if not isinstance(error, user_hooks.Refused):
            await user_hooks.after_failure(request, error)
    except user_hooks.Refused as other:
        error = other
    if isinstance(error, user_hooks.Refused):
        return AttemptError(Ending.HOOK, str(error), 422, Code.PROVIDER_REFUSED_REQUEST)
    error = _original(error)
    found = getattr(error, "status_code", None)
    status = found if isinstance(found, int) and 400 <= found <= 599 else 500
    if status >= 500 and (why := _unwritable(request, error)):
        refused = Code.PROVIDER_REFUSED_REQUEST
        return AttemptError("400", why, HTTPStatus.BAD_REQUEST, refused, reason=why)
    message = TRACEBACK.split(str(getattr(error, "message", error))[:MAX_ERROR])[0]
    # LiteLLM gives an error in a stream of Ollama's or Databricks' the status of a bad request.
    status = 500 if UNREAD_EVENT in message else status
    if code := CODE_IN_STREAM.fullmatch(message):
        message = f"{error.__context__ or ''} ({code[1]})"
    own_message, message = message, unquoted(message, request)
    messages = request.get("messages") or ()
    roles = {message.get("role") for message in messages}
    asked = Asked(
        tools=bool(request.get("tools")),
        first="assistant" not in roles,
        context=context,
        local=bool(server and server.local),
    )
    kind = error_code(status, message, asked)
    texts = (text_and_thoughts(message.get("content"))[0] for message in messages)
    why, said = reason(status, kind, own_message, texts), own_words(own_message)
    if kind == Code.CONTEXT_TOO_SMALL:
        said = context_cure(context_size(message), asked.context, server)
        why = f"{why}. {said}"
    elif kind == Code.SERVER_UNREACHABLE and server:
        why = said = no_route(server) if lacks_route(status, message) else unreachable(server)
    elif kind == Code.PROVIDER_REFUSED_TOOLS:
        why = f"{why}. {tools_cure(message)}"
    elif missing := [cure for words, cure in CREDENTIALS_CURES.items() if words in message]:
        why = said = missing[0]
    ended = ENDINGS.get(kind, str(status))
    if cure := needs_package(message):
        why = said = cure
    wait = _retry_after(error) or min(wait_asked(unechoed(message)), HOUR)
    chance, call = is_chance(f"{message} {_causes(error)}"), failed_call(own_message)
    return AttemptError(ended, said, status, kind, wait, why, chance=chance, failed_call=call)


def broken_off(finish_reason: str | None, attempt: Attempt) -> AttemptError | None:
    """The failure of an answer whose end says that it isn't whole; None where it is.

    finish_reason: LiteLLM's.
    """
    raw = attempt.raw_finish
    if not (ended := broken(finish_reason, raw, begun=attempt.received > 0)):
        return None
    why = f"its answer ended with the finish reason {(raw or finish_reason)!r}"
    if ended == Ending.FILTERED:
        kind = Code.CONTENT_POLICY_VIOLATION
        return AttemptError(ended, "", kind.status, kind, reason=f"{kind.log}: {why}")
    return AttemptError(ended, "", HTTPStatus.BAD_GATEWAY, reason=why)


async def nothing_said(
    servers: Servers, attempt: Attempt, event: Event, rest: AsyncIterable[Any]
) -> AttemptError | None:
    """The failure of a stream without a delta; None for a server that isn't one's own.

    LM Studio answers so to a prompt that it can't hold, and counts nothing:
    https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2339. A model that has read its
    prompt writes a token at least, the one that ends its turn.

    event, rest: the last event, and LiteLLM's chunks after it.
    """
    server = servers.of(attempt.deployment.id)
    if not (server and server.local):
        return None
    tokens = await _tokens(event, rest)
    fits = attempt.sent // BYTES < servers.context  # tokens that vui needs it to hold
    if tokens or not server.is_silent_when_full:
        kind, cure = Code.EMPTY_ANSWER, template_cure(server)
    elif fits:
        kind, cure = Code.CONTEXT_TOO_SMALL, context_cure(None, servers.context, server)
    else:
        return None
    return AttemptError(Ending.EMPTY, cure, 502, kind, reason=f"its answer is empty. {cure}")


async def _tokens(event: Event, rest: AsyncIterable[Any]) -> int:
    """The tokens of an answer, by its last event or the chunks after it."""
    counts = event.usage or {}
    with suppress(TimeoutError):
        async with asyncio.timeout(USAGE_SECONDS):
            async for chunk in rest:
                usage = getattr(chunk, "usage", None)
                counts = usage.model_dump() if usage is not None else counts
    return counts.get("completion_tokens") or 0


def refusal_of(
    error: Exception, request: Mapping[str, Any], optional: Container[str]
) -> tuple[int, str, str]:
    """LiteLLM's exception as a refusal: the status, the words, and the field that it names.

    optional: the fields that it may name.
    """
    error = _original(error)
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    param = getattr(error, "param", None) or (isinstance(body, dict) and body.get("param"))
    words = str(getattr(error, "message", error))
    with suppress(httpx.HTTPError, httpx.StreamError):  # its body was never read
        # LiteLLM's message lacks a provider's words about single fields.
        words = f"{words[:MAX_ERROR_WORDS]} {getattr(getattr(error, 'response', None), 'text', '')}"
    param = "" if str(param).startswith(CLIENTS_OBJECTS) else str(param or "")
    return status if isinstance(status, int) else 0, unquoted(words, request, optional), param


def _unwritable(request: dict, error: BaseException) -> str:
    """The sentence for an exception of LiteLLM's while it writes the provider's request; empty for
    another one. Where the client has sent no objects of its own, a setting is to blame.
    """
    messages = request.get("messages") or ()
    objects = any(one.get("tool_calls") or one.get("role") == "tool" for one in messages)
    objects = objects or any(request.get(name) is not None for name in CLIENTS_OBJECTS)
    causes = [error, *_behind(error)]
    lost = any(isinstance(cause, OSError | ImportError | httpx.HTTPError) for cause in causes)
    if lost or not objects:
        return ""
    frames = (frame for cause in causes for frame, _ in walk_tb(cause.__traceback__))
    if not any(WRITES_REQUEST.search(frame.f_code.co_name) for frame in frames):
        return ""
    name = type(causes[-1]).__name__
    return f"LiteLLM can't write this request in the provider's format ({name})."


def _causes(error: BaseException) -> str:
    """The words of an error's causes: OpenAI's SDK calls each of them "Connection error." only."""
    return " ".join(str(cause)[:MAX_ERROR_WORDS] for cause in _behind(error))


def _behind(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause and len(causes) < MOST_CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _original(error: Exception) -> Exception:
    if isinstance(error, MidStreamFallbackError) and error.original_exception:
        return error.original_exception
    return error


def _retry_after(error: Exception) -> float:
    """Seconds that the provider asks for: a number, or a date.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    answer = getattr(error, "response", None)
    headers = getattr(answer, "headers", None) or getattr(error, "litellm_response_headers", None)
    if not isinstance(headers, Mapping):
        return 0.0
    milliseconds = str(headers.get("retry-after-ms") or "")  # OpenAI's, and Azure's
    value = str(headers.get("retry-after") or 0)
    try:
        seconds = float(milliseconds) / 1000 if milliseconds else float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(seconds, HOUR) if seconds > 0 and math.isfinite(seconds) else 0.0
