"""One request of vui's, as it goes through the gateway."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["TURN", "Turn"]


@dataclass
class Turn:
    """What was asked for, which deployments have been asked, and what came of it.

    group, streamed: the model asked for, and whether its reply is streamed (vui's thoughts aren't).
    began, first, ended: monotonic times of the request, the first token and the end.
    tried: ids of the deployments that were asked, in order. mocked: the demo answers.
    tokens, usd: in and out, and the price of both; None for a model without a known price.
    failed: what the user got to hear about. told: the reply is out to its end. hung_up: the client
    didn't wait for that. booked: the ledger has it.
    """

    group: str = ""
    streamed: bool = True
    began: float = field(default_factory=time.monotonic)
    first: float | None = None
    ended: float | None = None
    tried: list[str] = field(default_factory=list)
    mocked: bool = False
    tokens: tuple[int, int] = (0, 0)
    usd: float | None = None
    failed: str = ""
    told: bool = False
    hung_up: bool = False
    booked: bool = False

    @property
    def last(self) -> str | None:
        """The deployment that was asked last."""
        return self.tried[-1] if self.tried else None

    @property
    def outcome(self) -> str:
        """`ok`, `failed`, or `hung up`: a barge-in, or a stop phrase of vui's."""
        return "hung up" if self.hung_up else "failed" if self.failed else "ok"


# Set by the doors for each request; LiteLLM's tasks inherit it.
TURN: ContextVar[Turn] = ContextVar("turn")
