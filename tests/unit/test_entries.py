"""What gateways know together, entry by entry."""

from __future__ import annotations

from vui_gateway.state.entries import State

from tests.support.clock import WallClock
from tests.support.gateways import START


def test_what_is_put_a_million_times_is_kept_once() -> None:
    clock = WallClock(START)
    state = State(clock=clock)
    for _ in range(1000):
        state.put("used", "kitchen", None, lifetime=1000)
        clock.now += 1
    assert len(state._expiries) == 1
    clock.now += 998
    state.expire()
    assert "kitchen" in dict(state.items("used"))
    clock.now += 2
    state.expire()
    assert "kitchen" not in dict(state.items("used"))
    assert not state._expiries


def test_what_ends_sooner_than_it_was_said_to_is_forgotten_in_time() -> None:
    clock = WallClock(START)
    state = State(clock=clock)
    state.put("cooling", "a", None, lifetime=1000)
    state.put("cooling", "a", 0.0, lifetime=10)
    clock.now += 11
    state.expire()
    assert "a" not in dict(state.items("cooling"))
    state.put("cooling", "a", None, lifetime=2000)
    clock.now += 1500
    state.expire()
    assert "a" in dict(state.items("cooling"))
