"""vui's LLM backend for a LiteLLM proxy: what differs from a local server, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

import httpx
from vui.serving.stream.llm_backend import DEFAULT_SAMPLING, VLLMBackend

from vui_litellm.errors import GatewayError, refused_field, sendable, spoken, watch_stream
from vui_litellm.reply import Reply
from vui_litellm.settings import DEFAULT_MODEL, DEFAULT_URL, Settings

__all__ = ["LiteLLMBackend"]

# Seconds: longer than the gateway's longest deadline, that of a model which has to be loaded first.
TIMEOUT = httpx.Timeout(65, connect=5)


class LiteLLMBackend(VLLMBackend):
    """Talks to a paid, remote, authenticated gateway through vui's own OpenAI-compatible client.

    Args:
        model, base_url: what the gateway serves, and its address, with or without `/v1`.
        speak_errors: end a failed reply with one spoken sentence.
        sampling: knobs to send with every call; unnamed ones stay the model's own.
        key: reads the key again, for when the gateway refuses the one at hand.
        kwargs: `api_key`, `reasoning_effort`, `max_model_len`, as for vui's own backends.
    """

    name = "litellm"

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        base_url: str = DEFAULT_URL,
        *,
        speak_errors: bool = True,
        sampling: dict | None = None,
        key: Callable[[], str | None] | None = None,
        **kwargs: Any,
    ):
        # Without extras vui's client sends standard fields only, and four stops at the most.
        super().__init__(model, base_url, **{"extras": False, **kwargs})
        self.sampling = {**dict.fromkeys(DEFAULT_SAMPLING), **(sampling or {})}
        self.speak_errors = speak_errors
        self._key = key
        self._replies: set[Reply] = set()
        self._ours = True  # until a gateway of somebody else's doesn't know what `prefill` asks for
        self._refused: set[str] = set()  # fields that the model refused, without our hooks

    @classmethod
    def from_settings(cls, settings: Settings, model: str | None = None) -> LiteLLMBackend:
        """The backend that the environment describes."""
        return cls(
            model or settings.model,
            settings.url,
            api_key=settings.key,
            key=settings.read_key,
            reasoning_effort=settings.reasoning_effort,
            max_model_len=settings.context,
            speak_errors=settings.speak_errors,
        )

    def _client_inst(self) -> httpx.AsyncClient:
        client = super()._client_inst()
        client.event_hooks, client.timeout = {"response": [watch_stream]}, TIMEOUT
        return client

    def _body(self, messages: list[dict], **kwargs: Any) -> dict:
        body = super()._body(sendable(messages), **kwargs)
        # vui's defaults copy one local Qwen's settings: only a knob that someone named is sent.
        knobs = self._resolve_sampling(**{k: kwargs[k] for k in DEFAULT_SAMPLING})
        del knobs["top_k"]  # vLLM's own
        fields = {**body, **knobs}.items()
        return {k: v for k, v in fields if v is not None and k not in self._refused}

    def _client_stops(self, stop: list[str] | None) -> list[str]:
        # LiteLLM keeps the first four for every provider, and drops those too for some (GPT-5).
        return list(stop or [])

    def _drop_extras(self, sent_extras: bool, resp: httpx.Response, error: str) -> bool:
        # vui asks here whether to try again, before it raises.
        if resp.status_code in (400, 422) and (field := refused_field(resp.request, error)):
            self._refused.add(field)
            print(f"[llm] {self.model} refuses {field}: not sent any more", flush=True)
            return True
        if resp.status_code == 401 and self._renewed_key():
            return True
        raise GatewayError(resp, error)

    def _renewed_key(self) -> bool:
        """True when the gateway has got another key since, which is sent from now on."""
        key = self._key() if self._key else None
        before = self._headers
        self._headers: dict[str, str] = {"Authorization": f"Bearer {key}"} if key else before
        return self._headers != before

    async def _served(self) -> list[str] | None:
        served = await super()._served()
        return await super()._served() if served is None and self._renewed_key() else served

    async def stream(self, messages: list[dict], **kwargs: Any) -> AsyncGenerator[str]:
        said = ""
        async with aclosing(super().stream(messages, **kwargs)) as tokens:
            self._replies.add(reply := Reply(tokens))
            try:
                async for token in reply:
                    said = token.rstrip() or said
                    yield token
            except httpx.HTTPError as error:
                print(f"[llm] {self.model}: {error or type(error).__name__}", flush=True)
                if self.speak_errors:
                    # vui speaks a sentence once the next begins: the lone full stop lets ours out.
                    yield f"{'' if said[-1:] in '.!?' else '.'} {spoken(error)} ."
                raise
            finally:
                self._replies.discard(reply)

    def barge_in(self) -> None:
        """End every reply in flight, and with it the provider's call."""
        for reply in list(self._replies):
            reply.end()

    async def prefill(self, messages: list[dict]) -> None:
        """Tell our gateway that a turn is coming, without a word of it: nothing is billed."""
        url, ask = f"{self._root}/preconnect", {"model": self.model}
        with suppress(httpx.HTTPError):
            if self._ours:
                answer = await self._client_inst().post(url, json=ask, headers=self._headers)
                self._ours = answer.status_code != httpx.codes.NOT_FOUND

    async def set_model(self, name: str) -> None:
        """Switch to `name`.

        Raises:
            ValueError: the gateway doesn't answer, or doesn't serve it; the old model stays.
        """
        served = await self._served()
        if name not in (served or ()):
            why = f"serves: {', '.join(served)}" if served else "doesn't answer or refuses the key"
            raise ValueError(f"{name!r} is not served: the gateway at {self.base_url} {why}.")
        self._refused.clear()
        self.model = name

    async def health(self) -> bool:
        """True only when the gateway answers and takes our key."""
        return await self._served() is not None
