"""How many tokens a minute an account may ask for, and what a request counts for."""

from __future__ import annotations

import pytest
from vui_gateway.providers.accounts import spared, tokens_a_minute, tokens_asked


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({"x-ratelimit-limit-tokens": "8000"}, 8000),
        ({"x-ratelimit-limit-tokens-minute": "60000"}, 60000),
        ({"x-ratelimit-limit-tokens": "-1"}, 0),
        ({"x-ratelimit-limit-tokens": "unlimited"}, 0),
        ({}, 0),
    ],
)
def test_the_limit_is_the_providers_own(headers: dict, limit: int) -> None:
    assert tokens_a_minute(headers) == limit


def test_a_request_counts_with_what_it_may_be_answered_with() -> None:
    assert tokens_asked(400, {"max_tokens": 50}) == 150
    assert tokens_asked(400, {"max_completion_tokens": 50}) == 150
    assert tokens_asked(400, {}) == 100


@pytest.mark.parametrize(
    ("asked", "limit", "sent"),
    [(2048, 8000, 1024), (150, 8000, 150), (2048, 200_000, 2048), (2048, 0, 2048)],
)
def test_a_small_account_pays_for_no_longer_answer_than_speech_needs(
    asked: int, limit: int, sent: int
) -> None:
    assert spared({"max_tokens": asked}, limit) == {"max_tokens": sent}


def test_a_client_that_names_no_limit_gets_none_from_a_small_account() -> None:
    assert spared({"model": "a"}, 8000) == {"model": "a"}
