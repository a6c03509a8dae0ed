"""One pass to one deployment: its events as they arrive, and when to stop waiting for the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from vui_gateway.logs import summary
from vui_gateway.turns.limits import Limits
from vui_gateway.turns.sentences import (
    ENDS,
    MARKS,
    MAX_WORDS,
    WORDS,
    ThinkingFilter,
    count_words,
    held_back,
    split_sentences,
    without_overlap,
    without_wordless_end,
)

__all__ = ["Attempt", "AttemptError", "Deployment", "Event", "Open"]

# A reply longer than this many times `max_tokens` is no reply; a token is about four characters.
FLOOD = 4
CHARACTERS = 4
DEFAULT_MAX_TOKENS = 4096
TOOL_CALL = 4  # words
LEAST_WINDOW = 0.25  # of the time for the first words: to see how quick a late reply is
USAGE_SECONDS = 0.2  # that a reply which has ended is waited for its usage
# Seconds for what comes after the end of a reply: LiteLLM's record of it, and a connection that the
# next call can use.
LAST_SECONDS = 1.0


class Deployment(NamedTuple):
    """Whom to ask.

    Attributes:
        id, model: LiteLLM's.
        first_words: its own limit in seconds until the first word, such as for loading a model.
        thinks: its configuration asks for thinking.
        price: US dollars for a token in and for one out, where it is known.
        cache_price: the same for one that is read from the provider's prompt cache, or written.
    """

    id: str
    model: str
    first_words: float | None = None
    thinks: bool = False
    price: tuple[float, float] | None = None
    cache_price: tuple[float, float] | None = None


class Event(NamedTuple):
    """What a provider sent: any of it may be missing. `answer` is a whole one, not streamed.

    `reasoning` is true for thoughts, of which there may be no text; else their characters.
    """

    text: str = ""
    reasoning: int = 0
    tool_calls: list | None = None
    finish_reason: str | None = None
    usage: dict | None = None
    answer: dict | None = None


class AttemptError(Exception):
    """An attempt failed.

    Attributes:
        ended: why, in a word for log and metrics; the HTTP status where there is one.
        status, code, retry_after: for the client, and for the cooldown (seconds).
        reason: for the log's line about it, where there is more to say than `ended`.
    """

    def __init__(
        self,
        ended: str,
        message: str = "",
        status: int = HTTPStatus.GATEWAY_TIMEOUT,
        code: str = "no_answer",
        retry_after: float = 0.0,
        reason: str = "",
    ) -> None:
        super().__init__(message or f"The model gave no whole answer ({ended}).")
        self.ended, self.status, self.code = ended, int(status), code
        self.retry_after, self.reason = retry_after, reason


# Events of one deployment's answer to a body; raises AttemptError.
Open = Callable[[str, dict, "Attempt"], AsyncGenerator[Event]]


@dataclass(eq=False)
class Attempt:
    """One deployment's answer as it comes in; also the record of it.

    Attributes:
        ended: why it is over, empty while it isn't.
        code: of its failure, as a client gets it.
        reason: of its failure, as the log says it; empty where `ended` says all.
        sent, received: the request's bytes, and the answer's characters, thoughts included.
        told: tokens in and out and US dollars, as LiteLLM tells them; a provider makes them up.
        client: whose call it is part of.
        answered: its provider has sent a whole answer, whatever it is.
        cut_short: it was given less time than its deployment usually is.
        mocked: LiteLLM answered by itself, which costs nothing.
        marks: what its provider was asked to keep in its prompt cache.
        cache_told: tokens read from there and written, as LiteLLM tells them.
        price_told: set once there is `told`, or LiteLLM has nothing to tell.
    """

    deployment: Deployment
    body: dict
    open: Open
    said: str = ""  # by an earlier attempt, whose reply this one continues
    client: str = ""
    ended: str = ""
    code: str = ""
    reason: str = ""
    sent: int = 0
    received: int = 0
    told: tuple[Any, Any, Any] | None = None
    marks: tuple[Any, ...] = ()
    cache_told: tuple[Any, Any] = (0, 0)
    answered: bool = False
    cut_short: bool = False
    mocked: bool = False
    tool_calls: list = field(default_factory=list)
    finish_reason: str = ""
    usage: dict | None = None
    answer: dict | None = None
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    first_word: float = 0.0
    last_word: float = 0.0
    _pending: str = ""  # heard from the provider, and not released yet
    _characters: int = 0
    _reasoned: bool = False
    _words: int = 0
    _unreleased: int = 0  # of them
    _error: AttemptError | None = None
    _over: bool = False

    def __post_init__(self) -> None:
        self._filter = ThinkingFilter()
        stop = self.body.get("stop") or ()
        self._stops = tuple(filter(None, [stop] if isinstance(stop, str) else stop))
        self.price_told = asyncio.Event()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    @property
    def spoke(self) -> bool:
        """A word or a tool call has come: nothing else is an answer."""
        return bool(self.first_word or self.tool_calls or self.answer)

    async def first_words(self, limit: float, thinking: float | None = None) -> None:
        """Return when the first words are there.

        limit, thinking: seconds since the beginning; the second where thinking counts as life.

        Raises:
            AttemptError: they don't come.
        """
        while not self.spoke:
            if self._over or self.finish_reason:
                raise self._error or AttemptError("empty", status=HTTPStatus.BAD_GATEWAY)
            seconds = thinking if thinking and self._reasoned else limit
            if not await self._change(self.began + seconds):
                raise AttemptError("no-words")

    async def pieces(self, limits: Limits, others_left: Callable[[], bool]) -> AsyncGenerator[str]:
        """The reply's sentences, each when the next begins or the reply ends.

        Raises:
            AttemptError: it broke off, stalled, dribbles while others are left to ask, or adds
                nothing to what was said.
        """
        owes = bool(self.said)  # the listener was promised more
        since, judged, counted = self.first_word, self.first_word + limits.words, 1
        # Who was late is judged sooner: the listener has waited already.
        if since <= (late := self.began + limits.words):
            judged = max(late, since + LEAST_WINDOW * limits.words)
        while not (self.finish_reason or self._over):
            if piece := self._release():
                owes = False
                yield piece
                continue
            await self._change(min(self.last_word + limits.words, judged))
            now = asyncio.get_running_loop().time()
            if self.finish_reason or self._over:
                break
            if now >= self.last_word + limits.words:
                raise AttemptError("stalled")
            if now >= judged:
                expected = round(limits.pace * (judged - since) / limits.words)
                if self._words - counted < expected and others_left():
                    silent = now - self.last_word > limits.words / 2
                    raise AttemptError("stalled" if silent else "dribbled")
                since, judged, counted = now, now + limits.words, self._words
        if self._error:
            raise self._error
        if piece := self._release(final=True):
            yield piece
        elif owes and not self.tool_calls:
            # Our request to go on is to blame, not the deployment.
            raise AttemptError("empty", status=HTTPStatus.UNPROCESSABLE_ENTITY)
        deadline = asyncio.get_running_loop().time() + USAGE_SECONDS
        while not (self.usage or self._over) and await self._change(deadline):
            pass

    def close(self, ended: str) -> None:
        """End it; its provider's call ends with it, or is over."""
        self.ended = self.ended or ended
        if self.ended == "ok":
            self._task.get_loop().call_later(LAST_SECONDS, self._task.cancel)
        else:
            self._task.cancel()

    async def _change(self, until: float) -> bool:
        """Wait for something to come; False when it is too late for it."""
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def _release(self, *, final: bool = False) -> str:
        if self.said:
            fresh = without_overlap(self.said, self._pending, final=final)
            if not final and (fresh is None or not split_sentences(fresh)[0]):
                return ""
            self.said, self._pending = "", fresh or ""
        if final:
            # A space at the end promises that more follows.
            whole, self._pending = without_wordless_end(self._pending), ""
        else:
            whole, rest = split_sentences(self._pending, held_back(self._pending, self._stops))
            self._pending = rest
            if whole:
                self._unreleased = count_words(rest)
        return MARKS.sub(r"\1", whole)

    async def _read(self) -> None:
        tokens = self.body.get("max_tokens") or self.body.get("max_completion_tokens")
        most = FLOOD * CHARACTERS * (tokens or DEFAULT_MAX_TOKENS)
        try:
            async with aclosing(self.open(self.deployment.id, self.body, self)) as events:
                async for event in events:
                    self._take(event)
                    if self._stopped():
                        self._changed.set()
                        break  # and with it the provider's call
                    if self._characters > most:
                        raise AttemptError("flooded", status=HTTPStatus.BAD_GATEWAY)
                    if self._changed.is_set():
                        # A sentence is sent before the chunks that came with it are read.
                        await asyncio.sleep(0)
            if not self.finish_reason:
                self._take(Event(), final=True)
            if not self.finish_reason and not self.answer:
                ended = "ended-early" if self.spoke else "empty"
                self._error = AttemptError(ended, status=HTTPStatus.BAD_GATEWAY)
        except Exception as error:  # a bug of ours or of LiteLLM's ends the attempt, not the call
            if not isinstance(error, AttemptError):
                ended, status = type(error).__name__, HTTPStatus.BAD_GATEWAY
                error = AttemptError(ended, str(error), status, reason=summary(error))
            # What a connection does after the end of a reply is nobody's concern.
            self._error = None if self.finish_reason and self.spoke else error
        finally:
            self._over = True
            self._changed.set()

    def _stopped(self) -> bool:
        """A stop phrase has come: the reply ends before it, whatever the provider makes of it."""
        found = [at for stop in self._stops if (at := self._pending.find(stop)) >= 0]
        if found:
            self._pending, self.finish_reason = self._pending[: min(found)], "stop"
        return bool(found)

    def _take(self, event: Event, *, final: bool = False) -> None:
        self._characters += len(event.text)
        text = self._filter.feed(event.text, final=final or bool(event.finish_reason))
        if WORDS.search(text) or event.tool_calls:
            now = asyncio.get_running_loop().time()
            before = self._pending[-1:]  # a word that goes on isn't another one
            words = count_words(before + text) - count_words(before)
            # A tool call that comes in has no words, and no pace.
            self._words += TOOL_CALL if event.tool_calls else words
            self._unreleased += words
            self.last_word = now
            if not self.first_word:
                self.first_word = now
                self._changed.set()
        self._pending += text
        self.tool_calls += event.tool_calls or []
        self.finish_reason = event.finish_reason or self.finish_reason
        self.usage = event.usage or self.usage
        self.answer = event.answer or self.answer
        reasoned, self._reasoned = self._reasoned, self._reasoned or bool(event.reasoning)
        # Most tokens change nothing that anybody waits for.
        if any(event[2:]) or final or reasoned != self._reasoned or self._may_release():
            self._changed.set()

    def _may_release(self) -> bool:
        """Whether there may be a whole sentence; `split_sentences` knows."""
        return (
            bool(self.said)
            or self._unreleased > MAX_WORDS
            or any(mark in self._pending for mark in ENDS)
        )
