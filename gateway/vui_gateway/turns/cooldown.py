"""Which deployments are well: a sick one is left alone for a while, a refused key for good."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from http import HTTPStatus

from vui_gateway.turns.attempt import Deployment

__all__ = ["Cooldown"]

# What the request is to blame for, not the deployment.
REQUEST_ERRORS = frozenset({400, 413, 422, 499})
KEY_ERRORS = frozenset({401, 403})


class Cooldown:
    """LiteLLM's own doesn't see a deployment that hangs or dies in its stream, and a group of which
    all are cooling down answers nothing although one may have recovered.
    """

    def __init__(self) -> None:
        self.version = 0  # rises with each change
        self._until: dict[str, float] = {}  # deployment id → monotonic time; infinite for a key
        self._seconds = 30.0
        self._variables: dict[str, str] = {}
        self._lost: set[str] = set()  # deployments that lost their last hedge

    def configure(self, seconds: float, variables: dict[str, str]) -> None:
        """Take a new configuration; deployments that are gone are forgotten.

        variables: of each deployment id the variable that holds its key.
        """
        self._seconds, self._variables = seconds, variables
        self._until = {i: until for i, until in self._until.items() if i in variables}
        self._lost &= variables.keys()
        self.version += 1

    def variable(self, deployment: Deployment) -> str | None:
        """That holds its key; None when the configuration itself does."""
        found = self._variables.get(deployment.id, "")
        return found if found.isupper() else None

    def __contains__(self, deployment: str) -> bool:
        return self._until.get(deployment, 0.0) > time.monotonic()

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Deployment ids, and the seconds that each is still left alone; infinite for a key."""
        now = time.monotonic()
        return ((i, until - now) for i, until in self._until.items() if until > now)

    def failed(self, deployment: Deployment, status: int, retry_after: float = 0.0) -> str:
        """Leave a deployment alone: for the cooldown, or until its key changes.

        status: the provider's HTTP status. retry_after: seconds that the provider asks for.
        Returns what the user has to do about it, once for each key.
        """
        cure = ""
        if status in REQUEST_ERRORS:
            return cure
        before = self._until.get(deployment.id, 0.0)
        if status in KEY_ERRORS:
            variable = self._variables.get(deployment.id, "")
            if before != math.inf and variable not in self._refused():
                where = f"{variable} into .env" if variable else "key into litellm_config.yaml"
                cure = f"Put a valid {where}."
            self._until[deployment.id] = math.inf
        else:
            until = time.monotonic() + max(self._seconds, retry_after)
            self._until[deployment.id] = max(before, until)
        self.version += 1
        return cure

    def _refused(self) -> set[str]:
        """The variables of keys that are refused."""
        refused = {self._variables.get(i) for i, until in self._until.items() if until == math.inf}
        return {variable for variable in refused if variable}

    def lost(self, deployment: Deployment) -> None:
        """Another one, asked later, spoke first: once may be chance, twice in a row isn't."""
        if deployment.id in self._lost:
            self.failed(deployment, HTTPStatus.GATEWAY_TIMEOUT)
        self._lost ^= {deployment.id}

    def answered(self, deployment: Deployment) -> None:
        """A whole answer: it is well."""
        self._lost.discard(deployment.id)
        if self._until.pop(deployment.id, None):
            self.version += 1
