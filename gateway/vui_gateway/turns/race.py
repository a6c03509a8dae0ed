"""The race for the first words: one deployment, a hedge beside it, the next after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vui_gateway.errors import Code, Ending
from vui_gateway.providers.blame import Blame, Blamed, Failure, blame
from vui_gateway.turns.attempt import Open, RunningAttempt
from vui_gateway.turns.call import Attempt, AttemptError, Call
from vui_gateway.turns.candidates import Candidates
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.hedge import Hedge
from vui_gateway.turns.limits import CHANCE_SECONDS, CHECK_AFTER, LEAST_SECONDS, Limits
from vui_gateway.turns.thinkers import Thinkers
from vui_gateway.turns.toolless import Toolless

__all__ = ["Race", "Trouble", "took_its_own"]

# Takes a deployment id. Returns why its server can't be reached, empty when it can.
Trouble = Callable[[str], Awaitable[str]]


class Race:
    """Finds the attempt that speaks first.

    Attributes:
        plain_speech: Markdown is made speech.

    Args:
        open_: asks a deployment.
        candidates: who may be asked. cooldown: learns of failures. hedge: when two are asked.
        thinkers: the deployments whose replies begin in thinking.
        toolless: learns who is left alone for calls with tools.
        trouble: looks at a server that says no word.
    """

    def __init__(
        self,
        open_: Open,
        candidates: Candidates,
        cooldown: Cooldown,
        hedge: Hedge,
        thinkers: Thinkers,
        toolless: Toolless,
        trouble: Trouble,
    ) -> None:
        self.plain_speech = False
        self._open, self._candidates = open_, candidates
        self._cooldown, self._hedge, self._thinkers = cooldown, hedge, thinkers
        self._toolless, self._trouble = toolless, trouble

    async def first(
        self,
        call: Call,
        body: dict,
        limits: Limits,
        said: str = "",
        error: AttemptError | None = None,
    ) -> RunningAttempt:
        """The first attempt that speaks; the others are over when it returns.

        said, error: the words of an earlier attempt, and why it broke off.

        Raises:
            AttemptError: nobody speaks.
        """
        loop = asyncio.get_running_loop()
        running: dict[asyncio.Task, RunningAttempt] = {}
        hedge_at: float | None = None
        error = error or AttemptError(Ending.NO_DEPLOYMENT, "There is no deployment to ask.", 503)
        winner: RunningAttempt | None = None
        again: Deployment | None = None

        def begin(deployment: Deployment) -> None:
            record = Attempt(deployment, body, call.client, call.traceparent, call.sent + len(said))
            record.beside = bool(running)
            call.attempts.append(record)
            alone = not self._candidates.left(call.groups, [*call.asked, deployment.id])
            limit, thinking = self._limits(call, deployment, limits, alone=alone)
            record.cut_short = call.streamed and limit < (deployment.first_words or limits.words)
            attempt = RunningAttempt(
                record,
                self._open,
                said,
                alone=alone,
                plain=self.plain_speech,
                thinks=self._thinkers.begins_in_thinking(deployment),
            )
            patient = alone and deployment.local
            words = self._patiently if patient else RunningAttempt.first_words
            running[asyncio.create_task(words(attempt, limit, thinking))] = attempt

        try:
            while not winner:
                if not running:
                    late = call.attempts and loop.time() > call.deadline - LEAST_SECONDS
                    if late or not (deployment := again or await self._next(call)):
                        raise error
                    again = None
                    begin(deployment)
                    latest = deployment
                    if call.hedge and not (said or call.thinks or latest.thinks):
                        hedge_at = loop.time() + self._hedge.delay(latest.id)
                    else:
                        hedge_at = None
                wait = None if hedge_at is None else max(0.0, hedge_at - loop.time())
                done, _ = await asyncio.wait(running, timeout=wait, return_when="FIRST_COMPLETED")
                if not done:
                    hedge_at = None
                    beside = await self._beside(call, latest)
                    if beside and self._hedge.take():
                        begin(beside)
                for task in sorted(done, key=lambda task: running[task].record.began):
                    attempt = running.pop(task)
                    if not (failure := task.exception()):
                        if winner:  # both spoke at once
                            attempt.close(Ending.HEDGED_LOST)
                        winner = winner or attempt
                    elif isinstance(failure, AttemptError):
                        error = failure
                        chance = not running and _by_chance(call, attempt, failure)
                        attempt.record.by_chance = chance
                        again = attempt.record.deployment if chance else None
                        self._lost(call, attempt, failure)
                        late = loop.time() > call.deadline - LEAST_SECONDS
                        if late and took_its_own(attempt.record):
                            call.deadline = loop.time() + limits.words
                    else:  # a bug of ours
                        attempt.close(Ending.HUNG_UP)
                        raise failure
            self._hedge.observe(winner.record.deployment.id, loop.time() - winner.record.began)
            return winner
        except BaseException:
            if winner:  # a callback refused the other one
                winner.close(Ending.HUNG_UP)
            raise
        finally:
            for task, attempt in running.items():
                task.cancel()
                if winner and winner.record.began > attempt.record.began:
                    self._cooldown.lost(attempt.record.deployment)
                attempt.close(Ending.HEDGED_LOST if winner else Ending.HUNG_UP)

    def failed(
        self, call: Call, record: Attempt, error: AttemptError, *, blameless: bool = False
    ) -> None:
        """Put a failure on record, and leave the deployment alone that is to blame for it."""
        record.ended = record.ended or error.ended
        record.code, record.reason = error.code, error.reason
        self._toolless.learn(call, record)
        facts = Failure(
            error.ended, error.code, error.status, error.retry_after, call.streamed, error.chance
        )  # fmt: skip
        found = Blame(Blamed.REQUEST) if blameless else blame(facts)
        if found.blamed == Blamed.TOOLS:
            self._toolless.add(record.deployment.id, max(found.seconds, self._cooldown.seconds))
        cure = self._cooldown.failed(record.deployment, found)
        if cure and record.reason != str(error):  # a sentence of ours has a cure of its own
            record.reason = f"{record.reason}. {cure}"

    async def _patiently(
        self, attempt: RunningAttempt, limit: float, thinking: float | None
    ) -> None:
        """Wait for the first words of a server of one's own, if it is there at all.

        Raises:
            AttemptError: it isn't, or they don't come.
        """
        try:
            await attempt.first_words(min(limit, CHECK_AFTER))
        except AttemptError as error:
            if error.ended not in (Ending.NO_WORDS, Ending.LOADING) or attempt.over:
                raise
            if why := await self._trouble(attempt.record.deployment.id):
                code = Code.SERVER_UNREACHABLE
                raise AttemptError(error.ended, why, code.status, code, reason=why) from None
            await attempt.first_words(limit, thinking)

    async def _beside(self, call: Call, latest: Deployment) -> Deployment | None:
        """The deployment asked beside a late one; none, where that would make it later."""
        well = self._candidates.left(call.groups, call.asked)
        found = (well and await self._next(call)) or latest
        return None if latest.local and found.server == latest.server else found

    def _lost(self, call: Call, attempt: RunningAttempt, failure: AttemptError) -> None:
        """An attempt ended without a word.

        Raises:
            AttemptError: a callback refused the call: it would refuse the next attempt, too.
        """
        record = attempt.record
        attempt.close(failure.ended)
        if failure.ended == Ending.NO_TOOLS:
            call.without.add(record.deployment.id)
        blameless = record.cut_short or record.by_chance
        self.failed(call, record, failure, blameless=blameless)
        if failure.ended == Ending.HOOK:
            raise failure

    def _limits(
        self, call: Call, deployment: Deployment, limits: Limits, *, alone: bool
    ) -> tuple[float, float | None]:
        """Seconds for the first words, and for those of a deployment that thinks or loads.

        alone: nobody else can be asked: one that thinks unasked or loads its model is waited for;
            one of one's own, or one that shall think, also while it says nothing at all.
        """
        now, usual = asyncio.get_running_loop().time(), limits.words
        thinks = call.thinks or deployment.thinks
        if alone and deployment.local:
            usual = limits.own_server if call.streamed else limits.own_thoughts
        elif alone and thinks and call.streamed:  # some providers show nothing of their thoughts
            usual = limits.thinking
        if usual > limits.words:
            call.deadline = max(call.deadline, now + usual)
        left = call.deadline - now
        if not call.streamed:
            return (left if alone else min(limits.thoughts[1], left)), None
        left = max(LEAST_SECONDS, left)
        own = deployment.first_words
        first = own if own and own > limits.total else min(own or usual, left)
        return first, (limits.thinking if thinks or alone else None)

    async def _next(self, call: Call) -> Deployment | None:
        return await self._candidates.next(call.groups, call.asked, call.codes)


def took_its_own(record: Attempt) -> bool:
    """Whether it was allowed to take longer than usual: then the next one needs time, too."""
    return bool(record.deployment.first_words) or record.deployment.thinks


def _by_chance(call: Call, attempt: RunningAttempt, failure: AttemptError) -> bool:
    """Whether the same request may well succeed at once; once for each deployment and call."""
    record, now = attempt.record, asyncio.get_running_loop().time()
    # Thoughts without a word call no tool, which is most of them.
    unexpected = call.streamed or "malformed" in record.raw_finish.lower()
    ended = failure.ended == Ending.EMPTY and record.finish_reason in ("", "stop")
    # An answer that is no stream isn't an empty one: it may be whole, and is billed then.
    empty = ended and unexpected and not record.answered
    before = (a for a in call.attempts if a.deployment.id == record.deployment.id)
    return (
        (failure.chance or empty)
        and attempt.silent
        and now - record.began <= CHANCE_SECONDS
        and not any(a.by_chance for a in before)
    )
