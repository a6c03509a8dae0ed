"""Variables that a configuration names."""

from __future__ import annotations

from vui_gateway.config.env import env_values, resolved

ENTRY = {"a": "os.environ/X", "b": [{"c": "os.environ/Y"}], "d": "X", "e": 1, "f": None}


def test_every_variable_is_found_with_its_value_wherever_it_is() -> None:
    assert env_values(ENTRY, {"X": "1"}) == {"X": "1", "Y": ""}


def test_each_is_looked_up_and_the_rest_stays() -> None:
    found = resolved(ENTRY, {"X": "1", "Y": "2"})
    assert found == {"a": "1", "b": [{"c": "2"}], "d": "X", "e": 1, "f": None}
    assert ENTRY["a"] == "os.environ/X"
