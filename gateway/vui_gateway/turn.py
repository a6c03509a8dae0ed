"""One request of vui's, as it goes through the gateway."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["TURN", "Turn"]


@dataclass
class Turn:
    """When it began, which deployments it has asked, and whether the demo answers it."""

    began: float = field(default_factory=time.monotonic)
    tried: list[str] = field(default_factory=list)
    mocked: bool = False

    @property
    def last(self) -> str | None:
        """The deployment that was asked last."""
        return self.tried[-1] if self.tried else None


# Set by the doors for each request; LiteLLM's tasks inherit it.
TURN: ContextVar[Turn] = ContextVar("turn")
