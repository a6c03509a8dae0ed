"""A provider's failure, by its status and its own words for it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from vui_gateway.errors import Code
from vui_gateway.redaction import redact

__all__ = ["error_code", "reason"]

# 429 `insufficient_quota`: https://platform.openai.com/docs/guides/error-codes
# 400 "Your credit balance is too low": https://github.com/anthropics/claude-quickstarts/issues/229
# 429 "You exceeded your current quota": https://ai.google.dev/gemini-api/docs/rate-limits
# 402: https://openrouter.ai/docs/api-reference/errors, https://api-docs.deepseek.com/quick_start/error_codes
OUT_OF_CREDIT = re.compile(r"insufficient_quota|current quota|credit balance", re.IGNORECASE)
# LiteLLM has read each provider's words for these: https://docs.litellm.ai/docs/exception_mapping
EXCEPTIONS = {
    "ContextWindowExceededError": Code.CONTEXT_WINDOW_EXCEEDED,
    "ContentPolicyViolationError": Code.CONTENT_POLICY_VIOLATION,
}


def error_code(status: int, message: str) -> Code:
    """Our code for a provider's HTTP status and error message."""
    if status == HTTPStatus.PAYMENT_REQUIRED or OUT_OF_CREDIT.search(message):
        return Code.PROVIDER_QUOTA_EXCEEDED
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Code.PROVIDER_KEY_REFUSED
    if status == HTTPStatus.NOT_FOUND:
        return Code.PROVIDER_MODEL_NOT_FOUND
    if found := [code for name, code in EXCEPTIONS.items() if name in message]:
        return found[0]
    if status in (400, 413, 422):
        return Code.PROVIDER_REFUSED_REQUEST
    return Code.NO_ANSWER


# The provider's own message in LiteLLM's, which is JSON behind the names of a few exceptions.
OWN_WORDS = re.compile(r'"message"\s*:\s*("(?:[^"\\]|\\.)+")')
EXCEPTION_NAMES = re.compile(r"(?:(?:litellm\.)?\w*(?:Error|Exception)(?:: | - | ))+")
MAX_LOOKED_AT, MAX_SHOWN = 20_000, 200


def reason(status: int, code: Code, message: str) -> str:
    """Why a provider's call failed, in one line for the log; message: LiteLLM's."""
    begin = message[:MAX_LOOKED_AT]
    words = EXCEPTION_NAMES.sub("", begin, count=1)
    if found := OWN_WORDS.search(begin):
        try:
            words = str(json.loads(found[1]))
        except ValueError:
            words = found[1]
    # Redacted before it is cut: half a credential is known by nobody.
    words = redact(" ".join(words.split()))
    words = words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"
    answer = f"{status}: {words}" if words else str(status)
    return f"{code.log} ({answer})" if code.log else answer
