"""Deployments whose prompt opens the thinking, which their server leaves in the text."""

from __future__ import annotations

from collections.abc import Collection

from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.deployment import Deployment

__all__ = ["THINKERS", "Thinkers"]

# Subject of the state: how sure it is that replies begin in thinking, by deployment id, which
# changes with the configuration.
THINKERS = "thinkers"
SURE = 2
THINKERS_LIFETIME = 30 * 86400.0  # seconds after the last reply that said so


class Thinkers:
    """Remembers which deployments close thinking that nobody opened.

    Args:
        state: shared with other gateways.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()

    def configure(self, deployments: Collection[str]) -> None:
        """Take a new configuration; a deployment that has changed has another id."""
        known = [name for name, _ in self._state.items(THINKERS)]
        for name in set(known).difference(deployments):
            self._state.forget(THINKERS, name)

    def begins_in_thinking(self, deployment: Deployment) -> bool:
        """Whether its next reply does: by its last replies, or else by its model's name."""
        return self._sure(deployment) > 0

    def learn(self, record: Attempt) -> None:
        """Remember what a reply has shown; two without a thought are needed to unlearn it."""
        seen, deployment = record.began_in_thinking, record.deployment
        if seen is None or deployment.thinks_aloud is None:
            return
        before = self._sure(deployment)
        if (sure := SURE if seen else max(before - 1, 0)) != before:
            self._state.put(THINKERS, deployment.id, sure, lifetime=THINKERS_LIFETIME, soon=True)

    def _sure(self, deployment: Deployment) -> int:
        if deployment.thinks_aloud is None:
            return 0
        seen = self._state.get(THINKERS, deployment.id)
        known = isinstance(seen, int) and 0 <= seen <= SURE
        return int(seen) if known else SURE * deployment.thinks_aloud
