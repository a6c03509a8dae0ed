"""What `check` found, for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

__all__ = ["GOOD_MS", "USABLE_MS", "page", "table"]

# Until the first token. Speech recognition before it and speech synthesis after it add
# their part: beyond these a listener wonders whether anybody is there.
GOOD_MS = 700
USABLE_MS = 1500

COLOURS = {"good": "green", "usable": "yellow", "slow": "red", "broken": "red", "demo": "cyan"}


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


COLUMNS: dict[str, Callable[[dict], str]] = {
    "model": lambda row: row["model"],
    "provider": lambda row: row["provider"].partition("/")[0],
    "1st token": lambda row: _ms(row["first_token_ms"]),
    "cold": lambda row: _ms(row["cold_ms"]),
    "tok/s": lambda row: str(row["tokens_per_s"] or "-"),
    "tool": lambda row: {True: "right", False: "wrong"}.get(row["tool_call"], "-"),
    "stops": lambda row: {True: "held", False: "lost"}.get(row["stops_held"], "-"),
    "thinks": lambda row: {True: "yes", False: "no"}.get(row["thinking"], "-"),
    "USD/turn": lambda row: "-" if row["usd_per_turn"] is None else f"{row['usd_per_turn']:.5f}",
    "verdict": lambda row: row["verdict"].partition(":")[0],
}
NUMBERS = ("1st token", "cold", "tok/s", "USD/turn")


def _colour(row: dict) -> str:
    return COLOURS[row["verdict"].split()[0].rstrip(":")]


def table(rows: list[dict]) -> Group:
    """For the terminal: the figures, and below them what to do about the broken ones."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in COLUMNS:
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        shown.add_column(name, justify=justify, no_wrap=name != "model", overflow="fold")
    for row in rows:
        shown.add_row(*(cell(row) for cell in COLUMNS.values()), style=_colour(row))
    advice = (Text(f"\n{row['model']} is {row['verdict']}.") for row in _with_advice(rows))
    return Group(shown, *advice)


def _with_advice(rows: list[dict]) -> list[dict]:
    return [row for row in rows if ":" in row["verdict"]]


def page(rows: list[dict]) -> str:
    """One self-contained HTML page with a bar chart of the first tokens."""
    longest = max([row["first_token_ms"] or 0 for row in rows], default=0) or 1

    def bar(row: dict) -> str:
        width = 100 * (row["first_token_ms"] or 0) / longest
        return (
            f'<div class="bar"><span>{escape(row["model"])}</span>'
            f'<i class="{_colour(row)}" style="width:{width:.1f}%"></i>'
            f"<b>{_ms(row['first_token_ms'])}</b></div>"
        )

    def cells(tag: str, texts: Any) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"

    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    fastest = sorted(rows, key=lambda row: row["first_token_ms"] or float("inf"))
    return template.substitute(
        bars="\n".join(map(bar, fastest)),
        head=cells("th", COLUMNS),
        rows="\n".join(cells("td", [cell(row) for cell in COLUMNS.values()]) for row in rows),
        advice="\n".join(
            f"<p><b>{escape(row['model'])}</b> is {escape(row['verdict'])}.</p>"
            for row in _with_advice(rows)
        ),
        good=GOOD_MS,
        usable=USABLE_MS,
    )
