"""The record of a reply that vui asks for before its turn is certain."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HeadStart"]


@dataclass(eq=False)
class HeadStart:
    """A call that vui makes before its turn is certain.

    Attributes:
        name: vui's, for its call.
        claimed: the turn is certain, and the reply is heard.
        usd: US dollars, once the call is over.
    """

    name: str
    claimed: bool = False
    usd: float | None = None
