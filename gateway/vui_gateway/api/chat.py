"""`/v1/chat/completions`: one call, from the request to the last byte of its answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

from prometheus_client import Gauge
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from vui_gateway.api.auth import CLIENT
from vui_gateway.api.errors import KEY_REVOKED_MESSAGE
from vui_gateway.api.schema import ChatRequest, ClaimRequest, read_body
from vui_gateway.api.sse import EventStream
from vui_gateway.errors import Code, RequestError
from vui_gateway.keys.clients import Client
from vui_gateway.litellm_proxy.preconnect import Preconnect
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.litellm_proxy.warmup import WARM_UP
from vui_gateway.providers.thinking import NO_THINKING
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.call import AttemptError, Call, Event
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.fillers import Fillers, Silence
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.turns.limits import HEARTBEAT, PRICED
from vui_gateway.usage.bill import usage_for_client
from vui_gateway.usage.recorder import Recorder

__all__ = ["Chat"]

TICK = 0.5  # seconds between two checks for a sentence that is due
NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# For a client; the page says less.
ENDED = {Code.KEY_REVOKED: KEY_REVOKED_MESSAGE}


class Chat:
    """ASGI: calls, answered by the engine and recorded."""

    def __init__(
        self,
        engine: Engine,
        admission: Admission,
        router: RouterInForce,
        preconnect: Preconnect,
        usage: Recorder,
        fillers: Fillers,
    ) -> None:
        self._engine, self._admission, self._router = engine, admission, router
        self._preconnect, self._usage, self._fillers = preconnect, usage, fillers
        gauges = {
            "vui_calls_running": ("Calls under way", lambda: len(admission.running)),
            "vui_calls_limit": ("Calls that may be under way at once", lambda: admission.limit),
        }
        for name, (text, value) in gauges.items():
            Gauge(name, text, registry=usage.registry).set_function(value)
        self._recording: set[asyncio.Task] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client: Client = scope[CLIENT]
        content = await read_body(receive)
        request = ChatRequest.read(content)
        if not client.may_ask(request.model) or not self._router.serves(request.model):
            message = f"The gateway serves no model {request.model[:100]!r}."
            raise RequestError(message, Code.MODEL_NOT_SERVED)
        headers = Headers(scope=scope)
        head_start = await self._head_start(headers, request, client)
        call = self._call(request, client, len(content))
        call.head_start = head_start
        sent = headers.get("traceparent", "")
        call.traceparent = sent if TRACEPARENT.fullmatch(sent) else ""
        self._admission.make_way(client.name, client.calls)
        stream = EventStream(call, scope, receive, send)
        body = request.model_dump(exclude_none=True)
        body["messages"] = self._fillers.taken_out(body["messages"])
        answering = asyncio.create_task(self._answer(call, body, stream))
        self._admission.running[answering] = call
        hanging_up = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({answering, hanging_up}, return_when="FIRST_COMPLETED")
        finally:
            call.hung_up = not answering.done() and not call.error
            del self._admission.running[answering]
            hanging_up.cancel()
            answering.cancel()
            await asyncio.wait({answering})
            self._ended(call)
        if isinstance(call.error, Code):
            message = ENDED.get(call.error, call.error.page).format(name=client.name)
            await stream.fail(message, call.error, call.error.status)
        elif not answering.cancelled():
            answering.result()

    async def claim(self, request: Request) -> Response:
        """Note that a head start is used."""
        claimed = ClaimRequest.read(await read_body(request.receive))
        self._usage.head_starts.claim(claimed.name, request.scope[CLIENT].name)
        return JSONResponse({}, HTTPStatus.ACCEPTED)

    async def recorded(self) -> None:
        """Return when the last calls' prices are on record."""
        if self._recording:
            await asyncio.wait(self._recording)

    async def _head_start(
        self, headers: Headers, request: ChatRequest, client: Client
    ) -> HeadStart | None:
        """The record of a call that nobody needs yet; None for any other.

        Raises:
            RequestError: it may not begin now.
        """
        name = headers.get("x-vui-head-start")
        if not (name and request.stream):
            return None
        if refusal := await self._usage.head_starts.refusal(request.model, client.name):
            raise RequestError(refusal, Code.HEAD_START_REFUSED)
        if self._admission.is_full(client.name, client.calls):
            raise RequestError("Another call would have to end.", Code.HEAD_START_REFUSED)
        return self._usage.head_starts.begin(name, client.name)

    def _call(self, request: ChatRequest, client: Client, size: int) -> Call:
        streamed, limits = bool(request.stream), self._engine.limits
        call = Call(
            request.model,
            streamed,
            thinks=request.reasoning_effort not in NO_THINKING,
            hedge=streamed and not self._usage.budget.nearly_spent(client.name),
            client=client.name,
            sent=size,
            recorded=request.model.startswith(WARM_UP),  # it isn't counted, and costs nothing
        )
        longest = limits.total if streamed else limits.thoughts[0]
        call.deadline = call.began + (limits.thinking if call.thinks else longest)
        return call

    async def _answer(self, call: Call, body: dict, stream: EventStream) -> None:
        try:
            if call.streamed:
                reply, silence = self._engine.stream(call, body), self._fillers.of(call)
                async with aclosing(_with_signs_of_life(reply, silence)) as events:
                    async for event in events:
                        # A reply that a control token ended has no usage from its provider.
                        over = event and event.finish_reason and call.answered
                        if event and (event.usage or (over and over.taken_out)):
                            event = event._replace(usage=_usage(event.usage, call))
                        await stream.send(event)
                await stream.end()
            else:
                answer = await self._engine.complete(call, body)
                usage = _usage(answer.get("usage"), call) if call.answered else NO_USAGE
                await stream.respond({**answer, "model": call.model_group, "usage": usage})
        except AttemptError as error:
            call.error = error.ended
            await stream.fail(str(error), error.code, error.status, self._param(call, error))
        except Exception as error:
            call.error = type(error).__name__
            raise

    def _param(self, call: Call, error: AttemptError) -> str | None:
        """The detail that a client may say: the variable of a refused key, the tokens vui needs."""
        if error.code == Code.PROVIDER_KEY_REFUSED:
            return self._engine.variable(call)
        small = error.code == Code.CONTEXT_TOO_SMALL
        return str(self._router.servers.context) if small else None

    def _ended(self, call: Call) -> None:
        call.ended = asyncio.get_running_loop().time()
        if call.attempts or call.error:
            self._preconnect.ended(call)
            task = asyncio.create_task(self._record(call))
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

    async def _record(self, call: Call) -> None:
        """Record a call once LiteLLM has reported its price, a moment after the end."""
        billed = [attempt.billed.wait() for attempt in call.attempts if attempt.spoke]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PRICED):
                    await asyncio.gather(*billed)
        finally:  # at a shutdown, too
            self._usage.record(call)


def _usage(usage: Any, call: Call) -> dict[str, Any]:
    """OpenAI's `usage`, and the times of the first and the last word, which sentences hide."""
    attempt = call.answered
    assert attempt is not None
    times = {"first_token_ms": attempt.first_word, "last_token_ms": attempt.last_word}
    shown = {name: round((at - call.began) * 1000) for name, at in times.items() if at}
    counts = usage_for_client(usage, attempt, asyncio.get_running_loop().time())
    taken = {"taken_out": attempt.taken_out} if attempt.taken_out else {}
    return {**counts, **taken, **(shown if call.streamed else {})}


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _with_signs_of_life(
    events: AsyncGenerator[Event], silence: Silence
) -> AsyncGenerator[Event | None]:
    """The events; a sentence when one is due, None whenever there has been nothing for a while."""
    task: asyncio.Task | None = None
    loop = asyncio.get_running_loop()
    last = loop.time()
    try:
        while True:
            task = task or asyncio.ensure_future(anext(events))
            if not (await asyncio.wait({task}, timeout=max(0.0, min(TICK, silence.look()))))[0]:
                sentence = silence.take()
                if sentence or loop.time() >= last + HEARTBEAT:
                    last = loop.time()
                    # A space at the end of a piece promises that another one follows.
                    yield Event(f"{sentence} ", filler=True) if sentence else None
                continue
            done, task, last = task, None, loop.time()
            try:
                yield done.result()
            except StopAsyncIteration:
                return
    finally:
        if task:
            task.cancel()
            await asyncio.wait({task})
        await events.aclose()
