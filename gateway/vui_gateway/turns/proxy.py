"""An attempt's way through LiteLLM's proxy: an ASGI request of ours, its answer as events."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar
from typing import Any

import httpx
from starlette.types import ASGIApp

from vui_gateway.providers.bounds import MAX_LINE
from vui_gateway.providers.errors import error_code, reason
from vui_gateway.redaction import redact
from vui_gateway.turns.attempt import Attempt, AttemptError, Event
from vui_gateway.turns.bill import usage_for_client

__all__ = ["AUTHENTICATED", "Proxy", "answered", "is_under_way"]

# In the scope of a request that our app has let in, or made.
# https://asgi.readthedocs.io/en/latest/specs/main.html
AUTHENTICATED = "vui_gateway.authenticated"
UNDER_WAY: ContextVar[Attempt] = ContextVar("attempt")
STATUS = re.compile("[45][0-9]{2}")  # of an error
FORGET = 60.0  # seconds after which nobody tells an attempt's price any more
SCOPE = {
    "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
    "method": "POST", "scheme": "http", "path": "/v1/chat/completions",
    "raw_path": b"/v1/chat/completions", "query_string": b"", "root_path": "",
    "client": ("127.0.0.1", 0), "server": ("gateway", 80), AUTHENTICATED: True,
}  # fmt: skip


def is_under_way() -> bool:
    """Whether what runs now belongs to an attempt."""
    return UNDER_WAY.get(None) is not None


async def answered(response: httpx.Response) -> None:
    """An httpx response hook: a whole answer is billed, also one that LiteLLM can't read."""
    whole = "event-stream" not in response.headers.get("content-type", "")
    if response.is_success and whole and (attempt := UNDER_WAY.get(None)):
        attempt.answered = True


class Proxy:
    """One pass through LiteLLM's proxy to one deployment, addressed by its id.

    Args:
        app: LiteLLM's proxy.
        attempts: by LiteLLM's call id, for the hook that learns the price.
        reserve: what an attempt is expected to cost, once it is known what is sent.
        seconds: after which LiteLLM gives up by itself; the engine does before.
    """

    def __init__(
        self,
        app: ASGIApp,
        attempts: dict[str, Attempt],
        reserve: Callable[[Attempt], None],
        seconds: float = 90.0,
    ) -> None:
        self._app, self._attempts = app, attempts
        self._reserve, self._seconds = reserve, seconds

    async def open(self, deployment: str, body: dict, attempt: Attempt) -> AsyncGenerator[Event]:
        """The events of its answer.

        Raises:
            AttemptError: LiteLLM, or the provider, answers with an error; the budget is spent.
        """
        identity = str(uuid.uuid4())
        # No fallback and no retry of the router's: https://docs.litellm.ai/docs/proxy/reliability
        own = {"model": deployment, "disable_fallbacks": True, "num_retries": 0}
        patience = {"timeout": self._seconds, "stream_timeout": self._seconds}
        content = json.dumps({**body, **own, **patience}).encode()
        attempt.sent = len(content)
        self._reserve(attempt)
        self._attempts[identity] = attempt
        headers = [
            (b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)),
            (b"x-litellm-call-id", identity.encode()), (b"authorization", b"Bearer vui"),
        ]  # fmt: skip
        sent: asyncio.Queue[Any] = asyncio.Queue(8)
        requests = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict:
            return requests.pop() if requests else await asyncio.get_running_loop().create_future()

        async def run() -> None:
            UNDER_WAY.set(attempt)
            with suppress(Exception):  # LiteLLM answers those that it knows
                await self._app({**SCOPE, "headers": headers, "state": {}}, receive, sent.put)
            await sent.put(None)

        task = asyncio.create_task(run())
        try:
            async for event in self._events(sent):
                yield _counted(event, attempt)
        finally:
            task.cancel()
            forget = asyncio.get_running_loop().call_later
            # Not in this context: it would keep all that LiteLLM has put into it.
            forget(FORGET, self._attempts.pop, identity, None, context=Context())

    async def _events(self, sent: asyncio.Queue) -> AsyncGenerator[Event]:
        if not (start := await sent.get()):
            raise AttemptError("no-response", status=500)
        headers = {k.lower(): v.decode("latin-1") for k, v in start["headers"]}
        if "text/event-stream" not in headers.get(b"content-type", "") or start["status"] >= 400:
            yield _whole(self._parsed(await _read(sent), start["status"], headers))
            return
        async for line in _lines(sent):
            if not line.startswith(b"data:") or (payload := line[5:].strip()) == b"[DONE]":
                continue
            chunk = self._parsed(payload, 200, headers)
            # Nobody asked for a second one, and it has an index of its own.
            choices = [one for one in chunk.get("choices") or () if not one.get("index")]
            choice = choices[0] if choices else {}
            delta = choice.get("delta") or {}
            yield Event(
                delta.get("content") or "",
                len(delta.get("reasoning_content") or "") or bool(delta.get("thinking_blocks")),
                delta.get("tool_calls"),
                choice.get("finish_reason"),
                chunk.get("usage"),
            )

    def _parsed(self, text: bytes, status: int, headers: Mapping[bytes, str]) -> dict:
        try:
            told = json.loads(text)
            error = told.get("error")
        except (ValueError, AttributeError):
            # Before it is cut: half a credential is known by nobody.
            message = redact(text.decode(errors="replace"))[:200]
            raise AttemptError("no-json", message, 502, reason=f"no JSON: {message}") from None
        if not error and status < 400:
            return told
        error = error if isinstance(error, dict) else {"message": str(error or told)}
        message, code = str(error.get("message", "")), str(error.get("code"))
        status = status if status >= 400 else int(code) if STATUS.fullmatch(code) else 500
        retry_after = headers.get(b"retry-after", "")
        wait = min(float(retry_after), 600) if retry_after.isdigit() else 0.0
        kind = error_code(status, message)
        why = reason(status, kind, message)
        raise AttemptError(str(status), message, status, kind, wait, why)


def _counted(event: Event, attempt: Attempt) -> Event:
    """What it adds to the answer is counted; a provider's counts are such as can be."""
    message = _message(event.answer) if event.answer else {}
    said = (event.text, message.get("content") or "", message.get("reasoning_content") or "")
    functions = (
        call.get("function") or {} for call in event.tool_calls or message.get("tool_calls") or ()
    )
    written = (str(part) for function in functions for part in function.values() if part)
    attempt.received += event.reasoning + sum(map(len, (*said, *written)))
    now = asyncio.get_running_loop().time()
    if event.answer:
        usage = usage_for_client(event.answer.get("usage"), attempt, now)
        return Event(answer={**event.answer, "usage": usage})
    if event.usage:
        return Event(*event[:4], usage=usage_for_client(event.usage, attempt, now))
    return event


def _message(answer: dict) -> dict:
    return (answer.get("choices") or [{}])[0].get("message") or {}


def _whole(answer: dict) -> Event:
    message = _message(answer)
    said = message.get("content") or message.get("tool_calls")
    return Event(answer=answer) if said else Event()


async def _read(sent: asyncio.Queue) -> bytes:
    body = b""
    while message := await sent.get():
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


async def _lines(sent: asyncio.Queue) -> AsyncIterator[bytes]:
    rest = b""
    while message := await sent.get():
        *lines, rest = (rest + message.get("body", b"")).split(b"\n")
        if len(rest) > MAX_LINE:
            raise AttemptError("flooded", status=502)
        for line in lines:
            yield line
        if not message.get("more_body"):
            break
