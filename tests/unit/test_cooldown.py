"""How long a failed deployment is left alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.providers.blame import HOUR, Blame, Blamed
from vui_gateway.state.entries import State
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.limits import COOLDOWN

SICK = Blame(Blamed.DEPLOYMENT)
A, B = Deployment("a", "openai/a"), Deployment("b", "openai/b")


@pytest.fixture
def clock() -> Any:
    return SimpleNamespace(now=1_800_000_000.0)


@pytest.fixture
def cooldown(clock: Any) -> Cooldown:
    made = Cooldown(State(clock=lambda: clock.now))
    made.configure(COOLDOWN, {"a": "A_API_KEY", "b": "A_API_KEY"})
    return made


def test_a_failure_leaves_a_deployment_alone_until_the_cooldown_is_over(
    cooldown: Cooldown, clock: Any
) -> None:
    cooldown.failed(A, SICK)
    assert "a" in cooldown
    clock.now += COOLDOWN
    assert "a" not in cooldown


@pytest.mark.parametrize("blamed", [Blamed.REQUEST, Blamed.TOOLS])
def test_who_is_not_to_blame_is_not_left_alone(cooldown: Cooldown, blamed: Blamed) -> None:
    assert cooldown.failed(A, Blame(blamed, HOUR)) == ""
    assert "a" not in cooldown


@pytest.mark.parametrize(("asked", "kept"), [(90.0, 90.0), (5.0, COOLDOWN), (HOUR, HOUR)])
def test_a_failure_may_ask_for_more_and_not_for_less(
    cooldown: Cooldown, asked: float, kept: float
) -> None:
    cooldown.failed(A, Blame(Blamed.DEPLOYMENT, asked))
    assert dict(cooldown) == {"a": kept}
    cooldown.failed(A, SICK)
    assert dict(cooldown) == {"a": kept}


def test_a_refused_key_is_named_once_and_tried_again_after_an_hour(
    cooldown: Cooldown, clock: Any
) -> None:
    refused = Blame(Blamed.KEY, HOUR)
    assert cooldown.failed(A, refused) == "Put a valid A_API_KEY into .env."
    assert cooldown.failed(B, refused) == ""  # the same key
    assert dict(cooldown) == {"a": HOUR, "b": HOUR}
    assert cooldown.refused == ["a", "b"]
    clock.now += HOUR
    assert (dict(cooldown), cooldown.refused) == ({}, [])


def test_a_deployment_that_is_down_is_not_said_to_have_a_refused_key(cooldown: Cooldown) -> None:
    cooldown.failed(A, Blame(Blamed.DEPLOYMENT, HOUR))
    assert cooldown.refused == []


@pytest.mark.parametrize("blame", [Blame(Blamed.DEPLOYMENT), Blame(Blamed.KEY, HOUR)])
def test_an_answer_ends_it(cooldown: Cooldown, blame: Blame) -> None:
    cooldown.failed(A, blame)
    cooldown.answered(A)
    assert "a" not in cooldown
    assert cooldown.refused == []


def test_two_lost_hedges_in_a_row_are_a_failure_and_one_is_chance(cooldown: Cooldown) -> None:
    cooldown.lost(A)
    cooldown.answered(A)
    cooldown.lost(A)
    assert "a" not in cooldown
    cooldown.lost(A)
    assert "a" in cooldown
