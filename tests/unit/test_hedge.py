"""When a second deployment is asked before the first has failed, and how often."""

from __future__ import annotations

from vui_gateway.state.entries import State
from vui_gateway.turns.hedge import FIRST_WORDS, Hedge

from tests.support.scripted import FOR_EVER, Scripted, said


def test_a_deployment_that_loses_twice_in_a_row_is_left_alone() -> None:
    lab = Scripted({"hangs": [(FOR_EVER, "")], "well": said()})
    lab.hedge.enabled = True
    assert lab.hear().ended == ["hedged-lost", "ok"]
    assert "hangs" not in lab.cooldown
    assert lab.hear().ended == ["hedged-lost", "ok"]
    assert "hangs" in lab.cooldown


def test_hedges_are_a_twentieth_of_the_calls_and_three_at_once() -> None:
    hedge = Hedge()
    assert [hedge.take() for _ in range(5)] == [True, True, True, False, False]
    for _ in range(20):
        hedge.called()
    assert [hedge.take(), hedge.take()] == [True, False]


def test_a_deployments_usual_worst_decides_when_to_hedge() -> None:
    hedge = Hedge()
    for _ in range(19):
        hedge.observe("a", 1.0)
    assert hedge.delay("a") == 1.5
    for seconds, delay in ((1.0, 1.0), (0.01, 0.7), (60, 2.5)):
        for _ in range(100):
            hedge.observe("a", seconds)
        assert hedge.delay("a") == delay


def test_what_other_gateways_saw_counts_as_long_as_ones_own_is_little() -> None:
    hedge = Hedge(state := State("here"))
    told = (("a/there", [2.0] * 40), ("b/there", "nonsense"), ("b/else", [-1, "x", None, 1e9]))
    for name, seconds in told:
        state.put(FIRST_WORDS, name, seconds, 1.0, 1e9)
    assert hedge.delay("a") == 2.0
    assert hedge.delay("b") == Hedge().delay("b")
    for _ in range(100):
        hedge.observe("a", 1.0)
    assert hedge.delay("a") == 1.0


def test_what_a_gateway_has_forgotten_counts_no_more() -> None:
    hedge = Hedge(state := State("here"))
    state.put(FIRST_WORDS, "a/there", [2.0] * 40, 1.0, 1e9)
    state.put(FIRST_WORDS, "a/there", None, 2.0, 1e9)
    assert hedge.delay("a") == Hedge().delay("a")
