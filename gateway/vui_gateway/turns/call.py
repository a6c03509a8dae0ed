"""One request of vui's, as it goes through the gateway: vui makes two for a turn."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["CURRENT_CALL", "Attempt", "Call"]


class Attempt(NamedTuple):
    """One deployment that was asked: its id, and LiteLLM's name of its model."""

    deployment: str
    model: str


@dataclass
class Call:
    """What was asked for, which deployments have been asked, and what came of it.

    Attributes:
        model_group, streamed: what was asked for; vui's thoughts aren't streamed, its replies are.
        began, first_token, ended: monotonic times, in seconds.
        attempts: the deployments that were asked, in order.
        mocked: LiteLLM answers by itself, without a provider.
        tokens_in, tokens_out, usd: None for a model without a known price.
        error, error_code: what went wrong for the log, and the code that the client gets.
        response_complete: the last byte has been sent.
        hung_up: the client left before that.
        recorded: `Usage` has it.
    """

    model_group: str = ""
    streamed: bool = True
    began: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    ended: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
    mocked: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    error: str = ""
    error_code: str = ""
    response_complete: bool = False
    hung_up: bool = False
    recorded: bool = False

    @property
    def last_attempt(self) -> Attempt | None:
        """The deployment that was asked last."""
        return self.attempts[-1] if self.attempts else None

    @property
    def outcome(self) -> str:
        """`ok`, `failed`, or `hung-up`: a barge-in, or a stop phrase of vui's."""
        return "hung-up" if self.hung_up else "failed" if self.error else "ok"


# Set for each request; LiteLLM's tasks inherit it, and its hooks have no other way to their call.
CURRENT_CALL: ContextVar[Call] = ContextVar("call")
