"""The results of `check`, for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template

from rich.cells import cell_len
from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

__all__ = ["GOOD_MS", "USABLE_MS", "page", "table"]

# Until the first token. Speech recognition before it and speech synthesis after it add
# their part: beyond these a listener wonders whether anybody is there.
GOOD_MS = 700
USABLE_MS = 1500

COLOURS = {"good": "green", "usable": "yellow", "slow": "red", "demo": "cyan", "broken": "red"}


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
# Columns that a narrow terminal leaves out, in this order.
DROPPED = ("provider", "tok/s", "cold", "stops", "tool", "thinks", "USD/turn", "1st token")
GAP = 2  # columns between two of the table's
NAME_WIDTH = 20  # columns that a long name is folded to before anything is dropped
# The page's names of columns.
FIGURES = {"cold": "cold", "tok/s": "tokens/s", "tool": "tool call", "stops": "stop phrases",
           "thinks": "thinks first", "USD/turn": "USD a turn"}  # fmt: skip
BAD = ("wrong", "lost", "yes")


def _kind(row: dict) -> str:
    return row["verdict"].split()[0].rstrip(":")


def _printable(text: str) -> str:
    """A provider's text can't move the terminal's cursor, or colour it."""
    return "".join(char if char.isprintable() else " " for char in text)


def table(rows: list[dict], width: int) -> Group:
    """The figures for a terminal of this width, and below them advice for models with a fault."""
    widths = {
        name: max(cell_len(text) for text in (name, *map(cell, rows)))
        for name, cell in COLUMNS.items()
    }
    widths["model"] = min(widths["model"], NAME_WIDTH)
    names, dropped = list(COLUMNS), []
    for name in DROPPED:
        if sum(widths[shown] + GAP for shown in names) - GAP <= width:
            break
        names.remove(name)
        dropped.append(name)
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for name in names:
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        shown.add_column(name, justify=justify, no_wrap=name != "model", overflow="fold")
    for row in rows:
        cells = (_printable(COLUMNS[name](row)) for name in names)
        shown.add_row(*map(Text, cells), style=COLOURS[_kind(row)])
    notes = [Text(f"{_printable(row['note'])}\n") for row in rows if row["note"]]
    advice = [
        Text(_printable(f"{row['model']} is {'the ' * (_kind(row) == 'demo')}{row['verdict']}."))
        for row in rows
        if ":" in row["verdict"]
    ]
    if dropped:
        left_out = f"The terminal is too narrow for: {', '.join(dropped)}. `--json` shows them."
        advice.insert(0, Text(left_out, style="dim"))
    return Group(*notes, shown, *([Text()] if advice else []), *advice)


def page(rows: list[dict]) -> str:
    """One self-contained HTML page: the best model, then each with its verdict first."""
    kinds = list(COLOURS)
    ranked = sorted(
        rows, key=lambda row: (kinds.index(_kind(row)), row["first_token_ms"] or float("inf"))
    )
    longest = max([row["first_token_ms"] or 0 for row in rows] + [2 * USABLE_MS])
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        best=_best(ranked[0]) if ranked else "No model was asked.",
        notes="".join(f'<p class="note">{escape(row["note"])}</p>' for row in rows if row["note"]),
        models="\n".join(_card(row, longest) for row in ranked),
        good=GOOD_MS,
        usable=USABLE_MS,
        good_at=f"{100 * GOOD_MS / longest:.1f}%",
        usable_at=f"{100 * USABLE_MS / longest:.1f}%",
    )


def _breakable(name: str) -> str:
    return escape(name).replace("/", "/<wbr>")


def _best(row: dict) -> str:
    name = f"<b>{_breakable(row['model'])}</b>"
    after = f"the first token comes after {_ms(row['first_token_ms'])}"
    return {
        "good": f"Talk to {name}: {after}.",
        "usable": f"{name} is usable, but none is quick: {after}.",
        "slow": f"None is quick enough for a conversation. {name} is the quickest: {after}.",
        "demo": "Only the demo answers. Put a provider's key into .env.",
        "broken": "No model could answer. Below is why, and what to do.",
    }[_kind(row)]


def _card(row: dict, longest: float) -> str:
    verdict, _, why = row["verdict"].partition(": ")
    first = row["first_token_ms"]
    figures = "".join(
        f'<div><dt>{said}</dt><dd class="{"bad" * (text in BAD)}">{escape(text)}</dd></div>'
        for name, said in FIGURES.items()
        if (text := COLUMNS[name](row))
    )
    parts = [
        f'<span class="verdict">{escape(verdict)}</span>',
        f"<h2>{_breakable(row['model'])}</h2>",
    ]
    if row["provider"] != row["model"]:
        parts.append(f'<span class="provider">{escape(row["provider"])}</span>')
    if first is not None:
        bar = f'<i style="width:{100 * first / longest:.1f}%"></i>'
        parts.append(f'<b class="first"><small>first token </small>{_ms(first)}</b>')
        parts.append(f'<div class="bar" aria-hidden="true">{bar}</div>')
    if why:
        parts.append(f'<p class="why">{escape(why[0].upper() + why[1:])}.</p>')
    if first is not None:
        parts.append(f"<dl>{figures}</dl>")
    return f'<li class="{_kind(row)}">{"".join(parts)}</li>'
