"""Records of one request of vui's, which makes two for a turn: the call, and its attempts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vui_gateway.errors import Code, Ending
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.head_start import HeadStart

__all__ = ["OWNER", "Attempt", "AttemptError", "Call", "Event"]

OWNER = "owner"  # who holds VUI_LITELLM_KEY


def _now() -> float:
    return asyncio.get_running_loop().time()


class Event(NamedTuple):
    """A part of a provider's answer; any field may be empty.

    Attributes:
        reasoning: characters of thoughts; true for thoughts without a text.
        answer: a whole one, not streamed.
        broken: the provider says that its answer breaks off here.
        filler: the text is said while the reply is awaited, and no part of it.
    """

    text: str = ""
    reasoning: int = 0
    tool_calls: list | None = None
    finish_reason: str | None = None
    usage: dict | None = None
    answer: dict | None = None
    broken: AttemptError | None = None
    filler: bool = False


class AttemptError(Exception):
    """An attempt failed.

    Attributes:
        ended: an `Ending`, the provider's HTTP status, or an exception's name.
        status, code, retry_after: for the client, and for the cooldown (seconds).
        reason: for the log's line about it, where there is more to say than `ended`.
        chance: the same request may well succeed at once.
        failed_call: text that the provider couldn't read as a tool call.
    """

    def __init__(
        self,
        ended: str,
        message: str = "",
        status: int = Code.NO_ANSWER.status,
        code: Code = Code.NO_ANSWER,
        retry_after: float = 0.0,
        reason: str = "",
        *,
        chance: bool = False,
        failed_call: str = "",
    ) -> None:
        super().__init__(message or f"The model gave no whole answer ({ended}).")
        self.ended, self.status, self.code = ended, int(status), code
        self.retry_after, self.reason = retry_after, reason
        self.chance, self.failed_call = chance, failed_call


@dataclass(eq=False)
class Attempt:
    """One deployment's part in a call.

    Attributes:
        body: what it was asked.
        client, traceparent: of the call that it is part of.
        sent, received: bytes of the request, and characters of the answer, thoughts included.
        ended: why it is over, empty while it isn't: as in `AttemptError`.
        code: of its failure, as a client gets it.
        reason: of its failure, as the log says it; empty where `ended` says all.
        by_chance: it failed so that its deployment was asked once more at once.
        beside: another one was under way: it is a hedge.
        began, first_word, last_word, over: times of the loop, in seconds; `over` is when its
            provider's call ended.
        cut_short: it was given less time than its deployment usually is.
        answered: its provider has sent a whole answer, whatever it is.
        taken_out: "thoughts" and "tokens" that its server should have taken out of the text.
        began_in_thinking: what its text has shown; None for nothing.
        reasoned: it has shown that it thinks.
        raw_finish: the provider's own finish reason, where LiteLLM has another word for it.
        tokens_a_minute: that its account may ask for, as its provider's headers say; 0 for none.
        mocked: LiteLLM answered by itself, which costs nothing.
        counted: it is a part of a turn; vui's preparations aren't, and cost nothing.
        counts: tokens in and out and US dollars, as LiteLLM reports them; a provider may lie.
        cache_counts: tokens read from the provider's prompt cache, and written.
        cache_marks: what its provider was asked to keep there.
        optional: fields of its request that it can do without, and their values.
        taken_back: those that its provider refused, with what is sent instead.
        billed: set when LiteLLM has reported the usage, or never will.
    """

    deployment: Deployment
    body: dict
    client: str = ""
    traceparent: str = ""
    sent: int = 0
    received: int = 0
    ended: str = ""
    code: str = ""
    reason: str = ""
    by_chance: bool = False
    tool_calls: list = field(default_factory=list)
    finish_reason: str = ""
    raw_finish: str = ""
    tokens_a_minute: int = 0
    usage: dict | None = None
    answer: dict | None = None
    began: float = field(default_factory=_now)
    first_word: float = 0.0
    last_word: float = 0.0
    over: float = 0.0
    beside: bool = False
    cut_short: bool = False
    answered: bool = False
    taken_out: list[str] = field(default_factory=list)
    began_in_thinking: bool | None = None
    reasoned: bool = False
    mocked: bool = False
    counted: bool = True
    counts: tuple[Any, Any, Any] | None = None
    cache_counts: tuple[Any, Any] = (0, 0)
    cache_marks: tuple[Any, ...] = ()
    optional: dict[str, Any] = field(default_factory=dict)
    taken_back: dict[str, str] = field(default_factory=dict)
    billed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def spoke(self) -> bool:
        """A word or a tool call has come: nothing else is an answer."""
        return bool(self.first_word or self.tool_calls or self.answer)


@dataclass
class Call:
    """One request, the deployments that were asked, and the outcome.

    Attributes:
        client: whose key it came with.
        model_group, streamed: what was asked for; vui's thoughts aren't streamed, its replies are.
        thinks: the user asked for thinking.
        chosen: the group that a router of the file has chosen for it.
        deadline: until when somebody has to have spoken.
        hedge: whether two may be asked side by side.
        sent: bytes of the request.
        began, first_token, released, ended: times of the loop, in seconds: of the request, the
            first word from a provider, the first sentence to vui, and the end.
        heard: when the listener has heard all that was sent to vui, 0 for nothing.
        without: ids of deployments that refuse its tools.
        attempts: in order.
        traceparent: of the client's trace: https://www.w3.org/TR/trace-context/
        said: the text of a streamed reply.
        error: why it failed: an ending, a code, or an exception's name.
        recorded: `Recorder` has it. head_start: vui asks before its turn is certain.
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
    heard: float = 0.0
    ended: float = 0.0
    without: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    error: str = ""
    client: str = OWNER
    traceparent: str = ""
    said: str = ""
    hung_up: bool = False
    recorded: bool = False
    head_start: HeadStart | None = None
    chosen: str = ""

    @property
    def groups(self) -> list[str]:
        """The groups that are asked, in order."""
        return list(filter(None, (self.chosen, self.model_group)))

    @property
    def asked(self) -> list[str]:
        """The ids of the deployments that have been asked and had their chance."""
        again = (Ending.HEDGED_LOST, Ending.NO_TOOLS)
        had = (a for a in self.attempts if a.ended not in again and not a.by_chance)
        return [*(a.deployment.id for a in had), *self.without]

    @property
    def last_word(self) -> float:
        """When an attempt that runs had its last word; 0 where none has spoken."""
        return max((a.last_word for a in self.attempts if not a.ended), default=0.0)

    @property
    def kind(self) -> str:
        """`reply`, or `thoughts`, which nobody hears."""
        return "reply" if self.streamed else "thoughts"

    @property
    def fallback(self) -> bool:
        """Another deployment took over after a failure."""
        failed = (a for a in self.attempts if a.ended != Ending.HEDGED_LOST)
        return len({attempt.deployment.id for attempt in failed}) > 1

    @property
    def codes(self) -> list[str]:
        """The codes of its failed attempts."""
        return [a.code for a in self.attempts if a.code]

    @property
    def reasons(self) -> str:
        """Why attempts of it failed, each said once; empty where the call's line says it all."""
        said = (f"{a.deployment.model}: {a.reason}" for a in self.attempts if a.reason)
        return "; ".join(dict.fromkeys(said))

    @property
    def answered(self) -> Attempt | None:
        """The attempt that answered whole."""
        return next((one for one in self.attempts if one.ended == Ending.OK), None)

    @property
    def answered_or_last(self) -> Attempt | None:
        """The attempt that answered whole, or the last one; None where nobody was asked."""
        return self.answered or (self.attempts[-1] if self.attempts else None)

    @property
    def answered_by(self) -> str:
        """LiteLLM's name of the model that answered, or that was asked last."""
        last = self.answered_or_last
        return last.deployment.model if last else "none"

    @property
    def outcome(self) -> str:
        """`ok`, `failed`, or `hung-up`: a barge-in, or a stop phrase of vui's."""
        return Ending.HUNG_UP if self.hung_up else "failed" if self.error else Ending.OK
