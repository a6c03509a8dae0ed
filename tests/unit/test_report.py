"""The table that `check` shows."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vui_litellm.tools.measure import ModelResult
from vui_litellm.tools.report import COLUMNS, table

LONG = "openrouter/meta-llama/llama-3.3-70b-instruct"
GOOD = ("openai/gpt-4.1-mini", 412, 530, 88, True, True, False, 0.0014, "good for voice")


def shown(rows: list[ModelResult], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table([vars(row) for row in rows], width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", range(36, 200, 4))
def test_a_table_of_any_width_holds_every_name_and_verdict(width: int) -> None:
    lines = shown([ModelResult(LONG, *GOOD), ModelResult("vui", *GOOD)], width)
    assert max(map(len, lines)) <= width
    assert sum("good for voice" in line for line in lines) == 2
    name = "".join(line.split()[0] for line in lines[1:] if line and line.split()[0] in LONG)
    assert name.startswith(LONG)


def test_a_wide_table_shows_all_and_says_nothing_of_columns() -> None:
    head, _, *rest = shown([ModelResult("vui", *GOOD)], 120)
    assert head.split() == " ".join(COLUMNS).split()
    assert not rest


def test_what_a_provider_says_cant_move_the_cursor() -> None:
    row = ModelResult("evil", "x", verdict="broken: \x1b[2J\x07gone\r", note="\x1b]0;x\x07")
    assert not set("\x1b\x07\r") & set("".join(shown([row], 80)))
