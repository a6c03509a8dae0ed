"""Deployments that aren't served, and their sentences; `status` needs no LiteLLM for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LeftOut", "by_reason", "summary"]


@dataclass(frozen=True)
class LeftOut:
    """A deployment that is not served, and the variable or credential whose lack is the reason.

    wrong, cure: its fault, and what to do.
    is_unset: a variable without a value is all that it lacks.
    place: file and line of what is wrong with the entry itself, with a colon and a space.
    """

    model_name: str
    model: str
    variable: str
    wrong: str = "is not set"
    cure: str = "Put it in .env."
    is_unset: bool = False
    place: str = ""

    def __str__(self) -> str:
        name = f"{self.model_name} ({self.model})"
        return f"{name} is left out: {self.place}{self.variable} {self.wrong}. {self.cure}"


def by_reason(found: Iterable[LeftOut]) -> list[str]:
    """One line for each variable."""
    return [f"Left out: {lack}. {cure}" for lack, cure in _reasons(found)]


def summary(found: Iterable[LeftOut]) -> str:
    """One line for all of them."""
    reasons = _reasons(found)
    cures = dict.fromkeys(cure for _, cure in reasons)
    return f"Left out: {'; '.join(lack for lack, _ in reasons)}. {' '.join(cures)}"


def _reasons(found: Iterable[LeftOut]) -> list[tuple[str, str]]:
    """Each variable with its groups, and the cure."""
    names: dict[tuple[str, str], list[str]] = {}
    for one in found:
        lack = f"{one.place}{one.variable} {one.wrong}"
        names.setdefault((lack, one.cure), []).append(one.model_name)
    return [
        (f"{lack} ({', '.join(dict.fromkeys(groups))})", cure)
        for (lack, cure), groups in names.items()
    ]
