"""What docs/scale.md says of many gateways, for ten of them."""

import pytest

from bench.protocol import TRIALS, USD, simulate

FOUND = {trial.__name__: simulate(10, trial) for trial in TRIALS}


def test_a_provider_that_dies_fails_each_gateway_once_at_the_most() -> None:
    assert FOUND["provider_dies"]["failed_attempts_of_one"] == 1
    assert FOUND["provider_dies"]["last_failed_after_s"] < 1


def test_a_budget_is_exceeded_by_what_is_under_way_at_the_most() -> None:
    found = FOUND["budget_is_spent"]
    assert found["overspent_usd"] == pytest.approx(0, abs=found["under_way_usd"] + USD / 2)


def test_sums_are_right_within_a_second_after_redis_is_back_empty() -> None:
    assert FOUND["redis_is_away"]["sums_right_after_s"] < 1


def test_an_idle_gateway_asks_redis_four_times_a_second_at_the_most() -> None:
    assert FOUND["idle"]["exchanges_per_s"] <= 40
