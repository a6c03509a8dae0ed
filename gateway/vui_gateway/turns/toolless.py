"""Deployments that refuse calls with tools: left out for those, and for no others."""

from __future__ import annotations

import asyncio

__all__ = ["NO_TOOL", "Toolless", "without_tools"]

# The answer to thoughts when nobody takes tools: none is called.
NO_TOOL = {
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    ],
}
FIELDS = ("tools", "tool_choice", "parallel_tool_calls")


class Toolless:
    """Which deployments calls with tools leave out, for a time or until the configuration changes.

    Their server may have been started anew with the option that it lacked.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def clear(self) -> None:
        """The configuration has changed: each may be asked again."""
        self._until.clear()

    def add(self, deployment: str, seconds: float) -> None:
        """Leave a deployment out."""
        until = asyncio.get_running_loop().time() + seconds
        self._until[deployment] = max(until, self._until.get(deployment, 0.0))

    @property
    def ids(self) -> set[str]:
        """The deployments that calls with tools leave out."""
        now = asyncio.get_running_loop().time()
        return {deployment for deployment, until in self._until.items() if until > now}


def without_tools(body: dict) -> dict:
    """The request, to be answered in words."""
    return {name: value for name, value in body.items() if name not in FIELDS}
