"""How long a failed deployment is left alone."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Deployment
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.limits import COOLDOWN

A, B = Deployment("a", "openai/a"), Deployment("b", "openai/b")


@pytest.fixture
def clock() -> Any:
    return SimpleNamespace(now=1_800_000_000.0)


@pytest.fixture
def cooldown(clock: Any) -> Cooldown:
    made = Cooldown(State(clock=lambda: clock.now))
    made.configure(COOLDOWN, {"a": "A_API_KEY", "b": "A_API_KEY"})
    return made


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_failure_leaves_a_deployment_alone_until_the_cooldown_is_over(
    cooldown: Cooldown, clock: Any, status: int
) -> None:
    cooldown.failed(A, status)
    assert "a" in cooldown
    clock.now += COOLDOWN
    assert "a" not in cooldown


@pytest.mark.parametrize("status", [400, 413, 422, 499])
def test_a_request_that_is_to_blame_leaves_nobody_alone(cooldown: Cooldown, status: int) -> None:
    cooldown.failed(A, status)
    assert "a" not in cooldown


@pytest.mark.parametrize(("asked", "kept"), [(90.0, 90.0), (5.0, COOLDOWN)])
def test_a_provider_may_ask_for_more_and_not_for_less(
    cooldown: Cooldown, asked: float, kept: float
) -> None:
    cooldown.failed(A, 429, asked)
    assert dict(cooldown) == {"a": kept}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_left_alone_for_good_and_named_once(
    cooldown: Cooldown, clock: Any, status: int
) -> None:
    assert cooldown.failed(A, status) == "Put a valid A_API_KEY into .env."
    assert cooldown.failed(B, status) == ""  # the same key
    clock.now += 3600
    assert dict(cooldown) == {"a": math.inf, "b": math.inf}
    assert cooldown.refused == ["a", "b"]


def test_an_answer_ends_it(cooldown: Cooldown) -> None:
    cooldown.failed(A, 500)
    cooldown.answered(A)
    assert "a" not in cooldown


def test_two_lost_hedges_in_a_row_are_a_failure_and_one_is_chance(cooldown: Cooldown) -> None:
    cooldown.lost(A)
    cooldown.answered(A)
    cooldown.lost(A)
    assert "a" not in cooldown
    cooldown.lost(A)
    assert "a" in cooldown
