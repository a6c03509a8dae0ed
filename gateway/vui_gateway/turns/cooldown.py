"""Which deployments are well: a sick one is left alone for a while, a refused key for good."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterator

from vui_gateway.turns.call import Attempt

__all__ = ["Cooldown"]

# What the request is to blame for, not the deployment.
REQUEST_ERRORS = frozenset({400, 413, 422, 499})
KEY_ERRORS = frozenset({401, 403})

log = logging.getLogger("vui_gateway")


class Cooldown:
    """LiteLLM's own doesn't see a deployment that hangs or dies in its stream, and a group of which
    all are cooling down answers nothing although one may have recovered.
    """

    def __init__(self) -> None:
        self.version = 0  # rises with each change
        self._until: dict[str, float] = {}  # deployment id → monotonic time; infinite for a key
        self._seconds = 30.0
        self._variables: dict[str, str] = {}

    def configure(self, seconds: float, variables: dict[str, str]) -> None:
        """Take a new configuration; deployments that are gone are forgotten.

        variables: of each deployment id the variable that holds its key.
        """
        self._seconds, self._variables = seconds, variables
        self._until = {i: until for i, until in self._until.items() if i in variables}
        self.version += 1

    def __contains__(self, deployment: str) -> bool:
        return self._until.get(deployment, 0.0) > time.monotonic()

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Deployment ids, and the seconds that each is still left alone; infinite for a key."""
        now = time.monotonic()
        return ((i, until - now) for i, until in self._until.items() if until > now)

    def available(self, deployments: Collection[dict], attempts: list[Attempt]) -> list[dict]:
        """LiteLLM's deployments less those asked already; a sick one only when no other is left."""
        asked = {attempt.deployment for attempt in attempts}
        left = [d for d in deployments if d["model_info"]["id"] not in asked]
        return [d for d in left if d["model_info"]["id"] not in self] or left

    def failed(self, attempt: Attempt | None, status: int, retry_after: float = 0.0) -> None:
        """Leave a deployment alone: for the cooldown, or until its key changes.

        status: the provider's HTTP status. retry_after: seconds that the provider asks for.
        """
        if not attempt or not attempt.deployment or status in REQUEST_ERRORS:
            return
        deployment, before = attempt.deployment, self._until.get(attempt.deployment, 0.0)
        if status in KEY_ERRORS:
            if before != math.inf:
                variable = self._variables.get(deployment, "its key")
                log.warning("%s refused %s. Put a valid key into .env.", attempt.model, variable)
            self._until[deployment] = math.inf
        else:
            until = time.monotonic() + max(self._seconds, retry_after)
            self._until[deployment] = max(before, until)
        self.version += 1

    def answered(self, deployment: str) -> None:
        """A key that was refused works again; a cooldown ends by itself.

        LiteLLM takes a reply that ended early for a success, so that can't end a cooldown.
        """
        if self._until.get(deployment) == math.inf:
            del self._until[deployment]
            self.version += 1
