"""Failures of a call, with the gateway's own message and a sentence for the ear."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx

__all__ = ["SENTENCES", "GatewayError", "refused_field", "sendable", "spoken", "watch_stream"]

KEY_REFUSED = "Sorry, the gateway refused my key, so please check the VUI LITELLM KEY setting."
PROVIDER_KEY = "Sorry, the model's provider refused its key, so please check that key."
QUOTA = "Sorry, the quota for this model is used up, so please top it up or pick another model."
BUDGET = "Sorry, today's budget is spent, so please raise the VUI LITELLM BUDGET or wait a day."
MODEL_UNKNOWN = "Sorry, the gateway doesn't have that model, so please pick another one."
GATEWAY_AWAY = "Sorry, I can't reach the gateway, so please check that it is running."
APOLOGY = "Sorry, something went wrong with the model, please try again."

# Every sentence outlives vui's text clean-up unchanged: it is found again in the conversation.
SENTENCES = (KEY_REFUSED, PROVIDER_KEY, BUDGET, QUOTA, MODEL_UNKNOWN, GATEWAY_AWAY, APOLOGY)


# https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
MESSAGE_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id")
# Fields that a reply can do without, and what a refusal calls them. Where `temperature` and `top_p`
# exclude each other, both are named: the rarer one goes first.
OPTIONAL = {
    "top_p": "topp",
    "presence_penalty": "penalty",
    "reasoning_effort": "reasoningeffort",
    "temperature": "temperature",
    "stop": "stop",
}

# Seconds that a reply which has been told may still take to end its stream.
LAST_WORDS = 0.1


class GatewayError(httpx.HTTPStatusError):
    """The gateway, or the provider behind it, answered with an error instead of a reply.

    `code` is the HTTP status, or the one that an error frame inside the stream names.
    """

    def __init__(self, response: httpx.Response, body: str):
        error = _error_of(body)
        self.type = str(error.get("type") or "")
        code = str(error.get("code") or "")
        self.code = int(code) if response.is_success and code.isdigit() else response.status_code
        text = str(error.get("message") or body or response.reason_phrase).strip()
        text = (text.splitlines() or ["no message"])[0][:500]
        super().__init__(f"{text} ({self.code})", request=response.request, response=response)


def _error_of(body: str) -> dict:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {"message": str(error)}


GONE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError)


def spoken(error: Exception) -> str:
    """One short sentence for the ear: what to do, or an apology when the user can do nothing."""
    if isinstance(error, GONE):
        return GATEWAY_AWAY
    if not isinstance(error, GatewayError):
        return APOLOGY
    message = str(error).lower()
    if "VUI_LITELLM_KEY" in str(error) or "no connected db" in message:  # the latter: stock LiteLLM
        return KEY_REFUSED
    if "VUI_LITELLM_BUDGET" in str(error):
        return BUDGET
    if error.code in (401, 403):
        return PROVIDER_KEY
    if error.code == 402 or "quota" in message or "budget" in message or "credit" in message:
        return QUOTA
    if error.code == 404 or "invalid model name" in message:
        return MODEL_UNKNOWN
    return APOLOGY


def refused_field(request: httpx.Request, error: str) -> str | None:
    """The optional field of a request that its refusal names."""
    try:
        sent = json.loads(request.content)
    except ValueError:
        return None
    said = re.sub(r"[^a-z]", "", error.lower())  # top_p, topP and `top-p` alike
    return next((f for f, words in OPTIONAL.items() if f in sent and words in said), None)


def sendable(messages: list[dict]) -> list[dict]:
    """The conversation as a provider may see it.

    Without our own sentences: the model never said them. And without what isn't OpenAI's: vui's
    thoughts send each turn's time along (`ts`), which strict providers refuse.
    """
    kept = []
    for message in messages:
        message = {name: message[name] for name in MESSAGE_FIELDS if name in message}
        content = message.get("content")
        if message.get("role") == "assistant" and isinstance(content, str):
            for sentence in SENTENCES:
                content = content.replace(sentence, "")
            if content != message["content"]:
                message["content"] = content.strip()
        kept.append(message)
    return [message for message in kept if message.get("content") or message.get("tool_calls")]


async def watch_stream(response: httpx.Response) -> None:
    """An httpx response hook: a streamed reply that fails or just ends raises.

    vui's client passes over an error frame and takes the end of the connection for the end of the
    reply; LiteLLM reports a provider that dies in mid-reply as such a frame, without `[DONE]`.
    """
    if response.is_success and "text/event-stream" in response.headers.get("content-type", ""):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Watched(response)


class _Watched(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response = response
        self._inner = response.stream
        self._chunks = aiter(response.stream)
        self._done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    payload = line[5:].strip()
                    self._done = self._done or payload == b"[DONE]"
                    # The cheap look first: this runs for every token.
                    if b'"error"' in payload and _error_of(payload.decode(errors="replace")):
                        raise GatewayError(self._response, payload.decode(errors="replace"))
            yield chunk
        if not self._done:
            raise GatewayError(self._response, "The reply ended before its end")

    async def aclose(self) -> None:
        if self._done:
            # vui stops reading at `[DONE]`: a connection is used again only when read to its end.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(LAST_WORDS):
                    async for _ in self._chunks:
                        pass
        await self._inner.aclose()
