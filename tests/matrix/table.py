"""Each family against each point, as a table."""

from __future__ import annotations

import asyncio
import sys

from tests.matrix.arms import Arm
from tests.matrix.families import FAMILIES, Family
from tests.matrix.points import Point

Table = dict[str, dict[str, str]]  # family → point → why it doesn't hold, or ""


async def judge(lab: Arm, family: Family, point: Point) -> str:
    """Empty when the point holds, else why it doesn't."""
    try:
        await asyncio.wait_for(point(lab, family), 60)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
    return ""


async def judge_all(lab: Arm, points: dict[str, Point]) -> Table:
    """Every family and point of a lab."""
    table: Table = {}
    for family in FAMILIES:
        table[family.name] = {
            name: await judge(lab, family, point) for name, point in points.items()
        }
        print(family.name, {k: v for k, v in table[family.name].items() if v}, file=sys.stderr)
    return table


def render(table: Table) -> str:
    """A Markdown table of ticks and crosses."""
    points = list(next(iter(table.values())))
    lines = ["| | " + " | ".join(points) + " |", "| --- |" + " :---: |" * len(points)]
    for name, row in table.items():
        lines.append(f"| {name} | " + " | ".join("✗" if row[p] else "✓" for p in points) + " |")
    return "\n".join(lines)


def shown(page: str, name: str, point: str) -> str:
    """The tick or cross of a family and a point in a page's first table with that point."""
    lines = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    head = next(cells for cells in lines if point in cells)
    row = next(cells for cells in lines[lines.index(head) :] if name in cells)
    return row[head.index(point)]
