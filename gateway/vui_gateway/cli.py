"""The command line: `vui-gateway serve | key | page | status | health`."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request

from vui_gateway.settings import Settings

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 when what the user wrote can't be used, said in one line."""
    parser = argparse.ArgumentParser(prog="vui-gateway", description="vui's LiteLLM sidecar.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the gateway")
    key = commands.add_parser("key", help="show the key that vui and this gateway share, or others")
    _add_key_commands(key)
    commands.add_parser("page", help="an address that opens the gateway's page, once")
    commands.add_parser("status", help="what is served, what isn't and why, what is cooling down")
    commands.add_parser("health", help="exit 0 when a turn would be answered at full speed")
    given = parser.parse_args(argv)
    command = given.command
    if command == "serve":
        from vui_gateway import logs

        logs.set_up()
    try:
        settings, unusable = Settings.load_usable()
        if command == "health":
            return _health(settings)
        if command == "status":
            return _status(settings)
        if command == "key" and given.action:
            from vui_gateway.client_keys import run

            return run(settings, given)
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


def _add_key_commands(key: argparse.ArgumentParser) -> None:
    actions = key.add_subparsers(dest="action")
    add = actions.add_parser("add", help="make a key for one vui, and show it this once")
    add.add_argument("name", help="such as kitchen")
    add.add_argument("--budget", help="US dollars per day (UTC), such as 0.50")
    add.add_argument("--models", help="the models that it may ask, such as vui,demo")
    add.add_argument("--calls", help="how many at once; vui makes two for a turn")
    actions.add_parser("list", help="whose keys there are, when they were used, what was spent")
    revoke = actions.add_parser("revoke", help="take a key back; it is refused within a second")
    revoke.add_argument("name")


def _status(settings: Settings) -> int:
    status = json.loads(settings.status_file.read_text())
    now = time.time()
    print(f"In force for {now - status['since']:.0f} s: {', '.join(status['served'])}")
    print(status["vui"])
    for variable, models in status["refused"].items():
        print(f"{variable} is refused by {', '.join(models)}: put a valid one there.")
    for line in status["warnings"]:
        print(line)
    for line in status["left_out"]:
        print(line)
    for name in status["needs_restart"]:
        print(f"{name} is not in force yet: docker compose restart gateway")
    for entry in status["cooling"]:
        left = entry["until"] - now
        until = f"for {left:.0f} s" if left < 1e9 else "until its key changes"
        if left > 0:
            print(f"{entry['model']} is left alone {until}.")
    calls = status["calls"]
    print(f"Calls at once: {calls['running']} of {calls['limit']}.")
    sums = status["session"]
    print(
        f"Since the start: {sums['calls']} calls, {sums['failed']} failed, {sums['tokens_in']} "
        f"tokens in, {sums['tokens_out']} out, {sums['usd']:.4f} USD."
    )
    budget = f" of {status['budget']:.2f}" if status["budget"] is not None else ""
    print(f"Today (UTC): {status['today']:.4f}{budget} USD.")
    for client in status["clients"]:
        of = f" of {client['budget']:.2f}" if client["budget"] is not None else ""
        print(f"{client['name']}: {client['today']:.4f}{of} USD.")
    if status["away"]:
        print(f"{status['away']} This gateway goes on with what it knows.")
    if (cache := status["cache"])["tokens_cached"]:
        share, saved = cache["tokens_cached"] / cache["tokens_in"], cache["saved"]
        print(
            f"{share:.0%} of today's input came from caches, "
            f"{saved:.4f} of {status['today'] + saved:.4f} USD saved."
        )
    if status["error"]:
        what = "The last edit was refused" if status["edited"] else "The files can't be used"
        print(f"{what}: {status['error']}")
    return 1 if status["error"] else 0


def _page(settings: Settings) -> int:
    url = f"http://127.0.0.1:{settings.port}/page/token"
    own = {"Authorization": f"Bearer {settings.key_file.read_text().strip()}"}
    request = urllib.request.Request(url, headers=own, method="POST")
    # A proxy that the environment names would get the key.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            told = json.loads(answer.read())
    except OSError as error:
        print(f"vui-gateway: no answer on port {settings.port} ({error}).", file=sys.stderr)
        return 1
    print(f"{settings.address(settings.port)}/#{told['token']}")
    minutes = told["seconds"] // 60
    print(f"It opens the page once, within {minutes} minutes, on this machine.", file=sys.stderr)
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
