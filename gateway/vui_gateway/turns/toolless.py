"""Deployments that calls with tools leave out, such as vui's thoughts; replies go there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from vui_gateway.lru import LRU
from vui_gateway.providers.accounts import tokens_asked
from vui_gateway.turns.call import Attempt, Call

__all__ = ["NO_TOOL", "Toolless", "without_tools"]

# The answer to thoughts when nobody takes tools: none is called.
NO_TOOL = {
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    ],
}
log = logging.getLogger("vui_gateway")

KEPT_REPLIES = 1000  # of the clients and groups that spoke last
FIELDS = ("tools", "tool_choice", "parallel_tool_calls")


class Toolless:
    """Deployments that calls with tools leave out: those whose model takes none, those that have
    refused them, for a time, and those of accounts too small for thoughts beside a reply.

    Attributes:
        limits: by deployment id, how many tokens a minute its account may ask for.
        small: by deployment id, the sentence about an account that is too small.
    """

    def __init__(self) -> None:
        self._never: frozenset[str] = frozenset()
        self._until: dict[str, float] = {}
        # Tokens of each client's and group's last reply.
        self._replies = LRU[tuple[str, str], int](KEPT_REPLIES)
        self.limits: dict[str, int] = {}
        self.small: dict[str, str] = {}
        self._models: dict[str, str] = {}

    def configure(self, never: Mapping[str, str] | None = None) -> None:
        """Take a new configuration: each may be asked again.

        never: ids of the deployments whose model takes no tools, with its name.
        """
        self._never = frozenset(never or ())
        for model in dict.fromkeys((never or {}).values()):
            log.info(f"{model} takes no tools: vui's thoughts leave it out.")
        self._until.clear()
        self.limits.clear()
        self.small.clear()

    def add(self, deployment: str, seconds: float) -> None:
        """Leave a deployment out for so long: its server may be started anew, or its limit over."""
        until = asyncio.get_running_loop().time() + seconds
        self._until[deployment] = max(until, self._until.get(deployment, 0.0))

    def learn(self, call: Call, record: Attempt) -> None:
        """Take the limit of its account from an attempt."""
        if call.streamed:
            who = call.client, call.model_group
            self._replies.put(who, tokens_asked(record.sent, record.body))
        if record.tokens_a_minute:
            self.limits[record.deployment.id] = record.tokens_a_minute
            self._models[record.deployment.id] = record.deployment.model

    def ids(self, call: Call, body: dict) -> set[str]:
        """The deployments that a call with tools leaves out; a small account is said once."""
        now = asyncio.get_running_loop().time()
        refused = {deployment for deployment, until in self._until.items() if until > now}
        if call.streamed:
            return refused | self._never
        needed = self._replies.get((call.client, call.model_group), 0) + tokens_asked(
            call.sent, body
        )
        small = {one for one, limit in self.limits.items() if limit < needed}
        for one in small:
            if one not in self.small:
                self.small[one] = (
                    f"{self._models[one]}: its account may ask for {self.limits[one]} tokens "
                    f"a minute, and a turn needs {needed}: vui's thoughts leave it out. Take a "
                    "larger plan, or add a model for them to the group."
                )
                log.warning(self.small[one])
        return refused | self._never | small


def without_tools(body: dict) -> dict:
    """The request, to be answered in words."""
    return {name: value for name, value in body.items() if name not in FIELDS}
