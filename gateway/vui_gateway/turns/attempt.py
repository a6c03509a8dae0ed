"""A running attempt: reads one deployment's events, and decides when to stop waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from http import HTTPStatus

from vui_gateway.errors import Ending
from vui_gateway.logs import summary
from vui_gateway.providers.tool_calls import calls_in
from vui_gateway.turns.answers import called, cleaned, offered
from vui_gateway.turns.call import Attempt, AttemptError, Event
from vui_gateway.turns.limits import (
    LAST_SECONDS,
    LEAST_WINDOW,
    LOADING_PAUSE,
    USAGE_SECONDS,
    Limits,
)
from vui_gateway.turns.reply import Reply

__all__ = ["Open", "RunningAttempt"]

# A reply of more than four times `max_tokens` is no reply; a token is about four characters.
FLOOD = 4 * 4
DEFAULT_MAX_TOKENS = 4096
TOOL_CALL = 4  # words

# Events of one deployment's answer to a body; raises AttemptError.
Open = Callable[[str, dict, Attempt], AsyncGenerator[Event]]


class RunningAttempt:
    """The task that reads an answer, and the waits for its words.

    Attributes:
        over: the answer has ended, or failed.

    Args:
        record: holds its outcome.
        open_: asks the deployment.
        said: by an earlier attempt, whose reply this one continues.
        alone: nobody else can be asked: a server that is loading its model is asked again.
        plain: Markdown is made speech. thinks: the reply begins in thinking.
    """

    def __init__(
        self,
        record: Attempt,
        open_: Open,
        said: str = "",
        *,
        alone: bool = False,
        plain: bool = False,
        thinks: bool = False,
    ) -> None:
        self.record, self._open, self._alone = record, open_, alone
        self._loading: AttemptError | None = None
        stop, cites = record.body.get("stop") or (), record.deployment.cites
        stops = tuple(filter(None, [stop] if isinstance(stop, str) else stop))
        self._reply = Reply(said, stops, plain=plain, thinks=thinks, cites=cites)
        self._tools, self._thinks = offered(record.body), thinks
        self._owes = True  # nothing was said of it yet
        self.over = False
        self._error: AttemptError | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def first_words(self, limit: float, longer: float | None = None) -> None:
        """Return when the first words are there.

        limit, longer: seconds since the beginning; the second where thinking and loading count.

        Raises:
            AttemptError: they don't come.
        """
        while not self.record.spoke:
            if self.over or self.record.finish_reason:
                raise self._error or AttemptError(Ending.EMPTY, status=HTTPStatus.BAD_GATEWAY)
            loads = self._loading and not self.record.deployment.first_words
            seconds = longer if longer and (self.record.reasoned or loads) else limit
            if not await self._change(self.record.began + seconds):
                raise self._loading or AttemptError(Ending.NO_WORDS)

    async def pieces(self, limits: Limits, others_left: Callable[[], bool]) -> AsyncGenerator[str]:
        """The reply's sentences, each when the next begins or the reply ends.

        Raises:
            AttemptError: it broke off, stalled, dribbles while others are left to ask, or adds
                nothing to what was said.
        """
        record, reply, loop, spoken = self.record, self._reply, asyncio.get_running_loop(), 0.0
        since, judged, counted = record.first_word, record.first_word + limits.words, 1
        # A late deployment is judged sooner: the listener has waited already.
        if since <= (late := record.began + limits.words):
            judged = max(late, since + LEAST_WINDOW * limits.words)

        while not (record.finish_reason or self.over):
            if piece := reply.release():
                self._owes = False
                spoken = limits.spoken(piece, max(spoken, loop.time()))
                yield piece
                continue
            await self._change(min(limits.stalls(record.last_word, spoken, others_left), judged))
            now = loop.time()
            if record.finish_reason or self.over:
                break
            if now >= limits.stalls(record.last_word, spoken, others_left):
                raise AttemptError(Ending.STALLED)
            if now >= judged:
                expected = round(limits.pace * (judged - since) / limits.words)
                if self._words - counted < expected and others_left():
                    silent = now - record.last_word > limits.words / 2
                    raise AttemptError(Ending.STALLED if silent else Ending.DRIBBLED)
                since, judged, counted = now, now + limits.words, self._words
        if self._error:
            raise self._error
        if piece := reply.release(final=True):
            yield piece
        elif self._owes and not (record.tool_calls or reply.stopped):
            # Our request to go on is to blame, or a reply of pictures, not the deployment.
            raise AttemptError(Ending.EMPTY, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        deadline = loop.time() + USAGE_SECONDS
        while not (record.usage or self.over) and await self._change(deadline):
            pass

    def close(self, ended: str) -> None:
        """End it; its provider's call ends with it, or is over."""
        self.record.ended = self.record.ended or ended
        if self.record.ended == Ending.OK:
            self._task.get_loop().call_later(LAST_SECONDS, self._task.cancel)
        else:
            self._task.cancel()

    @property
    def silent(self) -> bool:
        """Nothing has come, thoughts included."""
        return not (self._reply.characters or self.record.reasoned)

    @property
    def _words(self) -> int:
        """Words that have come; a tool call, which has none, counts as a few."""
        return self._reply.words + TOOL_CALL * len(self.record.tool_calls)

    async def _change(self, until: float) -> bool:
        """Wait for something to come; False when it is too late for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._changed.wait()
                self._changed.clear()
                return True
        return False

    async def _events(self) -> AsyncGenerator[Event]:
        """The events of the answer, once the deployment's model is loaded."""
        record = self.record
        while True:
            try:
                events = self._open(record.deployment.id, record.body, record)
                async with aclosing(events):
                    async for event in events:
                        yield event
                return
            except AttemptError as error:
                if calls := calls_in(error.failed_call, self._tools):
                    yield called(calls, streamed=bool(record.body.get("stream")))
                    return
                if error.ended != Ending.LOADING or not self._alone or self._reply.characters:
                    raise
                self._loading = error
                self._changed.set()
            await asyncio.sleep(LOADING_PAUSE)
            record.billed.clear()

    async def _read(self) -> None:
        record, reply = self.record, self._reply
        tokens = record.body.get("max_tokens") or record.body.get("max_completion_tokens")
        most = FLOOD * (tokens or DEFAULT_MAX_TOKENS)
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    self._take(event)
                    if event.broken:
                        raise event.broken
                    if reply.ended:
                        record.finish_reason = "stop"
                        self._changed.set()
                        break  # and with it the provider's call
                    if reply.characters > most:
                        raise AttemptError(Ending.FLOODED, status=HTTPStatus.BAD_GATEWAY)
                    if self._changed.is_set():
                        # A sentence is sent before the chunks that came with it are read.
                        await asyncio.sleep(0)
            if not record.finish_reason:
                self._take(Event(), final=True)
        except Exception as error:  # a bug of ours or of LiteLLM's ends the attempt, not the call
            if not isinstance(error, AttemptError):
                ended_by, status = type(error).__name__, HTTPStatus.BAD_GATEWAY
                error = AttemptError(ended_by, str(error), status, reason=summary(error))
            # Errors of the connection after the end of a reply don't matter.
            self._error = None if record.finish_reason and record.spoke else error
        finally:  # a callback's own CancelledError ends it, too
            if not (self._error or record.finish_reason or record.answer):
                ended = Ending.ENDED_EARLY if record.spoke else Ending.EMPTY
                self._error = AttemptError(ended, status=HTTPStatus.BAD_GATEWAY)
            self.over, record.over = True, self._task.get_loop().time()
            self._changed.set()

    def _take(self, event: Event, *, final: bool = False) -> None:
        record, reply = self.record, self._reply
        if event.reasoning:
            reply.separate()
        final = final or bool(event.finish_reason)
        speaks = reply.feed(event.text, final=final, cut_off=event.finish_reason == "length")
        over = final or reply.ended
        calls = event.tool_calls or (self._written_calls() if over else [])
        record.tool_calls += calls
        if speaks or calls:
            record.last_word = asyncio.get_running_loop().time()
            if not record.first_word:
                record.first_word = record.last_word
                self._changed.set()
        record.finish_reason = event.finish_reason or record.finish_reason
        record.usage = event.usage or record.usage
        if event.answer:
            record.answer = cleaned(event.answer, self._tools, thinks=self._thinks)
        if over:
            self._show()
        reasoned = record.reasoned
        record.reasoned = reasoned or bool(event.reasoning) or reply.thinks
        # Most tokens change nothing that anybody waits for.
        if any(event[2:]) or final or reasoned != record.reasoned or reply.may_release():
            self._changed.set()

    def _written_calls(self) -> list[dict]:
        """The calls of offered tools that were written as text, once the reply is over."""
        if self.record.tool_calls or not self._tools:
            return []
        return [call for text in self._reply.tool_texts for call in calls_in(text, self._tools)]

    def _show(self) -> None:
        """Put on record what the reply has shown of its server."""
        record, reply = self.record, self._reply
        record.taken_out = reply.taken_out
        if reply.thought_unopened or (self._thinks and reply.closed_thinking):
            record.began_in_thinking = True
        elif self._thinks and record.spoke:
            record.began_in_thinking = False
