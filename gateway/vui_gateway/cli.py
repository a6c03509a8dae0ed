"""The command line: `vui-gateway serve | key | page | status | health | check-config | …`."""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request
from pathlib import Path

from vui_gateway.no_proxy import ask_directly
from vui_gateway.providers.sign_in import SUBSCRIPTIONS
from vui_gateway.settings import Settings

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 when the user's input can't be used, with one line that says why."""
    parser = argparse.ArgumentParser(prog="vui-gateway", description="vui's LiteLLM sidecar.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the gateway")
    key = commands.add_parser(
        "key", help="show the key that vui and this gateway share; make keys for others"
    )
    if "key" in (sys.argv if argv is None else argv):
        from vui_gateway.keys.commands import add_arguments

        add_arguments(key)
    commands.add_parser("page", help="print an address that opens the gateway's page")
    commands.add_parser(
        "status", help="list the models that are served, those left out, and those cooling down"
    )
    commands.add_parser("health", help="exit 0 when a turn would be answered at full speed")
    sign_in = commands.add_parser("sign-in", help="sign in to a subscription, on another device")
    sign_in.add_argument("provider", choices=SUBSCRIPTIONS)
    check = commands.add_parser(
        "check-config", help="say what a file would serve and what not; nothing is started"
    )
    check.add_argument("file", nargs="?", type=Path, help="the gateway's own model file by default")
    given = parser.parse_args(argv)
    command = given.command
    if command == "serve":
        from vui_gateway import logs

        logs.set_up()
    try:
        settings, unusable = Settings.load_usable()
        ask_directly()
        if command == "health":
            return _health(settings)
        if command == "status":
            return _status(settings)
        if command == "key" and given.action:
            from vui_gateway.keys.commands import run

            return run(settings, given)
        if command == "check-config":
            if unusable:
                raise unusable
            return _check_config(given.file or settings.config, settings)
        if command == "sign-in":
            return _sign_in(given.provider)
        if command == "page":
            return _page(settings)
        if command == "key":
            print(settings.key_file.read_text().strip())
            return 0
        from vui_gateway.server import serve

        serve(settings, unusable)
    except (ValueError, OSError) as error:
        print(f"vui-gateway: {error}", file=sys.stderr)
        return 2
    return 0


def _status(settings: Settings) -> int:
    from vui_gateway.status import Status, lines

    status = Status.model_validate_json(settings.status_file.read_text())
    for line in lines(status):
        print(line)
    return 1 if status.error or status.silent else 0


def _check_config(path: Path, settings: Settings) -> int:
    from vui_gateway.check_config import check
    from vui_gateway.redaction import credentials, redact

    redact.configure(credentials(settings.env))
    lines, good = check(path, settings.env)
    print(redact("\n".join(lines)))
    return 0 if good else 1


def _page(settings: Settings) -> int:
    from vui_gateway.keys.page_tokens import ADDRESS_SECONDS, PAGE_ADDRESS, sign

    token = sign(settings.key_file.read_text().strip(), PAGE_ADDRESS, ADDRESS_SECONDS)
    print(f"{settings.address(settings.port)}/#{token}")
    minutes = ADDRESS_SECONDS // 60
    print(f"It opens the page within {minutes} minutes, on this machine.", file=sys.stderr)
    return 0


def _sign_in(provider: str) -> int:
    from vui_gateway.litellm_proxy.sign_in import sign_in

    try:
        sign_in(provider)
    except Exception as error:  # LiteLLM has several for it
        print(f"vui-gateway: {provider} isn't signed in to ({error}). Try again.", file=sys.stderr)
        return 1
    print(f"You are signed in to {provider}: the gateway serves its models now.")
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
