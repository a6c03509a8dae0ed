"""One request of vui's, as it goes through the gateway: vui makes two for a turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from vui_gateway.turns.attempt import Attempt

__all__ = ["OWNER", "Call"]

OWNER = "owner"  # who holds VUI_LITELLM_KEY


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Call:
    """What was asked for, which deployments have been asked, and what came of it.

    Attributes:
        client: whose key it came with.
        model_group, streamed: what was asked for; vui's thoughts aren't streamed, its replies are.
        thinks: the user asked for thinking.
        deadline: until when somebody has to have spoken.
        hedge: whether two may be asked side by side.
        sent: bytes of the request.
        began, first_token, released, ended: times of the loop, in seconds: of the request, the
            first word from a provider, the first sentence to vui, and the end.
        attempts: in order.
        error: what went wrong, in a word for the log.
        recorded: `Usage` has it.
    """

    model_group: str = ""
    streamed: bool = True
    thinks: bool = False
    deadline: float = 0.0
    hedge: bool = True
    sent: int = 0
    began: float = field(default_factory=_now)
    first_token: float = 0.0
    released: float = 0.0
    ended: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    error: str = ""
    client: str = OWNER
    hung_up: bool = False
    recorded: bool = False

    @property
    def asked(self) -> list[str]:
        """The ids of the deployments that have been asked and had their chance."""
        return [a.deployment.id for a in self.attempts if a.ended != "hedged-lost"]

    @property
    def codes(self) -> list[str]:
        """What its attempts have failed with."""
        return [a.code for a in self.attempts if a.code]

    @property
    def reasons(self) -> str:
        """Why attempts of it failed, each said once; empty where the call's line says it all."""
        said = (f"{a.deployment.model}: {a.reason}" for a in self.attempts if a.reason)
        return "; ".join(dict.fromkeys(said))

    @property
    def answered_by(self) -> str:
        """LiteLLM's name of the model that answered, or that was asked last."""
        ok = [attempt for attempt in self.attempts if attempt.ended == "ok"]
        asked = ok or self.attempts
        return asked[-1].deployment.model if asked else "none"

    @property
    def outcome(self) -> str:
        """`ok`, `failed`, or `hung-up`: a barge-in, or a stop phrase of vui's."""
        return "hung-up" if self.hung_up else "failed" if self.error else "ok"
