"""Which settings and deployments LiteLLM's router can't be built with, in few trials."""

from __future__ import annotations

from typing import Any

import pytest
from vui_gateway.litellm_proxy.culprits import find_culprits, refusal

ERROR = ValueError("refused")


class Trials:
    """Builds a router unless it has one of the bad parts; with `pair` only both together."""

    def __init__(self, *bad: str, pair: bool = False) -> None:
        self.bad, self.pair, self.count = bad, pair, 0

    def discard(self) -> None:
        pass

    def build(self, entries: list[dict], settings: dict, module: dict) -> Trials:
        self.count += 1
        parts = [*(e["model_info"]["id"] for e in entries), *settings, *module]
        found = [name for name in self.bad if name in parts]
        if found and (not self.pair or len(found) == len(self.bad)):
            raise ValueError(f"{found[0]} is bad")
        return self


def culprits(trials: Trials, count: int = 500) -> dict:
    entries = [{"model_info": {"id": f"d{n}"}} for n in range(count)]
    return find_culprits(trials.build, entries, {"a": 1, "b": 2}, {"c": 3}, ERROR)


@pytest.mark.parametrize(
    ("bad", "most"), [(["b"], 3), (["d7"], 30), (["d0", "d499"], 50), (["a", "c"], 3)]
)
def test_each_culprit_is_found_among_500_deployments_in_few_trials(
    bad: list[str], most: int
) -> None:
    trials = Trials(*bad)
    assert {name for _, name in culprits(trials)} == set(bad)
    assert trials.count <= most


def test_why_is_said_of_each() -> None:
    assert culprits(Trials("b", "d1")) == {("router_settings", "b"): "b is bad"}
    assert culprits(Trials("d1")) == {("model_list", "d1"): "d1 is bad"}


def test_all_settings_are_named_where_none_alone_is_refused() -> None:
    found = culprits(Trials("a", "c", pair=True))
    assert {name for _, name in found} == {"a", "b", "c"}
    assert set(found.values()) == {"refused"}


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit("bad"), BaseException("bad")])
def test_whatever_a_setting_raises_it_is_named(error: BaseException) -> None:
    def build(_: list, settings: dict, __: dict) -> Any:
        if "timeout" in settings:
            raise error
        return Trials()

    found = find_culprits(build, [], {"timeout": 1, "retries": 2}, {}, error)
    assert found == {("router_settings", "timeout"): "bad"}


def test_a_keyboard_interrupt_is_no_refusal() -> None:
    def build(*_: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_culprits(build, [], {"timeout": 1}, {}, ERROR)


def test_a_refused_setting_is_named_without_its_value() -> None:
    name, why = refusal({"model": "openai/x", "api_key": "k", "tags": "sk-secret-1"}) or ("", "")
    assert name == "tags"
    assert why
    assert "secret" not in why
    assert refusal({"model": "openai/x", "api_key": "k"}) is None
