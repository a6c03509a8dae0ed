"""How many tokens a minute an account may ask for, by its provider's own headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BYTES", "tokens_a_minute", "tokens_asked"]

# Groq (https://console.groq.com/docs/rate-limits), OpenAI
# (https://platform.openai.com/docs/guides/rate-limits) and Azure; Cerebras
# (https://inference-docs.cerebras.ai/support/rate-limits).
LIMITS = ("x-ratelimit-limit-tokens", "x-ratelimit-limit-tokens-minute")
BYTES = 4  # of text for a token, on average; never less than one


def tokens_a_minute(headers: Mapping[str, str]) -> int:
    """The limit that an answer's headers name; 0 for none."""
    found = (headers.get(name, "") for name in LIMITS)
    return next((int(one) for one in found if one.isascii() and one.isdecimal()), 0)


def tokens_asked(sent: int, body: Mapping[str, Any]) -> int:
    """The tokens that a request counts for: its prompt, and what it may be answered with.

    sent: its bytes.
    """
    most = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    return sent // BYTES + (most if isinstance(most, int) else 0)
