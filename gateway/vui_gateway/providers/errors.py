"""What a provider's failure is, told by its status and its own words for it."""

from __future__ import annotations

import re
from http import HTTPStatus

__all__ = ["error_code"]

# 429 `insufficient_quota`: https://platform.openai.com/docs/guides/error-codes
# 400 "Your credit balance is too low": https://github.com/anthropics/claude-quickstarts/issues/229
# 429 "You exceeded your current quota": https://ai.google.dev/gemini-api/docs/rate-limits
# 402: https://openrouter.ai/docs/api-reference/errors, https://api-docs.deepseek.com/quick_start/error_codes
OUT_OF_CREDIT = re.compile(r"insufficient_quota|current quota|credit balance", re.IGNORECASE)
# LiteLLM has read each provider's words for these: https://docs.litellm.ai/docs/exception_mapping
EXCEPTIONS = {
    "ContextWindowExceededError": "context_window_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}


def error_code(status: int, message: str) -> str:
    """The `code` of ours for a provider's HTTP status and error message."""
    if status == HTTPStatus.PAYMENT_REQUIRED or OUT_OF_CREDIT.search(message):
        return "provider_quota_exceeded"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "provider_key_refused"
    if status == HTTPStatus.NOT_FOUND:
        return "provider_model_not_found"
    if found := [code for name, code in EXCEPTIONS.items() if name in message]:
        return found[0]
    if status in (400, 413, 422):
        return "provider_refused_request"
    return "no_answer"
