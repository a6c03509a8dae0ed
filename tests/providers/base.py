"""What all strict stand-ins share: a record of what they are asked, and ways to misbehave."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.providers import faults
from tests.providers.cache import Bill, InvalidMarks, Prompt, PromptCache, Rule, check_marks
from tests.support.poll import wait_until

# What our gateway adds to a request, in OpenAI's words and those of providers like it.
OPTIONAL = (
    "stop", "reasoning_effort", "reasoning", "thinking", "chat_template_kwargs", "enable_thinking",
    "prompt_cache_key",
)  # fmt: skip
TEXT = "Yeah, doing alright. What about you?"


class Refused(Exception):
    """The real API would answer this request with an error."""

    def __init__(self, message: str, status: int = 400, **extra: Any):
        super().__init__(message)
        self.status = status
        self.extra = extra


@dataclass
class Seen:
    """One request as it arrived, and what became of it."""

    path: str
    body: dict
    headers: dict[str, str]
    connection: str
    at: float = field(default_factory=time.monotonic)
    status: int = 0
    sent: int = 0  # pieces of the reply that went out
    closed_at: float | None = None  # when the client hung up before the end
    finished: bool = False
    ended_at: float = 0.0


@dataclass(frozen=True)
class Script:
    """What to answer.

    text: the reply, sent in small pieces; `pieces` overrides how it is cut.
    continued: the reply, instead of `text`, to a conversation in which the assistant has spoken.
    repeats: the reply is the last line of the system message.
    tool: name of the tool that a request with tools is answered with, and its raw arguments.
    reasoning: text that a thinking model thinks aloud before its reply.
    finish: the reason that the reply ends for, in the format's own words; its usual one if none.
    fault: one of the names that `faults.strike` knows, "hang-up" for no answer at all, or an HTTP
        status to answer with.
    refuses: an optional field of a request that is refused.
    times: after so many requests that aren't refused, all is well; never for None.
    delay, pace: seconds before the first piece, and between pieces.
    bill: of the input, where the stand-in keeps a cache.
    """

    text: str = TEXT
    continued: str = ""
    repeats: bool = False
    pieces: list[str] | None = None
    tool: str = "no_action"
    arguments: str = "{}"
    reasoning: str = ""
    finish: str | None = None
    refuses: str | None = None
    times: int | None = None
    fault: str | int | None = None
    fault_body: str | None = None
    fault_headers: dict[str, str] = field(default_factory=dict)
    after: int = 3  # the frame before which a mid-reply fault strikes; negative: from the end
    words: int | None = None  # after so many words, instead; the reply goes out word by word
    delay: float = 0.0
    pace: float = 0.0
    bill: Bill | None = None

    def cut(self) -> list[str]:
        """The reply as a model's tokens: a few characters each."""
        if self.words is not None and not self.pieces:
            return re.findall(r"\S+\s*", self.text)
        return self.pieces or [self.text[i : i + 4] for i in range(0, len(self.text), 4)]

    def parsed(self) -> dict:
        """The tool's arguments, for an API that parses by itself what its model writes."""
        try:
            return json.loads(self.arguments or "{}")
        except ValueError:
            return {}


class StandIn:
    """One provider on one wire format. Subclasses check requests and shape answers.

    Attributes:
        cache: set by a test that wants prompts kept and billed as the provider does.
        caches: pattern of a model's name → how its prompts are cached; one without isn't.
        breaks: reasons of an end that say that the reply broke off.
        chances: scripts of failures that a second request doesn't have.
    """

    path = "/"
    cache: PromptCache | None = None
    caches: tuple[tuple[str, Rule], ...] = ()
    breaks: tuple[str, ...] = ()
    chances: tuple[dict, ...] = ({"text": ""},)

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script = Script()
        self.answered = 0  # requests that weren't refused
        self.knocks: list[Seen] = []  # requests without a body that ask for nothing
        self.raw: tuple[bytes, dict[str, str]] | None = None  # answer with exactly this
        self.app = Starlette(
            routes=[
                Route("/_script", self._rescript, methods=["POST"]),
                Route("/_seen", self._report, methods=["GET", "DELETE"]),
                Route("/{path:path}", self._serve, methods=["GET", "POST"]),
            ]
        )

    # ---- for subclasses

    def check(self, request: Request, body: dict) -> None:
        """Raise Refused where the real API would."""

    def prompt(self, request: Request, body: dict) -> Prompt:
        """What the model gets to read, and its marks for the cache.

        Raises:
            InvalidMarks: the real API doesn't take them.
        """
        return Prompt([], [], [])

    def model(self, request: Request, body: dict) -> str:
        """The model that is asked."""
        return str(body.get("model", ""))

    def account(self, request: Request) -> str:
        """Whose key it is: nobody reads another's cache."""
        headers = request.headers
        key = headers.get("x-api-key") or headers.get("x-goog-api-key") or headers.get("api-key")
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return key or request.query_params.get("key") or bearer

    def thinks(self, body: dict) -> bool:
        """True when the model thinks before it answers this request."""
        return False

    def stops(self, body: dict) -> list[str]:
        """The stop sequences that arrived: the reply ends before them."""
        stops = body.get("stop") or []
        return [stops] if isinstance(stops, str) else stops

    def knob(self, body: dict, name: str) -> float | None:
        """The value that a sampling knob arrived with."""
        return body.get(name)

    def optional(self, body: dict) -> list[str]:
        """The fields of this request that a model may refuse: stops, thinking, marks of a cache."""
        return [name for name in OPTIONAL if name in body]

    def refusal(self, name: str) -> str:
        """The words for a field that this model doesn't take."""
        return f"Unsupported parameter: '{name}' is not supported with this model."

    def is_stream(self, request: Request, body: dict) -> bool:
        return bool(body.get("stream"))

    def frames(self, body: dict, script: Script) -> list[bytes]:
        """The streamed reply, as the pieces that go out one by one."""
        raise NotImplementedError

    def whole(self, body: dict, script: Script) -> dict:
        """The reply that isn't streamed."""
        raise NotImplementedError

    def error(self, message: str, status: int, **extra: Any) -> dict:
        raise NotImplementedError

    def error_frame(self, message: str) -> bytes:
        """An error inside a stream that began well."""
        raise NotImplementedError

    def frame(self, body: dict, delta: dict, finish: str | None = None) -> bytes:
        """One piece of a streamed reply, for the faults that make up their own."""
        raise NotImplementedError

    media_type = "text/event-stream"

    # ---- the same for all

    def clear(self, **script: Any) -> None:
        self.seen.clear()
        self.knocks.clear()
        self.answered = 0
        self.script = replace(Script(), **script)

    async def _rescript(self, request: Request) -> Response:
        self.clear(**await request.json())
        return JSONResponse({"ok": True})

    async def _report(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.seen.clear()
        return JSONResponse([asdict(entry) for entry in self.seen])

    async def _serve(self, request: Request) -> Response:
        script = self.script
        raw = await request.body()
        client = request.client
        seen = Seen(
            path=request.url.path,
            body=json.loads(raw) if raw else {},
            headers=dict(request.headers),
            connection=f"{client.host}:{client.port}" if client else "",
        )
        if request.method == "HEAD":
            # No API of a provider answers it, and none bills it: the line is open all the same.
            self.knocks.append(seen)
            return Response(status_code=404)
        self.seen.append(seen)
        response = await self._respond(request, seen, script)
        seen.status = response.status_code
        return response

    async def _respond(self, request: Request, seen: Seen, script: Script) -> Response:
        try:
            self.check(request, seen.body)
            try:
                prompt = self.prompt(request, seen.body)
                check_marks(prompt.blocks(tools_first=True))
            except InvalidMarks as invalid:
                raise Refused(str(invalid)) from invalid
            if script.refuses in self.optional(seen.body):
                raise Refused(self.refusal(str(script.refuses)))
        except Refused as refused:
            error = self.error(str(refused), refused.status, **refused.extra)
            return JSONResponse(error, refused.status)
        self.answered += 1
        if script.times is not None and self.answered > script.times:
            script = replace(script, text=TEXT, pieces=None, finish=None, fault=None)
        roles = [message["role"] for message in seen.body.get("messages", ())]
        if script.continued and "assistant" in roles:
            script = replace(script, text=script.continued)
        if script.repeats:
            script = replace(script, text=seen.body["messages"][0]["content"].splitlines()[-1])
        if self.raw is not None:
            return Response(self.raw[0], 200, self.raw[1], self.media_type)
        if script.fault == "hang-up":
            hang_up(request)
        if isinstance(script.fault, int):
            text = script.fault_body
            if text is None:
                text = json.dumps(self.error("the model is not well", script.fault))
            return Response(text, script.fault, script.fault_headers, "application/json")
        if self.cache is not None:
            script = replace(script, bill=self._bill(self.cache, request, seen.body, prompt))
        if not self.is_stream(request, seen.body):
            await asyncio.sleep(script.delay)
            return JSONResponse(self.whole(seen.body, script))
        return StreamingResponse(
            self._stream(seen, script), media_type=self.media_type, headers=script.fault_headers
        )

    def _bill(self, cache: PromptCache, request: Request, body: dict, prompt: Prompt) -> Bill:
        model = self.model(request, body)
        rule = next((rule for name, rule in self.caches if re.search(name, model)), None)
        return cache.bill(self.account(request), model, rule, prompt)

    async def _stream(self, seen: Seen, script: Script) -> AsyncIterator[bytes]:
        try:
            if script.delay:
                await asyncio.sleep(script.delay)
            cut = replace(script, pieces=stopped(script.cut(), self.stops(seen.body)))
            frames = self.frames(seen.body, cut)
            place = faults.place(frames, cut)
            for frame in frames[:place]:
                if script.pace:
                    await asyncio.sleep(script.pace)
                # A character of several bytes may arrive in two reads.
                middle = len(frame) // 2
                if not frame.isascii():
                    middle = next(i for i, byte in enumerate(frame) if byte > 127) + 1
                yield frame[:middle]
                yield frame[middle:]
                seen.sent += 1
            if script.fault:
                async for struck in faults.strike(self, seen.body, script, frames[place:]):
                    yield struck
            seen.finished = not script.fault
        except (asyncio.CancelledError, GeneratorExit):
            seen.closed_at = time.monotonic()
            raise
        finally:
            seen.ended_at = time.monotonic()


def hang_up(request: Request) -> None:
    """Close the connection without a byte of an answer."""
    # uvicorn's; Starlette has none.
    request._receive.__self__.transport.abort()  # type: ignore[attr-defined]


def stopped(pieces: list[str], stops: list[str]) -> list[str]:
    """The pieces of a reply up to its first stop."""
    text = "".join(pieces)
    end = min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))
    kept: list[str] = []
    for piece in pieces:
        kept.append(piece[: max(0, end - len("".join(kept)))])
    return [piece for piece in kept if piece] or [""]


def sse(data: dict | str, event: str | None = None) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return ((f"event: {event}\n" if event else "") + f"data: {text}\n\n").encode()


@contextmanager
def serving(app: Any, host: str = "127.0.0.1", port: int = 0, **options: Any) -> Iterator[str]:
    """Run an ASGI app on a thread; yields its base URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level="critical", lifespan="off", **options)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 10, "the server is up")
    try:
        yield f"http://{host}:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
