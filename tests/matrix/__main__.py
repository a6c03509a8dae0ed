"""`make matrix`: the same table for our stack and for stock LiteLLM with vui's own backend."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.matrix.arms import foreign_lab, our_lab, stock_lab
from tests.matrix.points import FOREIGN_POINTS, POINTS, Point
from tests.matrix.table import judge_all, render


def main() -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    which = sys.argv[1:] or ["ours", "stock"]
    labs: dict[str, tuple[str, Callable, dict[str, Point]]] = {
        "ours": ("This stack", our_lab, POINTS),
        "stock": ("Stock LiteLLM and vui's own backend", stock_lab, POINTS),
        "foreign": ("Our backend on stock LiteLLM", foreign_lab, FOREIGN_POINTS),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in which:
            title, make_lab, points = labs[name]
            with make_lab(Path(folder, name)) as lab:
                table = asyncio.run(judge_all(lab, points))
            print(f"\n{title}\n\n{render(table)}\n", flush=True)
            for family, row in table.items():
                for point, why in row.items():
                    if why:
                        print(f"- {family}, {point}: {why}")


if __name__ == "__main__":
    main()
