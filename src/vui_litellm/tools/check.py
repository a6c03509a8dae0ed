"""Which model can I talk to? A real turn with each, as a table, a page or JSON."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress

from vui_litellm.settings import Settings
from vui_litellm.tools.groups import ModelGroup, choose, model_groups
from vui_litellm.tools.measure import (
    REQUESTS,
    Estimate,
    InstrumentedBackend,
    ModelResult,
    estimate,
    measure,
)
from vui_litellm.tools.preflight import GatewayUnusable
from vui_litellm.tools.report import page, table

__all__ = ["check"]

# US dollars that are spent without a question where there is nobody to ask.
UNASKED_USD = 0.10
UNFOLDED = 10_000  # columns: a file has no width of its own


def check(options: Namespace) -> int:
    """Measure, and show it; 1 when a model that was asked for, or the default one, is broken.

    Raises:
        SettingError: a setting has a bad value.
        GatewayUnusable: the gateway is away or refuses the key; a `--model` isn't served; the
            report can't be written; it costs too much to begin without a question.
    """
    settings, stdout = Settings.from_env(), sys.stdout
    _try_report(options.report)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # vui prints its log there
            served = asyncio.run(model_groups(InstrumentedBackend(**settings.backend_options)))
            chosen = choose(served, options.model, settings.model)
            if not _agreed(estimate(chosen), len(chosen), options):
                return 0
            results = asyncio.run(_measured(chosen, settings))
            asked = asyncio.run(model_groups(InstrumentedBackend(**settings.backend_options)))
        for result in results:  # with findings of the answers, such as a small account
            result.note = asked[result.model].note if result.model in asked else result.note
    except KeyboardInterrupt:
        print("[stopped]", file=sys.stderr)
        return 130
    _show(results, options, stdout)
    well = {result.model for result in results if not result.verdict.startswith("broken")}
    if not options.model and settings.model not in {result.model for result in results}:
        print(
            f"vui starts with {settings.model!r}, which the gateway doesn't serve. "
            "Change VUI_LITELLM_MODEL to one of these.",
            file=sys.stderr,
        )
    return int(not well.issuperset(options.model or [settings.model]))


def _agreed(expected: Estimate, models: int, options: Namespace) -> bool:
    """Whether to spend that: asked at a terminal, up to a limit without one.

    Raises:
        GatewayUnusable: it may be more, and nobody can be asked.
    """
    usd = f"{expected.usd:.4f} USD" + " where the price is known" * bool(expected.unpriced)
    costs = (
        f"{models} model{'s'[: models != 1]}, {REQUESTS} requests each: "
        f"about {expected.tokens_in} tokens in, {expected.tokens_out} out, {usd}."
    )
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not (options.yes or options.dry_run or terminal):
        _refuse_beyond_limit(expected)
    print(costs, file=sys.stderr)
    if options.dry_run or options.yes or not terminal:
        return not options.dry_run
    # Not by input(), which would ask in vui's log.
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _refuse_beyond_limit(expected: Estimate) -> None:
    if expected.unpriced:
        why = f"There is no price for {', '.join(expected.unpriced)}"
    elif expected.usd > UNASKED_USD:
        why = f"This costs about {expected.usd:.2f} USD, more than {UNASKED_USD:.2f}"
    else:
        return
    raise GatewayUnusable(
        f"{why}, and without a terminal you can't be asked. Add `--yes`, or choose with "
        "`--model NAME`."
    )


async def _measured(chosen: list[ModelGroup], settings: Settings) -> list[ModelResult]:
    lock, console = asyncio.Lock(), Console(stderr=True)
    quiet = not console.is_terminal
    # The redirected output is vui's log.
    with Progress(
        console=console, transient=True, redirect_stdout=False, disable=quiet
    ) as progress:
        task = progress.add_task("Asking", total=len(chosen) * REQUESTS)
        return await asyncio.gather(
            *(
                measure(
                    InstrumentedBackend(**{**settings.backend_options, "model": group.model}),
                    group, lock, lambda: progress.advance(task),
                )
                for group in chosen
            )
        )  # fmt: skip


def _try_report(name: str | None) -> None:
    """Try to write it before a token is spent; an older report stays until there is a new one."""
    if not name or name == "-":
        return
    path = Path(name)
    with _writing(path):
        existed = path.exists()
        with path.open("a"):
            pass
        if not existed:
            path.unlink()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GatewayUnusable(
            f"{path} can't be written ({error.strerror}). Write the report to your own file "
            "instead: `... check --yes --report - > report.html`."
        ) from error


def _show(results: list[ModelResult], options: Namespace, stdout: TextIO) -> None:
    rows = [asdict(result) for result in results]
    if options.json:
        print(json.dumps(rows, indent=2), file=stdout)
    elif options.report != "-":
        console = Console(file=stdout, width=None if stdout.isatty() else UNFOLDED)
        console.print(table(rows, console.width))
    if options.report == "-":
        print(page(rows), file=stdout)
    elif options.report:
        with _writing(path := Path(options.report)):
            path.write_text(page(rows), encoding="utf-8")
