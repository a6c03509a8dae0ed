"""One call as a series of attempts: as long as one deployment is well, there is an answer.

Plain asyncio over `Open` and `Candidates`: it knows nothing of LiteLLM.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator
from contextlib import aclosing

from vui_gateway.turns.attempt import Attempt, AttemptError, Deployment, Event, Open
from vui_gateway.turns.call import Call
from vui_gateway.turns.candidates import Candidates
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.hedge import Hedge
from vui_gateway.turns.limits import Limits

__all__ = ["Engine"]

CONTINUE = (
    "Your reply broke off here. Go on with exactly the next word, as if nothing had happened: "
    "repeat nothing, and say nothing about this."
)
# A connection that lay idle for too long fails at once: that is nobody's fault.
STALE_STATUS, STALE_SECONDS = 408, 0.05
LEAST_SECONDS = 0.5  # for an attempt that is left little of the call's time
SLOW_THOUGHTS = ("no-words", "empty")


class Engine:
    """Asks one deployment after the other, or side by side, until one answers whole."""

    def __init__(
        self, open_: Open, candidates: Candidates, cooldown: Cooldown, hedge: Hedge
    ) -> None:
        self.limits = Limits()
        self._open, self._candidates = open_, candidates
        self._cooldown, self._hedge = cooldown, hedge

    def configure(self, stream_timeout: float, timeout: float, *, hedge: bool) -> None:
        """Take a new configuration.

        stream_timeout, timeout: seconds until and between words, and for a call that isn't
        streamed.
        """
        total = max(Limits.total, 2 * stream_timeout + 1)  # for two to be asked
        thoughts = timeout, min(8.0, timeout)
        self.limits = Limits(stream_timeout, total=total, thoughts=thoughts)
        self._hedge.enabled = hedge

    def variable(self, call: Call) -> str | None:
        """That holds the key of the deployment which a call asked last."""
        return self._cooldown.variable(call.attempts[-1].deployment) if call.attempts else None

    async def stream(self, call: Call, body: dict) -> AsyncGenerator[Event]:
        """The events of a streamed reply: whole sentences, then its end.

        Raises:
            AttemptError: nobody could answer, or go on with what had been said.
        """
        self._hedge.called()
        said, asked, late = "", body, False
        error: AttemptError | None = None
        while True:
            attempt, heard = await self._first(call, asked, said, error), False
            call.first_token = call.first_token or attempt.first_word
            try:
                async with aclosing(self._pieces(attempt, call)) as pieces:
                    async for piece in pieces:
                        said, heard = said + piece, True
                        call.released = call.released or asyncio.get_running_loop().time()
                        yield Event(piece)
                if attempt.tool_calls:
                    yield Event(tool_calls=attempt.tool_calls)
                attempt.ended = "ok"
                self._cooldown.answered(attempt.deployment)
                # Sentences hide when the first word came, and the last.
                times = {"first_token_ms": attempt.first_word, "last_token_ms": attempt.last_word}
                told = {name: round((at - call.began) * 1000) for name, at in times.items() if at}
                usage = attempt.usage and {**attempt.usage, **told}
                yield Event(finish_reason=attempt.finish_reason, usage=usage)
                return
            except AttemptError as failure:
                error = failure
                self._failed(attempt, error)
                if error.ended == "hook" or (said and error.ended == "flooded"):
                    raise
                now = asyncio.get_running_loop().time()
                if heard:
                    asked, late = _continuing(body, said), False
                    call.deadline = now + self.limits.total
                elif not late or attempt.last_word > call.deadline or _took_its_own(attempt):
                    # Words have come: what follows has its own time; once past the limit, or
                    # there would be as much silence as there are deployments.
                    late = late or now > call.deadline - LEAST_SECONDS
                    call.deadline = max(call.deadline, now + self.limits.words)
            finally:
                attempt.close("hung-up")

    async def complete(self, call: Call, body: dict) -> dict:
        """The answer to a call that isn't streamed.

        Raises:
            AttemptError: nobody could answer.
        """
        attempt = await self._first(call, body)
        attempt.ended = "ok"
        self._cooldown.answered(attempt.deployment)
        assert attempt.answer is not None
        return attempt.answer

    def _pieces(self, attempt: Attempt, call: Call) -> AsyncGenerator[str]:
        others_left = functools.partial(self._candidates.left, call.model_group, call.asked)
        return attempt.pieces(self.limits, others_left)

    async def _first(
        self, call: Call, body: dict, said: str = "", error: AttemptError | None = None
    ) -> Attempt:
        """The first attempt that speaks; the others are over when it returns.

        said, error: what an earlier one has said, and why it broke off.
        """
        loop = asyncio.get_running_loop()
        running: dict[asyncio.Task, Attempt] = {}
        hedge_at: float | None = None
        error = error or AttemptError("no-deployment", "There is no deployment to ask.", 503)
        winner: Attempt | None = None

        async def begin(deployment: Deployment | None) -> bool:
            if deployment is None:
                return False
            sent = call.sent + len(said)
            attempt = Attempt(deployment, body, self._open, said, call.client, sent=sent)
            call.attempts.append(attempt)
            limit, thinking = self._attempt_limits(call, deployment)
            usual = deployment.first_words or self.limits.words
            attempt.cut_short = call.streamed and limit < usual
            running[asyncio.create_task(attempt.first_words(limit, thinking))] = attempt
            return True

        try:
            while not winner:
                late = call.attempts and loop.time() > call.deadline - LEAST_SECONDS
                if not running:
                    if late or not await begin(await self._next(call)):
                        raise error
                    latest = call.attempts[-1].deployment
                    if call.hedge and not (said or call.thinks or latest.thinks):
                        hedge_at = loop.time() + self._hedge.delay(latest.id)
                    else:
                        hedge_at = None
                wait = None if hedge_at is None else max(0.0, hedge_at - loop.time())
                done, _ = await asyncio.wait(running, timeout=wait, return_when="FIRST_COMPLETED")
                if not done:
                    hedge_at = None
                    if self._hedge.take():
                        well = self._candidates.left(call.model_group, call.asked)
                        await begin((well and await self._next(call)) or latest)
                for task in sorted(done, key=lambda task: running[task].began):
                    attempt = running.pop(task)
                    if not (failure := task.exception()):
                        if winner:  # both spoke at once
                            attempt.close("hedged-lost")
                        winner = winner or attempt
                    elif isinstance(failure, AttemptError):
                        error = failure
                        stale = _stale(attempt, failure, call)
                        attempt.close(failure.ended)
                        self._failed(attempt, failure, cool=not stale and self._sick(call, attempt))
                        if failure.ended == "hook":  # it would refuse the next one, too
                            raise failure
                        if loop.time() > call.deadline - LEAST_SECONDS and _took_its_own(attempt):
                            call.deadline = loop.time() + self.limits.words
                        if stale:
                            await begin(attempt.deployment)
                    else:
                        raise failure
            self._hedge.observe(winner.deployment.id, loop.time() - winner.began)
            return winner
        finally:
            for task, attempt in running.items():
                task.cancel()
                if winner and winner.began > attempt.began:
                    self._cooldown.lost(attempt.deployment)
                attempt.close("hedged-lost" if winner else "hung-up")

    def _attempt_limits(self, call: Call, deployment: Deployment) -> tuple[float, float | None]:
        loop, limits = asyncio.get_running_loop(), self.limits
        if not call.streamed:
            left = call.deadline - loop.time()
            others = self._candidates.left(call.model_group, [*call.asked, deployment.id])
            return (min(limits.thoughts[1], left) if others else left), None
        left = max(LEAST_SECONDS, call.deadline - loop.time())
        own = deployment.first_words
        first = own if own and own > limits.total else min(own or limits.words, left)
        thinks = call.thinks or deployment.thinks
        return first, (limits.thinking if thinks else None)

    async def _next(self, call: Call) -> Deployment | None:
        return await self._candidates.next(call.model_group, call.asked, call.codes)

    def _sick(self, call: Call, attempt: Attempt) -> bool:
        """Whether an attempt without words says something of its deployment for later calls."""
        # A model that is slow at tools may be quick to reply.
        known = call.streamed or attempt.ended not in SLOW_THOUGHTS
        return known and not attempt.cut_short and attempt.ended != "budget"

    def _failed(self, attempt: Attempt, error: AttemptError, *, cool: bool = True) -> None:
        attempt.ended = attempt.ended or error.ended
        attempt.code, attempt.reason = error.code, error.reason
        if cool:
            status, retry_after = error.status, error.retry_after
            cure = self._cooldown.failed(attempt.deployment, status, retry_after)
            attempt.reason = f"{attempt.reason}. {cure}" if cure else attempt.reason


def _took_its_own(attempt: Attempt) -> bool:
    """It was allowed to take longer than a call usually may: the next one needs time, too."""
    return bool(attempt.deployment.first_words) or attempt.deployment.thinks


def _stale(attempt: Attempt, error: AttemptError, call: Call) -> bool:
    age = asyncio.get_running_loop().time() - attempt.began
    again = sum(a.deployment.id == attempt.deployment.id for a in call.attempts) > 1
    return error.status == STALE_STATUS and age < STALE_SECONDS and not again


def _continuing(body: dict, said: str) -> dict:
    spoken = {"role": "assistant", "content": said.strip()}
    ask = {"role": "user", "content": CONTINUE}
    return {**body, "messages": [*body["messages"], spoken, ask]}
