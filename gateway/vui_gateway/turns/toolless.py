"""Deployments that refuse calls with tools: left out for those, and for no others."""

from __future__ import annotations

import asyncio

__all__ = ["NO_TOOL", "REFUSED_SECONDS", "Toolless", "without_tools"]

# Their server may have been started anew with the option that it lacked.
REFUSED_SECONDS = 3600.0
# The answer to thoughts when nobody takes tools: none is called.
NO_TOOL = {
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    ],
}
FIELDS = ("tools", "tool_choice", "parallel_tool_calls")


class Toolless:
    """Which deployments have refused tools, for an hour or until the configuration changes."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def clear(self) -> None:
        """The configuration has changed: each may be asked again."""
        self._until.clear()

    def add(self, deployment: str) -> None:
        """A deployment has refused tools."""
        self._until[deployment] = asyncio.get_running_loop().time() + REFUSED_SECONDS

    @property
    def ids(self) -> set[str]:
        """The deployments that calls with tools leave out."""
        now = asyncio.get_running_loop().time()
        return {deployment for deployment, until in self._until.items() if until > now}


def without_tools(body: dict) -> dict:
    """The request, to be answered in words."""
    return {name: value for name, value in body.items() if name not in FIELDS}
