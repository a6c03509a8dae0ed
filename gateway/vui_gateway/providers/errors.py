"""A provider's failure, by its status and its own words for it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import NamedTuple

from vui_gateway.errors import Code
from vui_gateway.providers.server_errors import (
    context_size,
    is_context_error,
    is_loading,
    is_unreachable,
    refuses_tools,
)
from vui_gateway.redaction import redact

__all__ = ["Asked", "error_code", "own_words", "reason"]

# 429 `insufficient_quota`: https://platform.openai.com/docs/guides/error-codes
# 400 "Your credit balance is too low": https://github.com/anthropics/claude-quickstarts/issues/229
# 429 "You exceeded your current quota": https://ai.google.dev/gemini-api/docs/rate-limits
# 402: https://openrouter.ai/docs/api-reference/errors, https://api-docs.deepseek.com/quick_start/error_codes
OUT_OF_CREDIT = re.compile(r"insufficient_quota|current quota|credit balance", re.IGNORECASE)
# LiteLLM has read each provider's words for these: https://docs.litellm.ai/docs/exception_mapping
LONG = "ContextWindowExceededError"
EXCEPTIONS = {
    LONG: Code.CONTEXT_WINDOW_EXCEEDED,
    "ContentPolicyViolationError": Code.CONTENT_POLICY_VIOLATION,
}


class Asked(NamedTuple):
    """The facts of a failed request on which its error code depends.

    Attributes:
        tools: it offered some.
        first: nothing has been said yet but by the user.
        context: tokens that vui needs a server to hold.
        local: it went to a server of one's own.
    """

    tools: bool = False
    first: bool = False
    context: int = 0
    local: bool = False


def error_code(status: int, message: str, asked: Asked = Asked()) -> Code:  # noqa: B008
    """Our code for a provider's HTTP status and error message."""
    if status == HTTPStatus.PAYMENT_REQUIRED or OUT_OF_CREDIT.search(message):
        return Code.PROVIDER_QUOTA_EXCEEDED
    if asked.tools and refuses_tools(message):
        return Code.PROVIDER_REFUSED_TOOLS
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Code.PROVIDER_KEY_REFUSED
    if status == HTTPStatus.NOT_FOUND:
        return Code.PROVIDER_MODEL_NOT_FOUND
    if status != HTTPStatus.TOO_MANY_REQUESTS and (LONG in message or is_context_error(message)):
        size = context_size(message)
        small = asked.first if size is None else size < asked.context
        return Code.CONTEXT_TOO_SMALL if small else Code.CONTEXT_WINDOW_EXCEEDED
    if found := [code for name, code in EXCEPTIONS.items() if name in message]:
        return found[0]
    if status >= 500 and is_loading(message):
        return Code.MODEL_LOADING
    if status >= 500 and asked.local and is_unreachable(message):
        return Code.SERVER_UNREACHABLE
    if status in (400, 413, 422):
        return Code.PROVIDER_REFUSED_REQUEST
    return Code.NO_ANSWER


# The provider's own message in LiteLLM's, which is JSON behind the names of a few exceptions.
OWN_WORDS = re.compile(r'"message"\s*:\s*("(?:[^"\\]|\\.)+")')
BARE_WORDS = re.compile(r'\{"error"\s*:\s*("(?:[^"\\]|\\.)+")')  # Ollama's
# In each, a run of characters is looked through from its beginning only: errors may be hostile.
EXCEPTION_NAMES = re.compile(r"(?:(?<!\w)(?:litellm\.)?\w{0,60}(?:Error|Exception)(?:: | - | ))+")
# What Python prints of an object without words of its own, with the name before it.
OBJECTS = re.compile(
    r"(?<!\w)\w{1,40}[:=]<[\w.]{1,100} object at 0x[0-9a-f]+>|<[^<>]{0,200} at 0x[0-9a-f]+>"
)
# Of LiteLLM's router: https://docs.litellm.ai/docs/proxy/reliability
ROUTERS_WORDS = re.compile(
    r"(?<![.\s])[.\s]*+(?:Received Model Group=|No fallback model group found|LiteLLM Retried:"
    r"|Available Model Group Fallbacks=|Model Group=).*",
    re.DOTALL,
)
MAX_LOOKED_AT, MAX_SHOWN = 20_000, 200


def own_words(message: str) -> str:
    """The provider's own words in LiteLLM's message, in one line.

    No exception's name, no object and nothing of LiteLLM's router is in it.
    """
    begin = message[:MAX_LOOKED_AT]
    words = EXCEPTION_NAMES.sub("", ROUTERS_WORDS.sub("", begin))
    if found := OWN_WORDS.search(begin) or BARE_WORDS.search(begin):
        try:
            words = str(json.loads(found[1]))
        except ValueError:
            words = found[1]
    return " ".join(OBJECTS.sub("", words).split())


def reason(status: int, code: Code, message: str) -> str:
    """Why a provider's call failed, in one line for the log; message: LiteLLM's."""
    # Redacted before it is cut: half a credential is known by nobody.
    words = redact(own_words(message))
    words = words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"
    answer = f"{status}: {words}" if words else str(status)
    return f"{code.log} ({answer})" if code.log else answer
