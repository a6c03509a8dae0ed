"""What opens the gateway's page."""

from __future__ import annotations

import pytest
from vui_gateway.keys.page_tokens import PAGE_ADDRESS, SESSION, is_good, sign

KEY = "sk-0123456789abcdef"


def test_a_token_is_good_for_its_purpose_key_and_time_only() -> None:
    token = sign(KEY, PAGE_ADDRESS, 60)
    assert is_good(token, KEY, PAGE_ADDRESS)
    assert not is_good(token, KEY, SESSION)
    assert not is_good(token, f"{KEY}0", PAGE_ADDRESS)
    assert not is_good(sign(KEY, PAGE_ADDRESS, -1), KEY, PAGE_ADDRESS)


def test_no_other_gateway_has_to_know_it() -> None:
    assert sign(KEY, PAGE_ADDRESS, 60) == sign(KEY, PAGE_ADDRESS, 60)


@pytest.mark.parametrize("wrong", ["", ".", "1", "9999999999", "9999999999.", KEY, "wröng.wröng"])
def test_nothing_else_is_a_token(wrong: str) -> None:
    assert not is_good(wrong, KEY, SESSION)


def test_a_later_end_needs_another_signature() -> None:
    until, _, signature = sign(KEY, SESSION, 1).partition(".")
    assert not is_good(f"{int(until) + 3600}.{signature}", KEY, SESSION)
