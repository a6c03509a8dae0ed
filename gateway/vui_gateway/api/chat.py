"""`/v1/chat/completions`: one call, from the request to the last byte of its answer."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

from prometheus_client import Gauge
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vui_gateway.api.auth import CLIENT, Client
from vui_gateway.api.errors import KEY_REVOKED, RequestError, error_body
from vui_gateway.api.schema import ChatRequest, read_body
from vui_gateway.litellm_api import RouterInForce
from vui_gateway.providers.preconnect import Preconnect
from vui_gateway.providers.warmup import PREFIX as WARM_UP
from vui_gateway.turns.attempt import AttemptError, Event
from vui_gateway.turns.call import Call
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.usage import Usage

__all__ = ["Chat"]

PRICED = 2.0  # seconds after its end in which a call's price is known
HEARTBEAT = 5.0  # seconds between comments to a client that waits for a slow model
NO_THINKING = (None, "none", "minimal")
KEY_REFUSED = "provider_key_refused"
# Why a call is ended from outside: what its client is told.
MADE_WAY, REVOKED = "too-many-calls", "key-revoked"
ENDED = {
    MADE_WAY: (
        "Too many calls at once: this one made way for a newer one.",
        "too_many_calls",
        HTTPStatus.TOO_MANY_REQUESTS,
    ),
    REVOKED: (KEY_REVOKED, "key_revoked", HTTPStatus.UNAUTHORIZED),
}


class Chat:
    """ASGI: calls, bounded in number, answered by the engine and recorded."""

    def __init__(
        self,
        engine: Engine,
        router: RouterInForce,
        preconnect: Preconnect,
        usage: Usage,
    ) -> None:
        self.engine, self.router = engine, router
        self.preconnect, self.usage = preconnect, usage
        self.limit: float = math.inf  # of calls at once
        self.running: dict[asyncio.Task, Call] = {}  # oldest first
        gauges = {
            "vui_calls_running": ("Calls under way", lambda: len(self.running)),
            "vui_calls_limit": ("Calls that may be under way at once", lambda: self.limit),
        }
        for name, (text, value) in gauges.items():
            Gauge(name, text, registry=usage.registry).set_function(value)
        self._recording: set[asyncio.Task] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client: Client = scope[CLIENT]
        content = await read_body(receive)
        request = ChatRequest.read(content)
        if not client.may_ask(request.model) or not self.router.serves(request.model):
            message = f"The gateway serves no model {request.model[:100]!r}."
            raise RequestError(message, "model_not_served", HTTPStatus.NOT_FOUND)
        limits = self.engine.limits
        call = Call(
            request.model,
            bool(request.stream),
            thinks=request.reasoning_effort not in NO_THINKING,
            hedge=bool(request.stream) and not self.usage.budget.nearly_spent(client.name),
            client=client.name,
            sent=len(content),
            recorded=request.model.startswith(WARM_UP),  # it isn't counted, and costs nothing
        )
        longest = limits.total if call.streamed else limits.thoughts[0]
        call.deadline = call.began + (limits.thinking if call.thinks else longest)
        body = request.model_dump(exclude_none=True)
        self._make_way(client)
        stream = EventStream(call, scope, receive, send)
        answering = asyncio.create_task(self._answer(call, body, stream))
        self.running[answering] = call
        hanging_up = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({answering, hanging_up}, return_when="FIRST_COMPLETED")
        finally:
            call.hung_up = not answering.done() and not call.error
            del self.running[answering]
            hanging_up.cancel()
            answering.cancel()
            await asyncio.wait({answering})
            self._ended(call)
        if call.error in ENDED:
            message, code, status = ENDED[call.error]
            await stream.fail(message.format(name=client.name), code, status)
        elif not answering.cancelled():
            answering.result()

    def _make_way(self, client: Client) -> None:
        """End the oldest call where there are too many: the user waits for the newest one.

        Over a client's limit, end that client's oldest call. Over the gateway's limit, end the
        oldest call of the client that has most.
        """
        staying = self._staying()
        count = Counter(call.client for call in staying.values())
        if client.calls and count[client.name] >= client.calls:
            self._end_oldest(staying, client.name)
        elif len(staying) >= self.limit:
            self._end_oldest(staying, max(count, key=count.__getitem__))

    def _end_oldest(self, staying: dict[asyncio.Task, Call], client: str) -> None:
        task = next(task for task, call in staying.items() if call.client == client)
        self._end(task, MADE_WAY)

    def revoke(self, client: Client) -> None:
        """Its key was taken back: what it is being told ends here."""
        for task, call in self._staying().items():
            if call.client == client.name:
                self._end(task, REVOKED)

    def _staying(self) -> dict[asyncio.Task, Call]:
        """The calls that nothing has ended yet."""
        return {t: call for t, call in self.running.items() if not (call.error or t.done())}

    def _end(self, task: asyncio.Task, why: str) -> None:
        self.running[task].error = why
        task.cancel()

    def _ended(self, call: Call) -> None:
        call.ended = asyncio.get_running_loop().time()
        if call.attempts or call.error:
            self.preconnect.ended(call)
            task = asyncio.create_task(self._record(call))
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

    async def recorded(self) -> None:
        """Return when the last calls' prices are on record."""
        if self._recording:
            await asyncio.wait(self._recording)

    async def _record(self, call: Call) -> None:
        """LiteLLM tells the price a moment after the end, where there is one."""
        told = [attempt.price_told.wait() for attempt in call.attempts if attempt.spoke]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PRICED):
                    await asyncio.gather(*told)
        finally:  # at a shutdown, too
            self.usage.record(call)

    async def _answer(self, call: Call, body: dict, stream: EventStream) -> None:
        try:
            if call.streamed:
                async with aclosing(_with_heartbeat(self.engine.stream(call, body))) as events:
                    async for event in events:
                        await stream.send(event)
                await stream.end()
            else:
                answer = await self.engine.complete(call, body)
                await stream.respond({**answer, "model": call.model_group})
        except AttemptError as error:
            call.error = error.ended
            variable = self.engine.variable(call) if error.code == KEY_REFUSED else None
            await stream.fail(str(error), error.code, error.status, variable)
        except Exception as error:
            call.error = type(error).__name__
            raise


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _with_heartbeat(events: AsyncGenerator[Event]) -> AsyncGenerator[Event | None]:
    """The events, and None whenever there has been none for a while."""
    task: asyncio.Task | None = None
    try:
        while True:
            task = task or asyncio.ensure_future(anext(events))
            if not (await asyncio.wait({task}, timeout=HEARTBEAT))[0]:
                yield None
                continue
            done, task = task, None
            try:
                yield done.result()
            except StopAsyncIteration:
                return
    finally:
        if task:
            task.cancel()
            await asyncio.wait({task})
        await events.aclose()


def _joined(fragments: list[dict]) -> list[dict]:
    """Tool calls in one piece each: what is split can't be looked through."""
    calls: dict[int, dict] = {}
    for number, fragment in enumerate(fragments):
        call = calls.setdefault(fragment.get("index", number), {**fragment, "function": {}})
        call["id"] = call.get("id") or fragment.get("id")
        function = fragment.get("function") or {}
        for name in ("name", "arguments"):
            call["function"][name] = call["function"].get(name, "") + (function.get(name) or "")
    return [{**call, "index": index} for index, call in calls.items()]


class EventStream:
    """OpenAI's server-sent events: https://platform.openai.com/docs/api-reference/chat-streaming"""

    def __init__(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._started = False
        self._last = ""
        created = {"created": int(time.time()), "model": call.model_group}
        self._chunk = {"id": f"chatcmpl-{id(call):x}", "object": "chat.completion.chunk", **created}

    async def send(self, event: Event | None) -> None:
        """One event, or a comment that says there is none yet; the last one waits for `end`."""
        if event is None:
            await self._write(": waiting\n\n")
            return
        delta: dict[str, Any] = {} if self._started else {"role": "assistant"}
        if event.text:
            delta["content"] = event.text
        if event.tool_calls:
            delta["tool_calls"] = _joined(event.tool_calls)
        choice = {"index": 0, "delta": delta, "finish_reason": event.finish_reason}
        text = self._frame({"choices": [choice]})
        if event.usage:
            text += self._frame({"choices": [], "usage": event.usage})
        if event.finish_reason:
            self._last = text
        else:
            await self._write(text)

    async def end(self) -> None:
        """The reply is whole."""
        await self._write(f"{self._last}data: [DONE]\n\n", last=True)

    async def fail(self, message: str, code: str, status: int, param: str | None = None) -> None:
        """An error, as a response of its own or, once there is one, as its last event."""
        body = error_body(message, code, param)
        if self._started:
            await self._write(f"data: {json.dumps(body)}\n\n", last=True)
        else:
            await self.respond(body, status)

    async def respond(self, body: dict, status: int = HTTPStatus.OK) -> None:
        """A whole answer, for a call that isn't streamed."""
        text = json.dumps(body)  # ASCII: half a character of a model's can't be UTF-8
        answer = Response(text, int(status), media_type="application/json")
        await answer(self._scope, self._receive, self._send)

    def _frame(self, data: dict) -> str:
        return f"data: {json.dumps({**self._chunk, **data})}\n\n"

    async def _write(self, text: str, *, last: bool = False) -> None:
        if not self._started:
            self._started = True
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                # A space at the end of a piece promises that another one follows.
                (b"x-vui-whole-sentences", b"1"),
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        body = {"type": "http.response.body", "body": text.encode(), "more_body": not last}
        await self._send(body)
