"""The limits of a configuration."""

from __future__ import annotations

import pytest
from vui_gateway.turns.limits import Limits


def test_the_defaults_are_those_of_a_configuration_without_any() -> None:
    assert Limits.of(4.0, 20.0) == Limits()


@pytest.mark.parametrize(("words", "total"), [(1.0, 9.0), (4.0, 9.0), (10.0, 21.0)])
def test_two_deployments_can_be_asked_within_the_whole_time(words: float, total: float) -> None:
    assert Limits.of(words, 20.0).total == total


@pytest.mark.parametrize(("timeout", "one"), [(3.0, 3.0), (20.0, 8.0), (60.0, 8.0)])
def test_one_attempt_at_thoughts_leaves_time_for_another(timeout: float, one: float) -> None:
    assert Limits.of(4.0, timeout).thoughts == (timeout, one)
