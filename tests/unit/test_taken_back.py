"""Which refused fields are tried again, and which are remembered."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.taken_back import REFUSED_FIELDS, TakenBack

from tests.support.clock import run_virtual

CALL = {"model": "m", "messages": [], "stop": ["a"], "temperature": 0.0, "max_tokens": 9}
ADDED = {"prompt_cache_key": "k", "reasoning_effort": "none"}


def entry(name: str, **params: Any) -> dict:
    return {"model_info": {"id": name}, "litellm_params": {"model": "openai/one", **params}}


def part(state: State | None = None, **params: Any) -> TakenBack:
    taken_back = TakenBack(state)
    taken_back.configure([entry("one", **params)])
    return taken_back


def attempt(model: str = "openai/one") -> Attempt:
    async def made() -> Attempt:
        return Attempt(Deployment("one", model), {})

    return run_virtual(made())


def call_with(taken_back: TakenBack, *errors: str, status: int = 400) -> list[dict]:
    """The requests of one call, whose provider has these errors first."""
    one, sent = attempt(), []
    for error in errors:
        sent.append(taken_back.apply(CALL, CALL | ADDED, one))
        if not taken_back.again(one, status, error, ""):
            return sent
    sent.append(taken_back.apply(CALL, CALL | ADDED, one))
    taken_back.settle(one)
    return sent


def no(field: str) -> str:
    return f"Unsupported parameter: '{field}' is not supported with this model."


def test_a_refused_field_is_left_out_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    taken_back = part()
    caplog.set_level(logging.WARNING)
    first, second = call_with(taken_back, no("prompt_cache_key"))
    assert first == CALL | ADDED
    assert second == CALL | {"reasoning_effort": "none"}
    assert call_with(taken_back) == [second]
    assert call_with(taken_back) == [second]
    assert len(caplog.records) == 1


def test_one_field_after_the_other_and_no_more_than_a_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vui_gateway.turns.taken_back.MOST_AGAIN", 3)
    fields = ["prompt_cache_key", "stop", "temperature", "reasoning_effort"]
    taken_back = part()
    assert len(call_with(taken_back, *map(no, fields))) == 4
    (first, last) = call_with(taken_back, no("reasoning_effort"))
    assert first.keys() & set(fields) == {"reasoning_effort"}
    assert not last.keys() & set(fields)


def test_a_field_that_was_not_it_is_sent_again() -> None:
    taken_back = part()
    same = no("stop")
    assert len(call_with(taken_back, same, same)) == 2
    assert call_with(taken_back, same, same)[0] == CALL | ADDED  # and not tried again
    assert len(call_with(taken_back, same, same)) == 1


def test_a_level_is_replaced_and_another_one_is_sent_as_it_is() -> None:
    taken_back = part()
    error = "`reasoning_effort` must be one of `low`, `medium`, or `high`"
    assert call_with(taken_back, error)[1]["reasoning_effort"] == "low"
    other = CALL | {"reasoning_effort": "high"}
    assert taken_back.apply(CALL, other, attempt()) == other


def test_a_limit_is_renamed_once() -> None:
    taken_back = part()
    errors = (no("max_tokens") + " Use 'max_completion_tokens'.", no("max_completion_tokens"))
    _, renamed = call_with(taken_back, *errors)
    assert renamed["max_completion_tokens"] == 9
    assert "max_tokens" not in renamed


def test_what_the_user_wrote_is_never_left_out() -> None:
    taken_back = part(stop=["a"], temperature=0.0, extra_body={"mine": 1})
    for field in ("stop", "temperature", "mine", "messages", "model"):
        assert len(call_with(taken_back, no(field))) == 1, field


def test_another_status_takes_nothing_back() -> None:
    taken_back = part()
    for status in (401, 404, 429, 503):
        assert len(call_with(taken_back, no("stop"), status=status)) == 1


def test_a_failure_of_another_kind_behind_it_proves_nothing() -> None:
    state = State()
    taken_back = part(state)
    one = attempt()
    taken_back.apply(CALL, CALL | ADDED, one)
    assert taken_back.again(one, 400, no("stop"), "")
    assert not taken_back.again(one, 429, "Rate limit reached", "")
    assert state.get(REFUSED_FIELDS, "one openai/one") is None


def test_each_model_of_a_wildcard_has_its_own() -> None:
    taken_back = part()
    call_with(taken_back, no("stop"))
    assert "stop" in taken_back.apply(CALL, CALL, attempt("openai/another"))
    assert "stop" not in taken_back.apply(CALL, CALL, attempt())


def test_a_changed_deployment_is_asked_anew() -> None:
    state = State()
    taken_back = part(state)
    call_with(taken_back, no("stop"))
    assert state.get(REFUSED_FIELDS, "one openai/one") == {"stop": ""}
    taken_back.configure([entry("other")])
    assert state.get(REFUSED_FIELDS, "one openai/one") is None


@pytest.mark.parametrize("shared", [None, 7, ["stop"], "stop", {"messages": "", "nobody": 1}])
def test_a_strange_entry_of_another_gateway_breaks_nothing(shared: Any) -> None:
    state = State()
    state.put(REFUSED_FIELDS, "one openai/one", shared)
    sent = call_with(part(state))[0]
    assert sent["messages"] == []


def test_a_level_that_replaced_another_may_be_replaced_too() -> None:
    taken_back = part()
    levels = [
        f"reasoning_effort '{level}' is not supported, must be one of '{other}'"
        for level, other in (("none", "minimal"), ("minimal", "low"))
    ]
    sent = call_with(taken_back, *levels)
    assert [call.get("reasoning_effort") for call in sent] == ["none", "minimal", "low"]
    (again,) = call_with(taken_back)
    assert again["reasoning_effort"] == "low"
