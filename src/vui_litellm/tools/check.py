"""Which model can I talk to? A real turn with each, as a table, a page or JSON."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress

from vui_litellm.settings import Settings
from vui_litellm.tools.measure import (
    REQUESTS,
    InstrumentedBackend,
    ModelResult,
    estimate,
    measure,
    model_groups,
)
from vui_litellm.tools.preflight import GatewayUnusable, preflight
from vui_litellm.tools.report import page, table

__all__ = ["check"]


async def check(options: Namespace) -> int:
    """Measure, and show it; 1 when a model that was asked for, or the default one, is broken.

    Raises:
        SettingError: a setting has a bad value.
        GatewayUnusable: see `tools.preflight`; or a `--model` that isn't served.
    """
    settings, stdout, console = Settings.from_env(), sys.stdout, Console(stderr=True)
    with contextlib.redirect_stdout(io.StringIO()):  # vui prints its log there
        first = InstrumentedBackend(**settings.backend_options)
        await preflight(first)
        served = await model_groups(first)
        await first.aclose()
        names = options.model or list(served)
        if unknown := [name for name in names if name not in served]:
            raise GatewayUnusable(
                f"The gateway doesn't serve {unknown[0]!r}. Choose from: {', '.join(served)}."
            )
        chosen = [served[name] for name in names]
        into, out, usd = estimate(chosen)
        console.print(
            f"{len(chosen)} model{'s'[: len(chosen) != 1]}, {REQUESTS} requests each: "
            f"about {into} tokens in, {out} out, {usd:.4f} USD where the price is known.",
            highlight=False,
        )
        if options.dry_run or not _agreed(options, console):
            return 0
        lock = asyncio.Lock()
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("Asking", total=len(chosen) * REQUESTS)
            backends = [
                InstrumentedBackend(**{**settings.backend_options, "model": group.model})
                for group in chosen
            ]
            results = await asyncio.gather(
                *(
                    measure(backend, group, lock, lambda: progress.advance(task))
                    for backend, group in zip(backends, chosen, strict=True)
                )
            )
    _show(results, options, stdout)
    wanted = options.model or [settings.model]
    broken = {result.model for result in results if result.verdict.startswith("broken")}
    return int(bool(broken & set(wanted)))


def _agreed(options: Namespace, console: Console) -> bool:
    if options.yes or not (sys.stdin.isatty() and console.is_terminal):
        return True
    return console.input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _show(results: list[ModelResult], options: Namespace, stdout: TextIO) -> None:
    rows = [asdict(result) for result in results]
    if options.report == "-":
        print(page(rows), file=stdout)
    elif options.report:
        try:
            Path(options.report).write_text(page(rows), encoding="utf-8")
        except OSError as error:
            raise GatewayUnusable(
                f"{options.report} can't be written ({error.strerror}). Write the report to your "
                "own file instead: `... check --report - > report.html`."
            ) from error
    if options.json:
        print(json.dumps(rows, indent=2), file=stdout)
    elif options.report != "-":
        # A file has no width of its own: nothing is folded there.
        Console(file=stdout, width=None if stdout.isatty() else 160).print(table(rows))
