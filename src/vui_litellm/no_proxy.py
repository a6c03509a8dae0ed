"""Hosts that vui never asks through a proxy: the gateway, and this machine.

`~/.docker/config.json` puts a company's proxy into every container.
https://docs.docker.com/engine/cli/proxy/
"""

from __future__ import annotations

import os

__all__ = ["ask_directly"]

# This machine, and the gateway's name in compose.yaml.
OURS = ("localhost", "127.0.0.1", "::1", "gateway", "host.docker.internal")
# Libraries read either.
VARIABLES = ("NO_PROXY", "no_proxy")


def ask_directly() -> None:
    """Add these hosts to NO_PROXY; those of the user stay."""
    given = ",".join(os.environ.get(name, "") for name in VARIABLES).split(",")
    found = dict.fromkeys([*filter(None, map(str.strip, given)), *OURS])
    os.environ.update(dict.fromkeys(VARIABLES, ",".join(found)))
