"""OpenAI's answers to a chat call: server-sent events, or one whole answer."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vui_gateway.api.errors import error_body
from vui_gateway.providers.tool_calls import tool_name
from vui_gateway.turns.call import Call, Event

__all__ = ["EventStream"]


def _joined(fragments: list[dict]) -> list[dict]:
    """Tool calls in one piece each: what is split can't be looked through."""
    calls: list[dict] = []
    latest: dict[int, dict] = {}
    for number, fragment in enumerate(fragments):
        index, id_ = fragment.get("index", number), fragment.get("id")
        call, function = latest.get(index), fragment.get("function") or {}
        # Some servers give all calls the index 0, others each fragment an id of its own:
        # https://github.com/BerriAI/litellm/issues/28223
        other = call and id_ and call["id"] and id_ != call["id"]
        if call is None or (other and function.get("name")):
            call = latest[index] = {**fragment, "id": None, "function": {}}
            calls.append(call)
        call["id"] = call["id"] or id_
        for name in ("name", "arguments"):
            call["function"][name] = call["function"].get(name, "") + (function.get(name) or "")
    for call in calls:
        call["function"]["name"] = tool_name(call["function"]["name"])
    return [{**call, "index": index} for index, call in enumerate(calls)]


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
        # vui's side asks once more for a reply whose gateway is lost before a word of it.
        text = self._frame({"choices": [choice], **({"vui_filler": True} if event.filler else {})})
        if event.usage:
            text += self._frame({"choices": [], "usage": event.usage})
        if event.finish_reason:
            self._last = text
        else:
            await self._write(text)

    async def end(self) -> None:
        """End the stream of a whole reply."""
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
