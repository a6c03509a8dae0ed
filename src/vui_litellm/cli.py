"""The command line: `vui-litellm serve | chat | check | doctor`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import runpy
import sys
from pathlib import Path

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 for a bad setting or an unusable gateway, each said in one line."""
    parser = argparse.ArgumentParser(
        prog="vui-litellm", description="vui through a LiteLLM gateway."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start vui; further arguments go to vui itself")
    chat = commands.add_parser("chat", help="the same turn by text, without a microphone or a GPU")
    chat.add_argument("text", nargs="*", help="say this and exit; otherwise converse")
    check = commands.add_parser("check", help="which model can I talk to? a real turn with each")
    check.add_argument("--model", action="append", help="only this one; may be given again")
    check.add_argument("--json", action="store_true", help="for a program instead of a table")
    check.add_argument(
        "--report", metavar="FILE", type=_here, help="an HTML page with a chart; - for stdout"
    )
    check.add_argument("--yes", action="store_true", help="don't ask before spending tokens")
    check.add_argument("--dry-run", action="store_true", help="only say what it would cost")
    commands.add_parser("doctor", help="vui's own preflight check, on this backend")
    options, rest = parser.parse_known_args(argv)
    if rest and options.command != "serve":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _run(options, rest)
    except _refusals() as error:
        print(f"vui-litellm: {error}", file=sys.stderr)
        return 2


def _here(name: str) -> str:
    # The working directory changes on the way.
    return name if name == "-" else os.path.abspath(name)


def _refusals() -> tuple[type[Exception], ...]:
    from vui_litellm.launcher import GatewayUnusable
    from vui_litellm.settings import SettingError

    return (GatewayUnusable, SettingError)


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    from vui_litellm.launcher import install, serve

    if options.command == "serve":
        serve(rest)
    elif options.command == "doctor":
        os.environ["VUI_LLM_BACKEND"] = "litellm"
        install()
        runpy.run_module("vui.doctor", run_name="__main__")
    else:
        # vui keeps its log below the working directory, and its memories here.
        state = Path.home() / ".vui"
        state.mkdir(exist_ok=True)
        os.chdir(state)
        with contextlib.redirect_stdout(io.StringIO()):  # vui lists its tools as it is imported
            from vui_litellm.chat import chat
            from vui_litellm.check import check

        if options.command == "check":
            return asyncio.run(check(options))
        return asyncio.run(chat(" ".join(options.text) or None))
    return 0
