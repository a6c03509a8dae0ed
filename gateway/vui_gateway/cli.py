"""The command line: `vui-gateway serve | key | health`."""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request

from vui_gateway.settings import Settings

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 when what the user wrote can't be used, said in one line."""
    parser = argparse.ArgumentParser(prog="vui-gateway", description="vui's LiteLLM sidecar.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the gateway")
    commands.add_parser("key", help="show the key that vui and this gateway share")
    commands.add_parser("health", help="exit 0 when a turn would be answered at full speed")
    command = parser.parse_args(argv).command
    try:
        settings = Settings.load()
        if command == "health":
            return _health(settings)
        if command == "key":
            print(settings.key_file.read_text().strip())
            return 0
        from vui_gateway.server import serve

        serve(settings)
    except (ValueError, OSError) as error:
        print(f"vui-gateway: {error}", file=sys.stderr)
        return 2
    return 0


def _health(settings: Settings) -> int:
    # The standard library's client: this runs every few seconds, in an image without curl.
    url = f"http://127.0.0.1:{settings.port}/health/readiness"
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
