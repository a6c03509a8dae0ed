"""Providers that fail once or twice as real ones do, then answer; each request is checked first."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.providers.base import Refused, Script, Seen, sse
from tests.providers.openai import OpenAI

__all__ = ["Ends", "Failing", "Fails"]


class Fails(NamedTuple):
    """An error, as its provider words it."""

    status: int
    body: Any
    headers: dict[str, str] | None = None


class Ends(NamedTuple):
    """An answer of so many pieces of the script, and the reason that it gives for its end."""

    reason: str
    pieces: int = 0


class Failing(OpenAI):
    """OpenAI's format; `failures` are used up one by one, for calls with or without tools only.

    Attributes:
        of: "tools", "words", or "" for both.
        limits: headers of each answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Fails | Ends] = []
        self.of = ""
        self.limits: dict[str, str] = {}

    def clear(self, *failures: Fails | Ends, of: str = "", **script: Any) -> None:
        super().clear(**script)
        self.failures, self.of, self.limits = list(failures), of, {}

    async def _respond(self, request: Request, seen: Seen, script: Script) -> Response:
        try:
            self.check(request, seen.body)
        except Refused as refused:
            return JSONResponse(self.error(str(refused), refused.status), refused.status)
        kind = "tools" if seen.body.get("tools") else "words"
        if self.failures and self.of in ("", kind):
            failure = self.failures.pop(0)
            if isinstance(failure, Fails):
                body = failure.body if isinstance(failure.body, str) else json.dumps(failure.body)
                return Response(body, failure.status, failure.headers, "application/json")
            return self._ended(request, seen.body, failure, script)
        answer = await super()._respond(request, seen, script)
        answer.headers.update(self.limits)
        return answer

    def _ended(self, request: Request, body: dict, end: Ends, script: Script) -> Response:
        said = "".join(script.cut()[: end.pieces])
        if not self.is_stream(request, body):
            whole = self.whole({**body, "tools": None}, script)
            choice = whole["choices"][0]
            choice["message"]["content"], choice["finish_reason"] = said, end.reason
            return JSONResponse(whole)
        frames = [self.frame(body, {"role": "assistant", "content": ""})]
        frames += [self.frame(body, {"content": piece}) for piece in script.cut()[: end.pieces]]
        frames += [self.frame(body, {}, end.reason), sse("[DONE]")]
        return StreamingResponse(iter(frames), media_type=self.media_type)
