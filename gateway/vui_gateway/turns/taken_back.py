"""Fields that a deployment refuses: the call is sent again without them, and so are later ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from vui_gateway.providers.refusals import (
    CACHE_MARKS,
    MAX_TOKENS,
    NEVER,
    STATUSES,
    Refusal,
    optional_fields,
    refusal,
    sentence,
    smaller_limit,
    without,
)
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt

__all__ = ["REFUSED_FIELDS", "TakenBack"]

# Subject of the state: by deployment id and model, for a wildcard has many, the refused fields with
# what is sent instead.
REFUSED_FIELDS = "fields"
FIELDS_LIFETIME = 30 * 86400.0  # seconds until a field is tried once more
MOST_AGAIN = 8  # requests more for one attempt

log = logging.getLogger("vui_gateway")


class TakenBack:
    """Remembers which fields a deployment refuses, of those that nobody configured.

    Args:
        state: shared with other gateways.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()
        self._own: dict[str, dict] = {}
        self._in_vain: set[tuple[str, str]] = set()

    def configure(self, model_list: Iterable[dict]) -> None:
        """Take a new configuration; a deployment that has changed has another id."""
        self._own = {entry["model_info"]["id"]: entry["litellm_params"] for entry in model_list}
        self._in_vain.clear()
        for name in [name for name, _ in self._state.items(REFUSED_FIELDS)]:
            if name.partition(" ")[0] not in self._own:
                self._state.forget(REFUSED_FIELDS, name)

    def limited(self, call: dict, deployment: str) -> dict:
        """The call with no more tokens than the deployment's own settings allow."""
        return smaller_limit(call, self._own.get(deployment, {}))

    def apply(self, before: Mapping[str, Any], call: dict, attempt: Attempt) -> dict:
        """The call without the fields that its deployment refuses.

        before: the call without the gateway's changes.
        """
        name = _name(attempt)
        refused = self._refused(name) | attempt.taken_back
        call = without(call, refused)
        if CACHE_MARKS in refused:
            attempt.cache_marks = ()
        own = self._own.get(attempt.deployment.id, {})
        optional = optional_fields(before, call, own, marked=bool(attempt.cache_marks))
        attempt.optional = {
            field: value
            for field, value in optional.items()
            # Its other name was refused before.
            if MAX_TOKENS.get(field) not in refused and (name, field) not in self._in_vain
        }
        return call

    def again(self, attempt: Attempt, status: int, message: str, param: str) -> bool:
        """Whether a failed call is worth one more request without the field that was refused."""
        last = next(reversed(attempt.taken_back), "")
        before = {last.partition("=")[0]: last.partition("=")[2] or True} if last else {}
        found = refusal(status, message, param, before | attempt.optional)
        if found and last and found.field == last:  # it wasn't this field
            self._in_vain.add((_name(attempt), last.partition("=")[0]))
            del attempt.taken_back[last]
            return False
        if status in STATUSES:  # it says nothing against what is left out
            self.settle(attempt)
        if not found or len(attempt.taken_back) == MOST_AGAIN:
            return False
        attempt.taken_back[found.field] = found.instead
        return True

    def settle(self, attempt: Attempt) -> None:
        """Remember the fields that were taken back: no refusal names them any more."""
        name, taken_back = _name(attempt), attempt.taken_back
        known = self._refused(name) if taken_back else {}
        for field, instead in taken_back.items() - known.items():
            log.warning(sentence(attempt.deployment.model, Refusal(field, instead)))
        if taken_back.items() - known.items():
            refused = known | taken_back
            self._state.put(REFUSED_FIELDS, name, refused, lifetime=FIELDS_LIFETIME, soon=True)

    def _refused(self, name: str) -> dict[str, str]:
        found = self._state.get(REFUSED_FIELDS, name)
        pairs = found.items() if isinstance(found, dict) else ()
        return {field: str(instead) for field, instead in pairs if field not in NEVER}


def _name(attempt: Attempt) -> str:
    return f"{attempt.deployment.id} {attempt.deployment.model}"
