"""LiteLLM's exceptions as failures of an attempt, each with its code and a sentence."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from litellm.exceptions import MidStreamFallbackError

from vui_gateway.errors import Code, Ending
from vui_gateway.litellm_proxy import user_hooks
from vui_gateway.litellm_proxy.http_bounds import MAX_ERROR
from vui_gateway.providers.endpoints import Server
from vui_gateway.providers.errors import Asked, error_code, own_words, reason
from vui_gateway.providers.packages import needs_package
from vui_gateway.providers.server_errors import (
    context_cure,
    context_size,
    tools_cure,
    unreachable,
)
from vui_gateway.turns.call import AttemptError
from vui_gateway.turns.limits import MOST_COOLDOWN

__all__ = ["failure"]

TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\)")
# Failures that the engine treats in a way of their own.
ENDINGS = {Code.MODEL_LOADING: Ending.LOADING, Code.PROVIDER_REFUSED_TOOLS: Ending.NO_TOOLS}


async def failure(
    server: Server | None, context: int, request: dict, error: Exception
) -> AttemptError:
    """LiteLLM's exception as the failure of an attempt, with its sentence for the user.

    server: that was asked. context: tokens that vui needs it to hold.
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
    if isinstance(error, MidStreamFallbackError) and error.original_exception:
        error = error.original_exception
    found = getattr(error, "status_code", None)
    status = found if isinstance(found, int) and 400 <= found <= 599 else 500
    message = TRACEBACK.split(str(getattr(error, "message", error))[:MAX_ERROR])[0]
    roles = {message.get("role") for message in request.get("messages") or ()}
    asked = Asked(
        tools=bool(request.get("tools")),
        first="assistant" not in roles,
        context=context,
        local=bool(server and server.local),
    )
    kind = error_code(status, message, asked)
    why, said = reason(status, kind, message), own_words(message)
    if kind == Code.CONTEXT_TOO_SMALL:
        said = context_cure(context_size(message), asked.context, server)
        why = f"{why}. {said}"
    elif kind == Code.SERVER_UNREACHABLE and server:
        why = said = unreachable(server)
    elif kind == Code.PROVIDER_REFUSED_TOOLS:
        why = f"{why}. {tools_cure(message)}"
    ended = ENDINGS.get(kind, str(status))
    if cure := needs_package(message):
        why = said = cure
    return AttemptError(ended, said, status, kind, _retry_after(error), why)


def _retry_after(error: Exception) -> float:
    """Seconds that the provider asks for: a number, or a date.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    answer = getattr(error, "response", None)
    headers = getattr(answer, "headers", None) or getattr(error, "litellm_response_headers", None)
    if not isinstance(headers, Mapping):
        return 0.0
    value = str(headers.get("retry-after") or 0)
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(seconds, MOST_COOLDOWN) if seconds > 0 and math.isfinite(seconds) else 0.0
