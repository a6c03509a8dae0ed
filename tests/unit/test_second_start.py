"""The second start: which variables it goes without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vui_gateway.second_start import LEFT_OUT_VARIABLE, start_without
from vui_gateway.settings import Settings


class Started(Exception):
    """Instead of another program."""


@pytest.mark.parametrize(
    ("before", "without"), [({}, "FIRST"), ({"ZERO": "x"}, "ZERO FIRST SECOND")]
)
def test_a_start_goes_without_the_variable_that_the_error_names_and_the_last_without_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: dict[str, str], without: str
) -> None:
    def execve(_: str, __: list[str], environment: dict[str, str]) -> None:
        raise Started(environment[LEFT_OUT_VARIABLE])

    monkeypatch.setattr(os, "execve", execve)
    (tmp_path / ".env").write_text("ZERO=x\nFIRST=x\nSECOND=x\n")
    settings = Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path)}).without(before)
    if not before:
        settings = settings.without({"ZERO": "x"}).model_copy(update={"unusable": {}})
    with pytest.raises(Started, match=f"^{without}$"):
        start_without(settings, ValueError("FIRST is no number"))
