"""Programs beside vui: its doctor, a conversation by text, and which model one can talk to."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

__all__ = ["add_commands", "run"]


EXIT_CODES = (
    "Without a terminal it starts if the cost is at most 0.10 USD; above that, or where a price is "
    "unknown, it needs --yes. Exit codes: 0; 1 when the model that vui starts with, or one of "
    "--model, is broken or not served; 2 when it can't begin, with the reason; 130 after Ctrl-C."
)


def add_commands(commands: Any) -> None:
    """`doctor`, `chat` and `check` on the command line."""
    commands.add_parser("doctor", help="vui's own preflight check, on this backend")
    chat = commands.add_parser("chat", help="the same turn by text, without a microphone or a GPU")
    chat.add_argument("text", nargs="*", help="say this and exit; otherwise converse")
    check = commands.add_parser(
        "check", help="which model can I talk to? a real turn with each", epilog=EXIT_CODES
    )
    check.add_argument("--model", action="append", help="only this model; repeat it for more")
    check.add_argument("--json", action="store_true", help="for a program instead of a table")
    check.add_argument(
        "--report", metavar="FILE", type=_absolute, help="an HTML page with a chart; - for stdout"
    )
    check.add_argument("--yes", action="store_true", help="don't ask before spending tokens")
    check.add_argument("--dry-run", action="store_true", help="only say what it would cost")


def _absolute(name: str) -> str:
    # The working directory changes on the way.
    return name if name == "-" else os.path.abspath(name)


def run(options: argparse.Namespace) -> int:
    """Run one of the commands; its exit code."""
    from vui_litellm.launcher import install

    install()
    if options.command == "doctor":
        from vui_litellm.tools.doctor import doctor

        return doctor()
    # vui keeps its log below the working directory, and its memories here.
    state = Path.home() / ".vui"
    state.mkdir(exist_ok=True)
    os.chdir(state)
    if options.command == "check":
        from vui_litellm.tools.check import check

        return check(options)
    from vui_litellm.tools.chat import chat

    return asyncio.run(chat(" ".join(options.text) or None))
