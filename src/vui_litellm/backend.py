"""vui's LLM backend for a LiteLLM proxy: only the differences from a local server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from weakref import WeakSet

import httpx
from vui.serving.stream.llm_backend import DEFAULT_SAMPLING, VLLMBackend

from vui_litellm.errors import (
    GatewayError,
    gateway_lost,
    is_ours,
    refused_field,
    sanitize_messages,
    spoken_message,
)
from vui_litellm.head_start import HEAD_START, HeadStart
from vui_litellm.patches.prompts import prompt_templates
from vui_litellm.prompt import Prompt
from vui_litellm.settings import DEFAULT_MODEL, DEFAULT_URL, RenewableKey
from vui_litellm.stream import (
    WHOLE_SENTENCES,
    CancellableStream,
    check_stream,
    repeat_unanswered,
    time_limit,
)

__all__ = ["LiteLLMBackend", "is_served"]

# vui's thoughts send all that was ever said; the gateway takes 300 messages. The oldest go by
# fifties: the rest begins alike for many turns, and stays in its provider's cache.
MOST_MESSAGES, GONE_AT_ONCE = 250, 50
# Behind a system prompt alone, as in vui's own backends.
PLACEHOLDER = {"role": "user", "content": "."}
# Seconds that a server at home may read a prompt for, and load its model before.
PREFILL_TIMEOUT = 65
HEAD_START_HEADER = "x-vui-head-start"
# Other servers' statuses for a route that they don't have; LM Studio's is 200.
NO_SUCH_ROUTE = (200, 404, 405)


class LiteLLMBackend(VLLMBackend):
    """Talks to a paid, remote, authenticated gateway through vui's own OpenAI-compatible client.

    `speak_errors` ends a failed reply with a spoken sentence; `read_key` reads the key again when
    the gateway refuses the one at hand. Knobs that `sampling` doesn't name stay the model's own.

    Attributes:
        starts_ahead: whether a reply is asked for at the end of speech, before its turn is certain.
    """

    name = "litellm"

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        base_url: str = DEFAULT_URL,
        *,
        speak_errors: bool = True,
        read_key: Callable[[], str | None] = lambda: None,
        sampling: dict | None = None,
        starts_ahead: bool = True,
        **options: Any,
    ):
        # Without extras vui's client sends standard fields only.
        super().__init__(model, base_url, **{"extras": False, **options})
        self.sampling = {**dict.fromkeys(DEFAULT_SAMPLING), **(sampling or {})}
        self.speak_errors = speak_errors
        self.starts_ahead = starts_ahead
        self.head_start = HeadStart(super().stream)
        self.promises_more = False
        self.prompt = Prompt(prompt_templates)
        self._auth = RenewableKey(read_key, self._headers)
        self._replies: WeakSet[CancellableStream] = WeakSet()
        self._claims: set[asyncio.Task] = set()
        self._can_preconnect = True  # until a LiteLLM that isn't ours has no such route
        self._takes_parts = False  # of a system message: our gateway knows what to do with them
        self._refused_fields: set[str] = set()  # where no gateway of ours fits them to the model

    def _client_inst(self) -> httpx.AsyncClient:
        client = super()._client_inst()
        client.event_hooks = {"request": [_mark], "response": [check_stream, self._notice]}
        client.auth = self._auth
        # A proxy that compresses the stream would hide its errors, and hold words back.
        client.headers["accept-encoding"] = "identity"
        return client

    async def _notice(self, response: httpx.Response) -> None:
        self.promises_more = self.promises_more or WHOLE_SENTENCES in response.headers
        self._takes_parts = self._takes_parts or self.promises_more

    def _body(self, messages: list[dict], *, stream: bool, **kwargs: Any) -> dict:
        # vui makes the request right after its body, with the client's timeout.
        self._client_inst().timeout = time_limit(self.reasoning_effort, streamed=stream)
        # vui's defaults copy one local Qwen's settings: only a knob that someone named is sent.
        knobs = self._resolve_sampling(**{k: kwargs[k] for k in DEFAULT_SAMPLING})
        knobs |= {"top_k": None, "stop": kwargs["stop"]}
        body = super()._body(self._messages(messages), stream=stream, **kwargs) | knobs
        return {k: v for k, v in body.items() if v is not None and k not in self._refused_fields}

    def _messages(self, messages: list[dict]) -> list[dict]:
        """The messages as our gateway gets them, for a turn and before it."""
        messages = _latest(sanitize_messages(messages))
        return self.prompt.arrange(messages, parts=self._takes_parts)

    def _client_stops(self, stop: list[str] | None) -> list[str]:
        # LiteLLM passes the first four on to every provider, and none to some (GPT-5).
        return list(stop or [])

    def _drop_extras(self, sent_extras: bool, resp: httpx.Response, error: str) -> bool:
        # vui asks here whether to try again, before it raises.
        failure = GatewayError(resp, error)
        # Our gateway has left out by itself the fields that its provider refuses.
        theirs = resp.status_code in (400, 422) and not is_ours(failure)
        if theirs and (field := refused_field(resp.request, error)):
            self._refused_fields.add(field)
            print(f"[llm] {self.model} refuses {field}: it is not sent any more", flush=True)
            return True
        raise failure

    async def stream(
        self, messages: list[dict], *, stats: dict | None = None, **kwargs: Any
    ) -> AsyncGenerator[str]:
        said = ""
        ask = partial(super().stream, messages, stats=stats, **kwargs)
        if ahead := self.head_start.take(messages, **kwargs):
            self._claim(ahead.name)
        async with aclosing(repeat_unanswered(ask, ahead)) as tokens:
            self._replies.add(reply := CancellableStream(tokens))
            try:
                async for token in reply:
                    said = token.rstrip() or said
                    yield token
            except httpx.HTTPError as error:
                print(f"[llm] {self.model}: {str(error) or type(error).__name__}", flush=True)
                if self.speak_errors:
                    # vui speaks a sentence once the next begins: the lone full stop lets ours out.
                    yield f"{'' if said[-1:] in '.!?' else '.'} {spoken_message(error)} ."
                raise
            finally:
                if ahead and stats is not None:
                    stats.update(ahead.stats)

    async def complete(self, messages: list[dict], **kwargs: Any) -> dict:
        return await _again_if_lost(partial(super().complete, messages, **kwargs))

    def _claim(self, name: str) -> None:
        """Tell our gateway that a head start is used; one that has said nothing yet may be ours."""
        if self._takes_parts or self._can_preconnect:
            task = asyncio.create_task(self._send_claim(name))
            self._claims.add(task)
            task.add_done_callback(self._claims.discard)

    async def _send_claim(self, name: str) -> None:
        options: dict[str, Any] = {"json": {"name": name}, "timeout": 5}
        with suppress(httpx.HTTPError):
            await _again_if_lost(partial(self.request, "POST", "/v1/head-start", **options))

    def barge_in(self) -> None:
        """End every reply in flight, and with it the provider's call."""
        self.head_start.cancel()
        for reply in list(self._replies):
            reply.cancel()

    async def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """The gateway's answer to any request, with our key."""
        url = self._root.removesuffix("/v1") + path
        return await self._client_inst().request(method, url, headers=self._headers, **kwargs)

    async def note(self) -> str:
        """Our gateway's note about the model: its name, and why; empty without one."""
        with suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
            entries = (await self.request("GET", "/model/info", timeout=5)).json()["data"]
            notes = [e["model_info"].get("note") for e in entries if e["model_name"] == self.model]
            return str(next(filter(None, notes), ""))
        return ""

    async def prefill(self, messages: list[dict]) -> None:
        """Announce a turn to our gateway, without a word of it: nothing is billed. Where
        a server of the user's own would answer, it may read what the turn begins with.
        """
        with suppress(httpx.HTTPError, ValueError):
            if self._can_preconnect:
                asked: dict[str, Any] = {"model": self.model}
                answer = await self.request("POST", "/v1/preconnect", json=asked)
                ours = answer.status_code == httpx.codes.ACCEPTED
                self._can_preconnect = answer.status_code not in NO_SUCH_ROUTE
                self._takes_parts = self._takes_parts or ours
                if ours and answer.content and answer.json().get("local") is True:
                    asked["messages"] = self._beginning(messages)
                    options: dict[str, Any] = {"json": asked, "timeout": PREFILL_TIMEOUT}
                    await self.request("POST", "/v1/preconnect", **options)

    def _beginning(self, messages: list[dict]) -> list[dict]:
        """The messages, with a user's turn: some templates need one."""
        speaks = any(message.get("role") == "user" for message in messages)
        return self._messages(messages if speaks else [*messages, PLACEHOLDER])

    async def set_model(self, name: str) -> None:
        """Switch to `name`; ValueError when it isn't served, and the old model stays."""
        if not is_served(name, served := await self._served() or []):
            why = f"serves: {', '.join(served)}" if served else "doesn't answer or refuses the key"
            raise ValueError(f"{name!r} is not served: the gateway at {self.base_url} {why}.")
        self.head_start.cancel()
        self.model, self._refused_fields = name, set()

    async def health(self) -> bool:
        return await self._served() is not None  # vui's own takes a refused key for a healthy one


async def _again_if_lost[T](ask: Callable[[], Awaitable[T]]) -> T:
    """The answer; asked for once more where the gateway is lost before it."""
    try:
        return await ask()
    except httpx.HTTPError as error:
        if not gateway_lost(error):
            raise
    return await ask()


async def _mark(request: httpx.Request) -> None:
    """An httpx request hook: the call of a head start says so."""
    if name := HEAD_START.get():
        request.headers[HEAD_START_HEADER] = name


def is_served(name: str, served: list[str]) -> bool:
    """Whether a gateway that lists these models serves one: those with a `*` are patterns."""
    patterns = (re.escape(listed).replace(r"\*", ".+") for listed in served)
    return "*" not in name and any(re.fullmatch(pattern, name) for pattern in patterns)


def _latest(messages: list[dict]) -> list[dict]:
    """The messages without the oldest turns of a long conversation."""
    blocks = -(-max(0, len(messages) - MOST_MESSAGES) // GONE_AT_ONCE)
    begin = next((i for i, m in enumerate(messages) if m["role"] != "system"), len(messages))
    return messages[:begin] + messages[begin + blocks * GONE_AT_ONCE :]
