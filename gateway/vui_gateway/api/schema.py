"""The schema of requests: the fields of a vui turn, of a sane size, in time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.types import Receive

from vui_gateway.api.errors import RequestError

__all__ = ["ChatRequest", "ModelRequest", "read_body"]

MAX_BYTES = 2_000_000  # a context of 500,000 tokens
MAX_MESSAGES = 1000
MAX_DEPTH = 20
SECONDS = 10.0


def _bounded_depth(value: Any, depth: int = 0) -> Any:
    """Unchanged: LiteLLM walks and copies a client's own objects recursively."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _bounded_depth(item, depth + 1)
    return value


class _Strict(BaseModel):
    # Unknown fields are left out, not refused: vui sends some that no provider knows.
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    @classmethod
    def read(cls, body: bytes) -> Any:
        """The request with nothing but these fields.

        Raises:
            RequestError: a field is not what it must be, or there are too many messages.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"])) or "The body"
            message = f"{where}: {first['msg']}."
            refusal = _too_large if first["type"] == "too_long" else RequestError
            raise refusal(message) from None


class Text(_Strict):
    """Text only: an image's address would be fetched from here."""

    type: Literal["text"] = "text"
    text: str


class Message(_Strict):
    role: str
    content: str | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @field_validator("content", mode="before")
    @classmethod
    def joined(cls, content: Any) -> Any:
        """The parts of a text as one."""
        if isinstance(content, list):
            return "\n\n".join(Text.model_validate(part).text for part in content)
        return content

    @field_validator("tool_calls")
    @classmethod
    def flat(cls, calls: Any) -> Any:
        return _bounded_depth(calls)


class Function(_Strict):
    model_config = ConfigDict(extra="allow")
    name: Annotated[str, Field(min_length=1)]


class Tool(_Strict):
    """Other types let a provider's or LiteLLM's side call an address of the client's choice."""

    type: Literal["function"]
    function: Function


class ModelRequest(_Strict):
    """The model group that is about to be asked."""

    model: Annotated[str, Field(min_length=1)]


class ChatRequest(ModelRequest):
    """https://platform.openai.com/docs/api-reference/chat/create, as far as a turn needs it.

    LiteLLM takes many more fields, and some of them choose an address, a key or a hook.
    """

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    response_format: dict[str, Any] | None = None

    @field_validator("stop")
    @classmethod
    def not_empty(cls, value: Any) -> Any:
        """An empty stop phrase would end every reply before its first word."""
        return [
            stop for stop in ([value] if isinstance(value, str) else value or ()) if stop
        ] or None

    @field_validator("tools", "tool_choice", "stream_options", "response_format")
    @classmethod
    def flat(cls, value: Any) -> Any:
        tools = isinstance(value, list)
        return _bounded_depth([tool.model_dump() for tool in value] if tools else value)


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        RequestError: it is too large, or takes too long.
    """
    body = b""
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BYTES:
                    raise _too_large(f"The request is larger than {MAX_BYTES} bytes.")
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        text = f"The request took longer than {SECONDS:.0f} s to arrive."
        raise RequestError(text, "request_timeout", HTTPStatus.REQUEST_TIMEOUT) from None


def _too_large(message: str) -> RequestError:
    return RequestError(message, "request_too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
