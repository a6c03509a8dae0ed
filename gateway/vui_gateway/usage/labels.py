"""Model names in logs and metrics: those of the configuration, and those of requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

__all__ = ["OTHER", "Labels", "quoted"]

OTHER = "other"
PLAIN = re.compile(r"[\w.:/@+*~-]+", re.ASCII)


class Labels:
    """Values of a metric's label: a bounded number, whatever is asked for.

    names: of the configuration; one with a `*` stands for all that it matches.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        patterns = sorted((name for name in self._names if "*" in name), key=len, reverse=True)
        self._patterns = [
            (re.compile(re.escape(name).replace(r"\*", ".*")), name) for name in patterns
        ]

    def __call__(self, name: str) -> str:
        """The name itself, the wildcard that it matches, or `other`."""
        if name in self._names or name == "none":
            return name
        return next((label for pattern, label in self._patterns if pattern.match(name)), OTHER)


def quoted(name: str) -> str:
    """A name as one field of a log line."""
    return name if PLAIN.fullmatch(name) else json.dumps(name)
