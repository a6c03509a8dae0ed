"""Hosts that are never asked through a proxy, whatever HTTP_PROXY says.

`~/.docker/config.json` puts a company's proxy into every container.
https://docs.docker.com/engine/cli/proxy/
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterable

__all__ = ["ask_directly", "goes_by_proxy"]

# This machine, and the names of compose.yaml.
OURS = ("localhost", "127.0.0.1", "::1", "gateway", "host.docker.internal")
# Libraries read either.
VARIABLES = ("NO_PROXY", "no_proxy")


def ask_directly(hosts: Iterable[str] = ()) -> None:
    """Add hosts to NO_PROXY, and ours; those of the user stay."""
    given = ",".join(os.environ.get(name, "") for name in VARIABLES).split(",")
    # httpx refuses to work with one that isn't ASCII.
    more = (host for host in hosts if host.isascii())
    found = dict.fromkeys([*filter(None, map(str.strip, given)), *OURS, *more])
    os.environ.update(dict.fromkeys(VARIABLES, ",".join(found)))


def goes_by_proxy(scheme: str, host: str) -> bool:
    """Whether HTTP clients ask a proxy for it: nobody knows then who is behind."""
    proxies = urllib.request.getproxies()
    return not urllib.request.proxy_bypass(host) and bool(proxies.get(scheme) or proxies.get("all"))
