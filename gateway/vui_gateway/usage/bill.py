"""The price of an attempt: an estimate when it begins, LiteLLM's report at its end."""

from __future__ import annotations

from typing import Any, NamedTuple

from vui_gateway.errors import Ending
from vui_gateway.providers import thinking
from vui_gateway.providers.accounts import BYTES
from vui_gateway.turns.call import Attempt

__all__ = ["Bill", "expected", "settle", "usage_for_client"]

# Tokens that a provider adds: templates, and for Claude's tools a system prompt of some hundreds.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing
ADDED, MOST_ADDED = 1000, 2000
# Tokens of a long reply in speech, and of one that is thought about.
REPLY_TOKENS, THOUGHT_TOKENS = 500, 4000
# Tokens per second: thinking is billed and may never be shown. The quickest provider is Cerebras.
# https://inference-docs.cerebras.ai/models/openai-oss
SPEED = 3000
# How much more than the list price: caches kept for an hour and long contexts cost twice as much,
# a quicker service tier again. And US dollars for what is billed by the call: a model's own search.
SURCHARGE, FEE = 4, 0.05
# US dollars for a token in and out, of a model whose price nobody knows: none costs more.
DEAREST = (150e-6, 600e-6)
# A refusal is not billed; a call that we ended is:
# https://novita.ai/docs/guides/llm-billing, and for others
# https://www.truefoundry.com/docs/ai-gateway/stream-disconnect-cost-accounting
UNBILLED = frozenset(
    {Ending.BUDGET, Ending.HOOK, Ending.LOADING, Ending.NO_TOOLS, *map(str, range(400, 600))}
)


class Bill(NamedTuple):
    """The price of an attempt.

    Attributes:
        tokens_in, tokens_out: those of the prompt cache are among the first.
        usd: US dollars, None for an unknown price.
        estimated: our own figure, since the provider reported no possible one.
        cached, written: tokens that were read from the prompt cache, and written to it.
        saved: US dollars by that, less than 0 when more was written than read.
    """

    tokens_in: int
    tokens_out: int
    usd: float | None
    estimated: bool = False
    cached: int = 0
    written: int = 0
    saved: float = 0.0


def expected(attempt: Attempt) -> float:
    """The most that a running attempt is likely to cost, in US dollars; 0 for an unknown price."""
    if _refused(attempt):
        return 0.0
    price_in, price_out = attempt.deployment.price or (0.0, 0.0)
    body = attempt.body
    thinks = attempt.deployment.thinks or thinking.thinks(body)
    usual = THOUGHT_TOKENS if thinks else REPLY_TOKENS
    most = body.get("max_tokens") or body.get("max_completion_tokens") or usual
    tokens_out = max(min(usual, most), attempt.received // BYTES)
    return (attempt.sent // BYTES + ADDED) * price_in + tokens_out * price_out


def settle(attempt: Attempt, now: float) -> Bill:
    """The bill of an attempt: LiteLLM's report, where it is possible for the request and the reply.

    now: the loop's time, at its end.
    """
    if _refused(attempt):
        return Bill(0, 0, 0.0)
    reported_in, reported_out, reported_usd = attempt.counts or (None, None, None)
    tokens_in, tokens_out = _tokens(reported_in, reported_out, attempt, now)
    price = (0.0, 0.0) if attempt.mocked else attempt.deployment.price
    list_in, list_out = price or DEAREST
    listed = tokens_in * list_in + tokens_out * list_out
    possible = (
        (tokens_in, tokens_out) == (reported_in, reported_out)
        and isinstance(reported_usd, int | float)
        # LiteLLM reports 0 where it fails, too.
        and (reported_usd > 0 or not listed or not price)
        and 0 <= reported_usd <= SURCHARGE * listed + FEE
    )
    if possible:
        return Bill(tokens_in, tokens_out, reported_usd, False, *_cache(attempt, tokens_in))
    return Bill(tokens_in, tokens_out, listed if price else None, estimated=bool(listed))


def _cache(attempt: Attempt, tokens_in: int) -> tuple[int, int, float]:
    cached, written = (_possible(count, tokens_in, 0) for count in attempt.cache_counts)
    written = min(written, tokens_in - cached)
    if not (price := attempt.deployment.price):
        return cached, written, 0.0
    read_price, write_price = attempt.deployment.cache_price or (price[0], price[0])
    return cached, written, cached * (price[0] - read_price) - written * (write_price - price[0])


def _refused(attempt: Attempt) -> bool:
    billed = attempt.counts or attempt.answered or attempt.received
    return not billed and attempt.ended in UNBILLED


def usage_for_client(usage: Any, attempt: Attempt, now: float) -> dict:
    """OpenAI's `usage` with counts that can be."""
    usage = usage if isinstance(usage, dict) else {}
    into, out = _tokens(usage.get("prompt_tokens"), usage.get("completion_tokens"), attempt, now)
    counts = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
    details = {
        name: {key: value for key, value in part.items() if _within(value, into + out)}
        for name, part in usage.items()
        if isinstance(part, dict)
    }
    return {**details, **counts}


def _tokens(reported_in: Any, reported_out: Any, attempt: Attempt, now: float) -> tuple[int, int]:
    most_in = attempt.sent + MOST_ADDED
    most_out = BYTES * attempt.received + MOST_ADDED + int(SPEED * (now - attempt.began))
    tokens_in = _possible(reported_in, most_in, attempt.sent // BYTES)
    return tokens_in, _possible(reported_out, most_out, -(-attempt.received // BYTES))


def _possible(reported: Any, most: int, otherwise: int) -> int:
    if isinstance(reported, int | float) and reported >= 1:  # NaN isn't
        return int(min(reported, most))
    return otherwise


def _within(value: Any, most: int) -> bool:
    return isinstance(value, int) and 0 <= value <= most
