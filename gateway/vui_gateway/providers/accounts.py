"""How many tokens a minute an account may ask for, by its provider's own headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BYTES", "spared", "tokens_a_minute", "tokens_asked"]

# Groq (https://console.groq.com/docs/rate-limits), OpenAI
# (https://platform.openai.com/docs/guides/rate-limits) and Azure; Cerebras
# (https://inference-docs.cerebras.ai/support/rate-limits).
LIMITS = ("x-ratelimit-limit-tokens", "x-ratelimit-limit-tokens-minute")
SMALL = 20_000  # tokens a minute: less than two turns of vui, which ask for 11,400 each
SPOKEN = 1024  # tokens: more than four minutes of speech
BYTES = 4  # of text for a token, on average; never less than one


def tokens_a_minute(headers: Mapping[str, str]) -> int:
    """The limit that an answer's headers name; 0 for none."""
    found = (headers.get(name, "") for name in LIMITS)
    return next((int(one) for one in found if one.isascii() and one.isdecimal()), 0)


def tokens_asked(sent: int, body: Mapping[str, Any]) -> int:
    """The tokens that a request counts for: its prompt, and the most that it may be answered with.

    sent: its bytes.
    """
    most = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    return sent // BYTES + (most if isinstance(most, int) else 0)


def spared(call: dict, limit: int) -> dict:
    """The call with no longer answer than speech needs where its account has few tokens a minute:
    the most that it may be answered with counts, said or not
    (https://console.groq.com/docs/rate-limits).

    limit: of its account, in tokens a minute; 0 for none.
    """
    most = call.get("max_tokens")
    if not isinstance(most, int) or not 0 < limit < SMALL:
        return call
    return {**call, "max_tokens": min(most, SPOKEN)}
