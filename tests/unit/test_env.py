"""Variables that a configuration names."""

from __future__ import annotations

import pytest
from litellm.secret_managers.main import get_secret
from vui_gateway.config.env import env_values, looked_up, resolved

ENTRY = {"a": "os.environ/X", "b": [{"c": "os.environ/Y"}], "d": "X", "e": 1, "f": None}


def test_every_variable_is_found_with_its_value_wherever_it_is() -> None:
    assert env_values(ENTRY, {"X": "1"}) == {"X": "1", "Y": ""}


def test_each_is_looked_up_and_the_rest_stays() -> None:
    found = resolved(ENTRY, {"X": "1", "Y": "2"})
    assert found == {"a": "1", "b": [{"c": "2"}], "d": "X", "e": 1, "f": None}
    assert ENTRY["a"] == "os.environ/X"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), (" TRUE ", True), ("1", "1"), ("0", "0"), ("7.5", "7.5"),
        ("yes", "yes"), ("", ""),
    ],
)  # fmt: skip
def test_true_and_false_in_a_variable_are_booleans_as_litellm_reads_them(
    text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = resolved({"a": "os.environ/X"}, {"X": text})
    assert (found["a"], type(found["a"])) == (value, type(value))
    monkeypatch.setenv("X", text)
    assert found["a"] == get_secret("os.environ/X")
    assert looked_up("os.environ/X", {"X": text}) == text


def test_text_in_the_file_stays_text() -> None:
    assert resolved({"a": "true"}, {}) == {"a": "true"}
