"""Which deployments a call may ask, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from vui_gateway.errors import Code
from vui_gateway.providers.blame import Blame, Blamed
from vui_gateway.turns.candidates import Candidates, Fallbacks
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment

from tests.support.clock import run_virtual

GROUPS = {"a": ["a1", "a2"], "b": ["b1"], "c": ["c1"]}


def order(
    fallbacks: dict[str, Any], sick: tuple[str, ...] = (), codes: tuple[str, ...] = ()
) -> list[str]:
    """The deployments that calls for `a` ask, one after the other."""

    async def run() -> list[str]:
        cooldown = Cooldown()

        async def choose(group: str, metadata: dict) -> Deployment | None:
            well = candidates.available(GROUPS[group], metadata)
            return Deployment(well[0], well[0]) if well else None  # type: ignore[index]

        candidates = Candidates(choose, lambda group: GROUPS[group], cooldown)
        candidates.fallbacks = Fallbacks(fallbacks)
        for name in sick:
            cooldown.failed(Deployment(name, name), Blame(Blamed.DEPLOYMENT))
        asked: list[str] = []
        while found := await candidates.next(["a"], asked, codes):
            asked.append(found.id)
        return asked

    return run_virtual(run())


def test_the_groups_own_come_first_then_its_fallbacks_and_theirs() -> None:
    fallbacks = {"fallbacks": [{"a": ["b"]}, {"b": ["c"]}]}
    assert order(fallbacks) == ["a1", "a2", "b1", "c1"]


def test_a_sick_one_is_asked_when_no_other_is_left() -> None:
    assert order({"fallbacks": [{"a": ["b"]}]}, sick=("a1", "b1")) == ["a2", "a1", "b1"]


def test_fallbacks_that_name_each_other_are_asked_once() -> None:
    assert order({"fallbacks": [{"a": ["b"]}, {"b": ["a"]}]}) == ["a1", "a2", "b1"]


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        (Code.CONTEXT_WINDOW_EXCEEDED, "context_window_fallbacks"),
        (Code.CONTENT_POLICY_VIOLATION, "content_policy_fallbacks"),
        (Code.PROVIDER_KEY_REFUSED, "key_fallbacks"),
        (Code.PROVIDER_QUOTA_EXCEEDED, "key_fallbacks"),
    ],
)
def test_some_failures_have_fallbacks_of_their_own(code: Code, setting: str) -> None:
    fallbacks = {setting: [{"a": ["c"]}]}
    assert order(fallbacks, codes=(code,)) == ["a1", "a2", "c1"]
    assert order(fallbacks) == ["a1", "a2"]


@pytest.mark.parametrize(
    ("settings", "group", "found"),
    [
        ({"default_fallbacks": ["b"]}, "a", ["b"]),
        ({"default_fallbacks": ["b"], "fallbacks": [{"a": ["c"]}]}, "a", ["c"]),
        ({"fallbacks": [{"*": ["b"]}]}, "a", ["b"]),
        ({"fallbacks": [{"openai/*": ["b"]}]}, "openai/x", ["b"]),
        ({"fallbacks": [{"x[1]*": ["b"]}]}, "x[1]y", ["b"]),
        ({"fallbacks": [{"x[1]*": ["b"]}]}, "x1y", []),
        ({"fallbacks": [{"a": ["b"]}], "model_group_alias": {"nick": "a"}}, "nick", ["b"]),
        ({"fallbacks": [{"a": ["b"]}], "model_group_alias": {"n": {"model": "a"}}}, "n", ["b"]),
        ({"fallbacks": [{"o/*": ["b"]}], "model_group_alias": {"n": "o/x"}}, "n", ["b"]),
        ({}, "a", []),
    ],
)
def test_fallbacks_are_found_as_litellm_documents_them(
    settings: dict, group: str, found: list[str]
) -> None:
    assert Fallbacks(settings).of(group) == found


@pytest.mark.parametrize("wrong", [["b"], [{"a": "b"}], [{"a": [1]}]])
def test_fallbacks_that_are_no_lists_of_groups_are_refused(wrong: list) -> None:
    with pytest.raises(ValueError, match="a group is followed by a list of groups"):
        Fallbacks({"fallbacks": wrong})


def test_whether_a_well_one_is_left() -> None:
    async def run() -> list[bool]:
        cooldown = Cooldown()
        candidates = Candidates(None, lambda group: GROUPS[group], cooldown)  # type: ignore[arg-type]
        found = [candidates.left(["a"], ["a1"])]
        cooldown.failed(Deployment("a2", "a2"), Blame(Blamed.DEPLOYMENT))
        return [*found, candidates.left(["a"], ["a1"])]

    assert asyncio.run(run()) == [True, False]
