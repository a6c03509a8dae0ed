"""Which deployments are well: a sick one is cooling down for a while, a refused key for good."""

from __future__ import annotations

import math
from collections.abc import Iterator
from http import HTTPStatus

from vui_gateway.state.entries import State
from vui_gateway.turns.call import Deployment
from vui_gateway.turns.limits import COOLDOWN, MOST_COOLDOWN

__all__ = ["Cooldown"]

# Failures that are the request's fault, not the deployment's.
REQUEST_ERRORS = frozenset({400, 413, 422, 499})
KEY_ERRORS = frozenset({401, 403})
# Subject of the state: the end of a cooldown by deployment id. None for a refused key, which
# changes with the key.
COOLING = "cooling"
# Seconds beyond the cooldown, and for a refused key.
ENTRY_LIFETIME, KEY_LIFETIME = 60.0, 7 * 86400.0


class Cooldown:
    """Replaces LiteLLM's cooldown, which misses hangs and broken streams, and refuses every call
    while a whole group is cooling down.

    Args:
        state: shared with other gateways.
    """

    def __init__(self, state: State | None = None) -> None:
        self.version = 0  # rises with each change
        self._state = state or State()
        self._seconds = COOLDOWN
        self._variables: dict[str, str] = {}
        self._lost: set[str] = set()  # deployments that lost their last hedge

    def configure(self, seconds: float, variables: dict[str, str]) -> None:
        """Take a new configuration; a deployment that has changed has another id.

        variables: of each deployment id the variable that holds its key.
        """
        self._seconds, self._variables = seconds, variables
        self._lost &= variables.keys()
        self.version += 1

    def variable(self, deployment: Deployment) -> str | None:
        """That holds its key; None when the configuration itself does."""
        found = self._variables.get(deployment.id, "")
        return found if found.isupper() else None

    def __contains__(self, deployment: str) -> bool:
        return self._left(deployment) > 0

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Deployment ids, and the seconds that each is still left alone; infinite for a key."""
        left = {i: self._left(i) for i, _ in self._state.items(COOLING)}
        return ((i, seconds) for i, seconds in left.items() if seconds > 0)

    @property
    def refused(self) -> list[str]:
        """The ids of deployments whose key was refused."""
        return [i for i, seconds in self if seconds == math.inf]

    def failed(self, deployment: Deployment, status: int, retry_after: float = 0.0) -> str:
        """Leave a deployment alone: for the cooldown, or until its key changes.

        status: the provider's HTTP status. retry_after: seconds that the provider asks for.
        Returns what the user has to do about it, once for each key.
        """
        cure = ""
        if status in REQUEST_ERRORS:
            return cure
        left = self._left(deployment.id)
        if status in KEY_ERRORS:
            variable = self._variables.get(deployment.id, "")
            if left != math.inf and variable not in self._refused_variables():
                where = f"{variable} into .env" if variable else "key into litellm_config.yaml"
                cure = f"Put a valid {where}."
            self._state.put(COOLING, deployment.id, None, lifetime=KEY_LIFETIME, soon=True)
        elif (seconds := max(self._seconds, retry_after)) > left:
            until, lifetime = self._state.clock() + seconds, seconds + ENTRY_LIFETIME
            self._state.put(COOLING, deployment.id, until, lifetime=lifetime, soon=True)
        self.version += 1
        return cure

    def _refused_variables(self) -> set[str]:
        return set(filter(None, map(self._variables.get, self.refused)))

    def lost(self, deployment: Deployment) -> None:
        """A later attempt spoke first. Once may be chance, twice in a row is a failure."""
        if deployment.id in self._lost:
            self.failed(deployment, HTTPStatus.GATEWAY_TIMEOUT)
        self._lost ^= {deployment.id}

    def answered(self, deployment: Deployment) -> None:
        """A whole answer ends the cooldown."""
        self._lost.discard(deployment.id)
        if self._left(deployment.id) > 0:
            self._state.put(COOLING, deployment.id, 0.0, lifetime=ENTRY_LIFETIME, soon=True)
            self.version += 1

    def _left(self, deployment: str) -> float:
        """Seconds that it is still left alone."""
        if not self._state.has(COOLING, deployment):
            return 0.0
        until = self._state.get(COOLING, deployment)
        if until is None:
            return math.inf
        left = until - self._state.clock() if isinstance(until, int | float) else 0.0
        # More than there can be: a clock was set back.
        return left if left <= max(MOST_COOLDOWN, self._seconds) + 1 else 0.0
