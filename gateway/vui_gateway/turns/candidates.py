"""The deployments that a call may ask, in order."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from vui_gateway.errors import Code
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment

__all__ = ["KEY_FALLBACKS", "NO_ANSWER_FALLBACKS", "Candidates", "Fallbacks", "is_like"]

# The setting that names the fallbacks for an error code; the empty code is any.
# https://docs.litellm.ai/docs/proxy/reliability
KEY_FALLBACKS = "key_fallbacks"
NO_ANSWER_FALLBACKS = "no_answer_fallbacks"
FALLBACKS = {
    # Ours: until its key or its credit is mended, such a deployment answers nothing.
    Code.PROVIDER_KEY_REFUSED: KEY_FALLBACKS,
    Code.PROVIDER_QUOTA_EXCEEDED: KEY_FALLBACKS,
    Code.NO_ANSWER: NO_ANSWER_FALLBACKS,
    Code.PROVIDER_MODEL_NOT_FOUND: NO_ANSWER_FALLBACKS,
    Code.MODEL_NOT_LOADED: NO_ANSWER_FALLBACKS,
    Code.PROVIDER_REFUSED_REQUEST: NO_ANSWER_FALLBACKS,
    Code.CONTEXT_WINDOW_EXCEEDED: "context_window_fallbacks",
    Code.CONTEXT_TOO_SMALL: "context_window_fallbacks",
    Code.CONTENT_POLICY_VIOLATION: "content_policy_fallbacks",
    "": "fallbacks",
}


def is_like(name: str, pattern: str) -> bool:
    """Whether a name is a group's, in which only stars stand for other text."""
    if "*" not in pattern:
        return name == pattern
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name))


class Fallbacks:
    """The user's `fallbacks`, and `default_fallbacks` for a group that has none.

    Raises:
        ValueError: they aren't lists of groups.
    """

    def __init__(self, *settings: Mapping[str, Any]) -> None:
        self._of: dict[tuple[str, str], list[str]] = {}  # code and group → groups
        for code, name in FALLBACKS.items():
            for entry in [e for s in settings for e in s.get(name) or ()]:
                for group, names in entry.items() if isinstance(entry, dict) else [("", None)]:
                    self._of.setdefault((code, group), []).extend(_checked(names, name))
        default = "default_fallbacks"
        for s in settings:
            self._of.setdefault(("", "*"), []).extend(_checked(s.get(default) or [], default))
        aliases = [pair for s in settings for pair in (s.get("model_group_alias") or {}).items()]
        self._aliases = {a: of["model"] if isinstance(of, dict) else of for a, of in aliases}

    def of(self, model_group: str, codes: Iterable[str] = ()) -> list[str]:
        """The fallback groups of a group whose deployments failed with these codes."""
        names = [name for name in (model_group, self._aliases.get(model_group)) if name]
        # A wildcard's fallbacks; those of "*" are everybody's.
        wildcards = dict.fromkeys(name for _, name in self._of if "*" in name and name != "*")
        matching = [w for w in wildcards if any(is_like(name, w) for name in names)]
        names += [w for w in matching if w not in names]
        by = [(code, name) for code in [*codes, ""] for name in names]
        found = [name for key in by for name in self._of.get(key, [])]
        return found or self._of.get(("", "*"), [])


def _checked(names: object, setting: str) -> list[str]:
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    raise ValueError(f"{setting}: a group is followed by a list of groups, not by {names!r}")


class Candidates:
    """A group's deployments by LiteLLM's own choice, then those of the user's fallbacks; and the
    deployments in cooldown when no other is left, since one of them may have recovered.

    Args:
        choose: LiteLLM's choice for a model group, among what `available` says for the metadata.
        ids: of the deployments of a model group.
    """

    def __init__(
        self,
        choose: Callable[[str, dict], Awaitable[Deployment | None]],
        ids: Callable[[str], list[str]],
        cooldown: Cooldown,
    ) -> None:
        self._choose, self._ids, self._cooldown = choose, ids, cooldown
        self.fallbacks = Fallbacks()

    def available(self, ids: Collection[str], metadata: Mapping[str, Any]) -> Collection[str]:
        """The ids that haven't been asked; without those that are cooling down, unless `sick`."""
        left = [i for i in ids if i not in metadata["asked"]]
        return left if metadata["sick"] else [i for i in left if i not in self._cooldown]

    async def next(
        self, groups: Sequence[str], asked: list[str], codes: Iterable[str] = ()
    ) -> Deployment | None:
        """The next deployment after those that were asked; None when none is left.

        groups: of the call, in order. codes: what its attempts until now have failed with.
        """
        for sick in (False, True):
            for group in self._groups(groups, codes):
                if found := await self._choose(group, {"asked": asked, "sick": sick}):
                    return found
        return None

    def left(self, groups: Sequence[str], asked: Collection[str]) -> bool:
        """Whether a deployment is left that isn't cooling down."""
        ids = {i for group in self._groups(groups) for i in self._ids(group)}
        return any(i not in asked and i not in self._cooldown for i in ids)

    def _groups(self, groups: Sequence[str], codes: Iterable[str] = ()) -> list[str]:
        found = [*groups]
        for group in found:  # a fallback has fallbacks of its own
            found += [name for name in self.fallbacks.of(group, codes) if name not in found]
        return found
