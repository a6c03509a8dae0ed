"""An attempt's call: LiteLLM's router asks one deployment, its answer comes back as events."""

from __future__ import annotations

import asyncio
import copy
import itertools
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextvars import Context, ContextVar
from typing import Any

import httpx
from litellm.proxy import proxy_server
from litellm.proxy.common_request_processing import _bill_partial_streamed_spend_on_disconnect

from vui_gateway.litellm_proxy import user_hooks
from vui_gateway.litellm_proxy.errors_in_answers import look_for_errors
from vui_gateway.litellm_proxy.failures import broken_off, failure, nothing_said, refusal_of
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.providers.accounts import tokens_a_minute
from vui_gateway.turns.call import Attempt, Event
from vui_gateway.turns.taken_back import TakenBack

__all__ = ["Transport", "answered", "ends_with", "is_under_way"]

# Content types of streams: OpenAI's, Ollama's and Bedrock's.
STREAMS = ("event-stream", "ndjson", "eventstream")
# https://github.com/ollama/ollama/blob/main/openai/openai.go
OLLAMA_FINGERPRINT = "fp_ollama"

log = logging.getLogger("vui_gateway")

UNDER_WAY: ContextVar[Attempt] = ContextVar("attempt")
FORGET = 60.0  # seconds after which LiteLLM reports no price any more


def is_under_way() -> bool:
    """Whether the running code belongs to an attempt."""
    return UNDER_WAY.get(None) is not None


def answered(response: httpx.Response, *, streamed: bool) -> None:
    """An httpx response hook: a whole answer is billed, also one that LiteLLM can't read, and an
    error is none; its account's limits are in its headers.
    """
    kind = response.headers.get("content-type", "")
    whole = not any(stream in kind for stream in STREAMS)
    if attempt := UNDER_WAY.get(None):
        before = attempt.answered
        attempt.answered = before or (response.is_success and whole)
        attempt.tokens_a_minute = tokens_a_minute(response.headers)
        look_for_errors(response, attempt, before, streamed=streamed)


def ends_with(raw: object, mapped: object) -> None:
    """Note the provider's own finish reason where LiteLLM has another word for it."""
    if raw != mapped and isinstance(raw, str) and (attempt := UNDER_WAY.get(None)):
        attempt.raw_finish = raw


class Transport:
    """Asks one deployment, addressed by its id, and no other one.

    Args:
        attempts: by LiteLLM's call id, for the hook that learns the price.
        reserve: reserves the price that an attempt is expected to have.
        servers: where the deployments are.
        taken_back: the fields that they refuse.
        seconds: after which LiteLLM gives up by itself; the engine does before.
    """

    def __init__(
        self,
        attempts: dict[str, Attempt],
        reserve: Callable[[Attempt], None],
        servers: Servers,
        taken_back: TakenBack,
        seconds: float = 90.0,
    ) -> None:
        self._attempts, self._reserve, self._servers = attempts, reserve, servers
        self._taken_back = taken_back
        # No fallback and no retry of the router's: https://docs.litellm.ai/docs/proxy/reliability
        self._options = {
            "disable_fallbacks": True, "num_retries": 0,
            "timeout": seconds, "stream_timeout": seconds,
        }  # fmt: skip
        self._name, self._numbers = uuid.uuid4().hex, itertools.count()
        self._billing: set[asyncio.Task] = set()

    async def open(self, deployment: str, body: dict, attempt: Attempt) -> AsyncGenerator[Event]:
        """The events of its answer.

        Raises:
            AttemptError: LiteLLM, the provider or a callback's hook answers with an error; the
                budget is spent.
        """
        UNDER_WAY.set(attempt)
        self._reserve(attempt)
        identity = f"{self._name}-{next(self._numbers)}"
        self._attempts[identity] = attempt
        ids = {"litellm_call_id": identity, "litellm_trace_id": identity}
        # Another attempt may be sent the same body.
        request = {**(copy.deepcopy(body) if user_hooks.run_around() else body), **ids}
        answer: Any = None
        stream: Any = None
        asked, interrupted = False, True

        async def ask(request: dict) -> Any:
            nonlocal stream, asked
            asked = True
            own = {"model": deployment, **self._options}
            while True:
                # LiteLLM changes messages and tools in place.
                copied = {name: copy.deepcopy(request[name]) for name in body if name in request}
                try:
                    found = await proxy_server.llm_router.acompletion(**request | copied | own)
                    stream = found if request.get("stream") else None
                    begun = found if stream is None else await _begun(stream)
                except Exception as error:
                    refused = refusal_of(error, request, attempt.optional)
                    if attempt.answered or not self._taken_back.again(attempt, *refused):
                        raise
                    if stream is not None:
                        await stream.aclose()
                        stream = None
                    continue
                self._taken_back.settle(attempt)
                return begun

        try:
            answer = await user_hooks.around(request, ask)
            if stream is None:
                yield _whole(answer.model_dump(exclude_none=True, exclude_unset=True), attempt)
            else:
                chunks = aiter(answer)
                async for chunk in chunks:
                    self._look_for_ollama(chunk, attempt)
                    event = _event(chunk, attempt)
                    if event.finish_reason == "stop" and not attempt.received:
                        lost = await nothing_said(self._servers, attempt, event, chunks)
                        event = Event(usage=event.usage, broken=lost) if lost else event
                    yield event
            interrupted = False
        except user_hooks.Answered as said:
            if not asked:
                attempt.mocked = True  # it costs nothing
                attempt.billed.set()
            yield _said(str(said), streamed=bool(request.get("stream")))
        except Exception as error:
            if isinstance(error, user_hooks.Refused):  # the provider is paid all the same
                attempt.answered = attempt.answered or stream is not None
            else:
                interrupted = False  # LiteLLM has its own record of a failure
                attempt.billed.set()
            server, context = self._servers.of(deployment), self._servers.context
            raise await failure(server, context, request, error) from error
        finally:
            if stream is not None:
                await stream.aclose()
                if answer is not None and answer is not stream:
                    await answer.aclose()
                if interrupted:
                    self._bill(stream)
            forget = asyncio.get_running_loop().call_later
            # Not in this context: it would keep all that LiteLLM has put into it.
            forget(FORGET, self._attempts.pop, identity, None, context=Context())

    def _bill(self, stream: Any) -> None:
        """Let LiteLLM count the part that had arrived of a reply that ends here."""
        request = {"litellm_logging_obj": stream.logging_obj}
        task = asyncio.create_task(_bill_partial_streamed_spend_on_disconnect(request, stream))
        self._billing.add(task)
        task.add_done_callback(self._billing.discard)

    def _look_for_ollama(self, chunk: Any, attempt: Attempt) -> None:
        if getattr(chunk, "system_fingerprint", None) == OLLAMA_FINGERPRINT and (
            cure := self._servers.found_ollama(attempt.deployment.id, attempt.deployment.model)
        ):
            log.warning(cure)


async def _begun(stream: Any) -> AsyncIterable[Any]:
    """A stream once it has begun: LiteLLM asks some providers at its first chunk only."""
    chunks = aiter(stream)
    first = await anext(chunks, None)
    return _chained(first, chunks)


async def _chained(first: Any, rest: AsyncIterable[Any]) -> AsyncGenerator[Any]:
    if first is not None:
        yield first
    async for chunk in rest:
        yield chunk


def _event(chunk: Any, attempt: Attempt) -> Event:
    """The event of a chunk; its characters are counted."""
    usage = getattr(chunk, "usage", None)
    counts = None
    if usage is not None:
        counts = usage.model_dump(exclude_none=True)
    # Nobody asked for a second one, and it has an index of its own.
    choice = next((one for one in chunk.choices if not one.index), None)
    if choice is None:
        return Event(usage=counts)
    delta = choice.delta
    text = delta.content or ""
    thought = getattr(delta, "reasoning_content", None) or ""
    attempt.received += len(text) + len(thought)
    reasoning = len(thought) or bool(getattr(delta, "thinking_blocks", None))
    calls = delta.tool_calls and [call.model_dump(exclude_none=True) for call in delta.tool_calls]
    attempt.received += reasoning * (not thought) + _written(calls)
    if lost := broken_off(choice.finish_reason, attempt):
        return Event(text, reasoning, calls or None, None, counts, broken=lost)
    return Event(text, reasoning, calls or None, choice.finish_reason, counts)


def _said(text: str, *, streamed: bool) -> Event:
    """An answer that no model has given."""
    if streamed:
        return Event(text, finish_reason="stop")
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Event(answer={"object": "chat.completion", "choices": [choice]})


def _written(calls: list[dict] | None) -> int:
    functions = (call.get("function") or {} for call in calls or ())
    return sum(len(str(part)) for of in functions for part in of.values() if part)


def _whole(answer: dict, attempt: Attempt) -> Event:
    choice = (answer.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    said = message.get("content") or ""
    calls = message.get("tool_calls")
    attempt.received += len(said) + len(message.get("reasoning_content") or "") + _written(calls)
    if lost := broken_off(choice.get("finish_reason"), attempt):
        return Event(broken=lost)
    if not (said or calls):
        reasoning = len(message.get("reasoning_content") or "")
        return Event(reasoning=reasoning, finish_reason=choice.get("finish_reason"))
    return Event(answer=answer)
