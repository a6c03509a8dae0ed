"""How a provider says that its answer is over."""

from __future__ import annotations

import pytest
from vui_gateway.errors import Ending
from vui_gateway.providers.endings import broken


@pytest.mark.parametrize(
    ("finish_reason", "raw"),
    [(None, ""), ("stop", ""), ("length", ""), ("tool_calls", ""), ("stop", "eos"),
     ("length", "MAX_TOKENS"), ("stop", "STOP")],
)  # fmt: skip
def test_a_usual_end_is_whole_and_one_at_its_length_too(
    finish_reason: str | None, raw: str
) -> None:
    assert broken(finish_reason, raw) is None


@pytest.mark.parametrize(
    ("finish_reason", "raw"),
    [("stop", "network_error"), ("stop", "insufficient_system_resource"), ("error", ""),
     ("stop", "ABORT"), ("stop", "MALFORMED_FUNCTION_CALL"), ("stop", "USER_CANCEL"),
     ("stop", "ERROR_LIMIT"), ("cancel", ""), ("stop", "expired"), ("stop", "overload"),
     ("stop", "deadline_exceeded")],
)  # fmt: skip
def test_an_end_that_is_none_is_known_by_the_providers_own_word(
    finish_reason: str, raw: str
) -> None:
    assert broken(finish_reason, raw) == Ending.ENDED_EARLY


@pytest.mark.parametrize("raw", ["", "SAFETY", "refusal"])
def test_a_filters_end_is_told_apart(raw: str) -> None:
    assert broken("content_filter", raw) == Ending.FILTERED


def test_a_call_that_could_not_be_read_before_a_word_may_succeed_at_once() -> None:
    assert broken("stop", "MALFORMED_FUNCTION_CALL", begun=False) is None
    assert broken("stop", "network_error", begun=False) == Ending.ENDED_EARLY
