"""Python as it is in the gateway's image: with its packages only, and without a network."""

from __future__ import annotations

import importlib.metadata
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "gateway" / "requirements.txt"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

_pinned = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages_beyond() -> Iterator[str]:
    """The top-level modules of this environment that the image lacks."""
    image = {_normal(name) for name in [*_pinned, "vui-gateway"]}
    for module, packages in importlib.metadata.packages_distributions().items():
        if image.isdisjoint(map(_normal, packages)):
            yield module


class _OnlyTheImages:
    def __init__(self) -> None:
        self.lacks = frozenset(packages_beyond())

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name.partition(".")[0] in self.lacks:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _without_network() -> None:
    """No name has an address but loopback's; uvloop doesn't ask Python's resolver."""
    import uvloop

    def refuse(host: Any) -> None:
        if host not in LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    resolve, resolve_in_loop = socket.getaddrinfo, uvloop.Loop.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Sequence:
        refuse(host)
        return resolve(host, *args, **options)

    async def getaddrinfo_in_loop(self: Any, host: Any, *args: Any, **options: Any) -> Sequence:
        refuse(host)
        return await resolve_in_loop(self, host, *args, **options)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]
    uvloop.Loop.getaddrinfo = getaddrinfo_in_loop  # type: ignore[assignment, method-assign]


def environment(folder: Path) -> dict[str, str]:
    """What makes a child process one of the image."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text("from tests.support.image import begin\nbegin()\n")
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


def begin() -> None:
    """Take away what the image hasn't, in this process."""
    sys.meta_path.insert(0, _OnlyTheImages())
    _without_network()
