"""One call as a series of attempts: as long as one deployment is well, there is an answer."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from vui_gateway.errors import Ending
from vui_gateway.providers import thinking
from vui_gateway.turns.attempt import Open, RunningAttempt
from vui_gateway.turns.call import AttemptError, Call, Event
from vui_gateway.turns.candidates import Candidates
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.hedge import Hedge
from vui_gateway.turns.limits import LEAST_SECONDS, Limits
from vui_gateway.turns.race import Race, Trouble, took_its_own
from vui_gateway.turns.thinkers import Thinkers
from vui_gateway.turns.toolless import NO_TOOL, Toolless, without_tools

__all__ = ["Engine"]

# Takes a model group and a request to it.
Route = Callable[[str, dict], Awaitable[tuple[str, dict]]]

CONTINUE = (
    "Your reply broke off here. Go on with exactly the next word, as if nothing had happened: "
    "repeat nothing, and say nothing about this."
)


async def _no_trouble(_: str) -> str:
    return ""


async def _no_choice(_: str, body: dict) -> tuple[str, dict]:
    return "", body


class Engine:
    """Asks one deployment after the other, or side by side, until one answers whole.

    Args:
        open_, candidates, cooldown, hedge, trouble: see `Race`.
        route: the group that a router of the file chooses for a request to a group, or nothing,
            and the request as that group gets it.
    """

    def __init__(
        self,
        open_: Open,
        candidates: Candidates,
        cooldown: Cooldown,
        hedge: Hedge,
        thinkers: Thinkers | None = None,
        trouble: Trouble = _no_trouble,
        route: Route = _no_choice,
    ) -> None:
        self._route = route
        self.limits, self.toolless = Limits(), Toolless()
        self._candidates, self._cooldown, self._hedge = candidates, cooldown, hedge
        self._thinkers = thinkers or Thinkers()
        self._race = Race(
            open_, candidates, cooldown, hedge, self._thinkers, self.toolless, trouble
        )

    def configure(
        self,
        stream_timeout: float,
        timeout: float,
        *,
        hedge: bool,
        plain_speech: bool = False,
        toolless: Mapping[str, str] | None = None,
    ) -> None:
        """Take a new configuration.

        stream_timeout, timeout: seconds until and between words, and for a call that isn't
        streamed. plain_speech: Markdown is made speech. toolless: ids of the deployments whose
        model takes no tools, with its name.
        """
        self.limits = Limits.of(stream_timeout, timeout)
        self.toolless.configure(toolless)
        self._hedge.enabled, self._race.plain_speech = hedge, plain_speech

    def variable(self, call: Call) -> str | None:
        """The variable with the key of the deployment which a call asked last."""
        return self._cooldown.variable(call.attempts[-1].deployment) if call.attempts else None

    async def stream(self, call: Call, body: dict) -> AsyncGenerator[Event]:
        """The events of a streamed reply: whole sentences, then its end.

        Raises:
            AttemptError: nobody could answer, or go on after a reply that broke off.
        """
        self._hedge.called()
        body = await self._routed(call, body)
        said, asked, late = "", body, False
        error: AttemptError | None = None
        if asked.get("tools"):
            call.without = self.toolless.ids(call, body)
        while True:
            try:
                attempt = await self._race.first(call, asked, self.limits, said, error)
            except AttemptError as failure:
                if not _takes_no_tools(call, asked, failure):
                    raise
                asked = body = without_tools(asked)
                call.without, error = set(), None
                continue
            record, heard = attempt.record, False
            call.first_token = call.first_token or record.first_word
            try:
                async with aclosing(self._pieces(attempt, call)) as pieces:
                    async for piece in pieces:
                        said, heard = said + piece, True
                        call.said, now = said, asyncio.get_running_loop().time()
                        call.released = call.released or now
                        call.heard = self.limits.spoken(piece, max(call.heard, now))
                        yield Event(piece)
                if record.tool_calls:
                    yield Event(tool_calls=record.tool_calls)
                record.ended = Ending.OK
                self._cooldown.answered(record.deployment)
                self.toolless.learn(call, record)
                yield Event(finish_reason=record.finish_reason, usage=record.usage)
                return
            except AttemptError as failure:
                error = failure
                self._race.failed(call, record, error)
                if error.ended == Ending.HOOK or (said and error.ended == Ending.FLOODED):
                    raise
                now = asyncio.get_running_loop().time()
                if heard:
                    asked, late = _continuing(body, said), False
                    call.deadline = now + self.limits.total
                elif not late or record.last_word > call.deadline or took_its_own(record):
                    # The attempt had begun to speak, so the next one gets its own deadline. Only
                    # once per call: otherwise each deployment could add four seconds of silence.
                    late = late or now > call.deadline - LEAST_SECONDS
                    call.deadline = max(call.deadline, now + self.limits.words)
            finally:
                attempt.close(Ending.HUNG_UP)
                self._thinkers.learn(record)

    async def complete(self, call: Call, body: dict) -> dict:
        """The answer to a call that isn't streamed; no tool call where nobody takes tools.

        Raises:
            AttemptError: nobody could answer.
        """
        body = await self._routed(call, body)
        if body.get("tools"):
            call.without = self.toolless.ids(call, body)
        try:
            record = (await self._race.first(call, body, self.limits)).record
        except AttemptError as failure:
            if not _takes_no_tools(call, body, failure):
                raise
            return NO_TOOL
        record.ended = Ending.OK
        self._cooldown.answered(record.deployment)
        self.toolless.learn(call, record)
        assert record.answer is not None
        return record.answer

    async def _routed(self, call: Call, body: dict) -> dict:
        """The request as it is sent to the group that a router of the file chooses."""
        call.chosen, body = await self._route(call.model_group, body)
        if thinking.thinks(body) and not call.thinks:  # the router or its tier asks for it
            call.thinks = True
            call.deadline = max(call.deadline, call.began + self.limits.thinking)
        return body

    def _pieces(self, attempt: RunningAttempt, call: Call) -> AsyncGenerator[str]:
        others_left = functools.partial(self._candidates.left, call.groups, call.asked)
        return attempt.pieces(self.limits, others_left)


def _takes_no_tools(call: Call, body: dict, error: AttemptError) -> bool:
    """Whether a call failed because nobody takes its tools."""
    nobody = error.ended == Ending.NO_DEPLOYMENT and bool(call.without)
    return bool(body.get("tools")) and (error.ended == Ending.NO_TOOLS or nobody)


def _continuing(body: dict, said: str) -> dict:
    spoken = {"role": "assistant", "content": said.strip()}
    ask = {"role": "user", "content": CONTINUE}
    return {**body, "messages": [*body["messages"], spoken, ask]}
