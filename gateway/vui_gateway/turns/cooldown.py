"""Cooldowns: a failed deployment is left alone for a while, one with a refused key for an hour."""

from __future__ import annotations

from collections.abc import Iterator

from vui_gateway.providers.blame import HOUR, Blame, Blamed
from vui_gateway.state.entries import State
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.limits import COOLDOWN

__all__ = ["Cooldown"]

# Subjects of the state: by deployment id the end of a cooldown, and of a refused key's, whose
# deployment has another id once the key changes.
COOLING, REFUSED = "cooling", "refused"
ENTRY_LIFETIME = 60.0  # seconds beyond the cooldown


class Cooldown:
    """Replaces LiteLLM's cooldown, which misses hangs and broken streams, and refuses every call
    while a whole group is cooling down.

    Attributes:
        seconds: that a failed deployment is left alone, unless its failure asks for more.

    Args:
        state: shared with other gateways.
    """

    def __init__(self, state: State | None = None) -> None:
        self.version = 0  # rises with each change
        self._state = state or State()
        self.seconds = COOLDOWN
        self._variables: dict[str, str] = {}
        self._lost: set[str] = set()  # deployments that lost their last hedge

    def configure(self, seconds: float, variables: dict[str, str]) -> None:
        """Take a new configuration; a deployment that has changed has another id.

        variables: of each deployment id the variable that holds its key.
        """
        self.seconds, self._variables = seconds, variables
        self._lost &= variables.keys()
        self.version += 1

    def variable(self, deployment: Deployment) -> str | None:
        """The variable that holds its key; None when the configuration itself does."""
        found = self._variables.get(deployment.id, "")
        return found if found.isupper() else None

    def __contains__(self, deployment: str) -> bool:
        return self._left(deployment) > 0

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Deployment ids, and the seconds that each is still left alone."""
        ids = dict.fromkeys(i for name in (COOLING, REFUSED) for i, _ in self._state.items(name))
        return ((i, seconds) for i in ids if (seconds := self._left(i)) > 0)

    @property
    def refused(self) -> list[str]:
        """The ids of deployments whose key was refused."""
        return [i for i, _ in self._state.items(REFUSED) if self._until(REFUSED, i) > 0]

    def failed(self, deployment: Deployment, blame: Blame) -> str:
        """Leave a deployment alone, if it is to blame.

        Returns what the user has to do about it, once for each key.
        """
        cure = ""
        if blame.blamed == Blamed.KEY:
            variable = self._variables.get(deployment.id, "")
            known = deployment.id in self.refused or variable in self._refused_variables()
            if not known:
                where = f"{variable} into .env" if variable else "key into litellm_config.yaml"
                cure = f"Put a valid {where}."
            self._leave(REFUSED, deployment.id, blame.seconds)
        elif blame.blamed == Blamed.DEPLOYMENT:
            seconds = max(self.seconds, blame.seconds)
            if seconds > self._until(COOLING, deployment.id):
                self._leave(COOLING, deployment.id, seconds)
        else:
            return cure
        self.version += 1
        return cure

    def _leave(self, subject: str, deployment: str, seconds: float) -> None:
        until, lifetime = self._state.clock() + seconds, seconds + ENTRY_LIFETIME
        self._state.put(subject, deployment, until, lifetime=lifetime, soon=True)

    def _refused_variables(self) -> set[str]:
        return set(filter(None, map(self._variables.get, self.refused)))

    def lost(self, deployment: Deployment) -> None:
        """A later attempt spoke first. Once may be chance, twice in a row is a failure."""
        if deployment.id in self._lost:
            self.failed(deployment, Blame(Blamed.DEPLOYMENT))
        self._lost ^= {deployment.id}

    def answered(self, deployment: Deployment) -> None:
        """A whole answer ends the cooldown."""
        self._lost.discard(deployment.id)
        for subject in (COOLING, REFUSED):
            if self._until(subject, deployment.id) > 0:
                lifetime = ENTRY_LIFETIME
                self._state.put(subject, deployment.id, 0.0, lifetime=lifetime, soon=True)
                self.version += 1

    def _left(self, deployment: str) -> float:
        """Seconds that it is still left alone."""
        return max(self._until(COOLING, deployment), self._until(REFUSED, deployment))

    def _until(self, subject: str, deployment: str) -> float:
        until = self._state.get(subject, deployment)
        left = until - self._state.clock() if isinstance(until, int | float) else 0.0
        # More than there can be: a clock was set back.
        return left if left <= max(HOUR, self.seconds) + 1 else 0.0
