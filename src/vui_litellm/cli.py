"""The command line: `vui-litellm serve | chat | check | doctor`."""

from __future__ import annotations

import argparse
import sys
import traceback

from vui_litellm import launcher, tools
from vui_litellm.patches.server import CannotGuard
from vui_litellm.settings import SettingError
from vui_litellm.timezone import use_timezone
from vui_litellm.tools.preflight import GatewayUnusable, NoVoice, warn_if_untested

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 for a bad setting, an unusable gateway or vui, each said in one line.

    0 for a machine on which vui can't speak: a supervisor would restart it for ever.
    """
    parser = argparse.ArgumentParser("vui-litellm", description="vui through a LiteLLM gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start vui; further arguments go to vui itself")
    tools.add_commands(commands)
    options, rest = parser.parse_known_args(argv)
    if rest and options.command != "serve":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    warn_if_untested()
    use_timezone()
    try:
        if options.command == "serve":
            launcher.serve(rest)
            return 0
        return tools.run(options)
    except NoVoice as error:
        print(f"vui-litellm: {error}", file=sys.stderr)
        return 0
    except (CannotGuard, GatewayUnusable, SettingError) as error:
        print(f"vui-litellm: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        if options.command != "chat":
            raise
        print(f"vui-litellm: {_sentence(error)}", file=sys.stderr)
        return 1


def _sentence(error: Exception) -> str:
    """A sentence for an error that no code expects."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())
    where = f"{last.filename}:{last.lineno}"
    return f"The conversation ended ({type(error).__name__}: {said}; {where})."
