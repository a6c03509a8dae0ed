"""The command line: `vui-litellm serve | chat | check | doctor`."""

from __future__ import annotations

import argparse
import os
import runpy
import sys

from vui_litellm import launcher, tools
from vui_litellm.settings import SettingError
from vui_litellm.tools.preflight import GatewayUnusable
from vui_litellm.vui_api import warn_if_untested

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 for a bad setting or an unusable gateway, each said in one line."""
    parser = argparse.ArgumentParser("vui-litellm", description="vui through a LiteLLM gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start vui; further arguments go to vui itself")
    commands.add_parser("doctor", help="vui's own preflight check, on this backend")
    tools.add_commands(commands)
    options, rest = parser.parse_known_args(argv)
    if rest and options.command != "serve":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    warn_if_untested()
    try:
        if options.command == "serve":
            launcher.serve(rest)
        elif options.command == "doctor":
            os.environ["VUI_LLM_BACKEND"] = "litellm"
            launcher.install()
            runpy.run_module("vui.doctor", run_name="__main__")
        else:
            return tools.run(options)
    except (GatewayUnusable, SettingError) as error:
        print(f"vui-litellm: {error}", file=sys.stderr)
        return 2
    return 0
