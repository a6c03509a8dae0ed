"""Deployments whose prompt opens the thinking, which their server leaves in the text."""

from __future__ import annotations

from collections.abc import Collection

from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt, Deployment

__all__ = ["THINKERS", "Thinkers"]

# Subject of the state: whether replies begin in thinking, by deployment id, which changes with the
# configuration.
THINKERS = "thinkers"
LIFETIME = 30 * 86400.0  # seconds after the last reply that said so


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
        """Whether its next reply does: as it was seen to, or else as its model's name says."""
        seen = self._state.get(THINKERS, deployment.id)
        return seen if isinstance(seen, bool) else deployment.thinks_aloud

    def learn(self, record: Attempt) -> None:
        """Remember what a reply has shown."""
        seen, identity = record.began_in_thinking, record.deployment.id
        # One that was seen to think may answer without a thought.
        known = self._state.get(THINKERS, identity)
        if seen is not None and known not in (seen, True):
            self._state.put(THINKERS, identity, seen, lifetime=LIFETIME, soon=True)
