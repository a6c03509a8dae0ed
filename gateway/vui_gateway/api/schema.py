"""The schema of requests: the fields of a vui turn, of a sane size, in time."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import from_json
from starlette.types import Receive

from vui_gateway.api.sizes import check_sizes
from vui_gateway.errors import Code, RequestError

__all__ = ["ChatRequest", "ClaimRequest", "PrefillRequest", "read_body"]

# Ten times the size of vui's requests. LiteLLM needs 20 ms at most for it, in one go.
MAX_BODY = 400_000
MAX_MESSAGES = 300
MAX_PARTS = 100  # of a message's text
MAX_STOPS = 64
MAX_TOOLS = 128  # https://platform.openai.com/docs/api-reference/chat/create, `tools`
BODY_SECONDS = 10.0

Short = Annotated[str, Field(max_length=200)]
Stop = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)] | None
Penalty = Annotated[float, Field(ge=-2, le=2)] | None
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
# https://platform.openai.com/docs/api-reference/chat/create, `reasoning_effort`
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


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
            message = f"{where[:200]}: {first['msg'].removeprefix('Value error, ')}."
            long = first["type"] == "too_long" and first["loc"] == ("messages",)
            raise (_too_large if long else RequestError)(message) from None


class Text(_Strict):
    """Text only: an image's address would be fetched from here."""

    type: Literal["text"] = "text"
    text: str


class Called(_Strict):
    """https://platform.openai.com/docs/api-reference/chat/create, `messages[].tool_calls`"""

    name: Name
    arguments: str

    @field_validator("arguments")
    @classmethod
    def none(cls, arguments: str) -> str:
        """Some models write nothing for none; LiteLLM can't read that for Ollama."""
        return arguments or "{}"

    def values(self) -> Any:
        """The arguments; some providers get them as an object."""
        try:
            return from_json(self.arguments)
        except ValueError:
            raise ValueError("the arguments of a tool call are not JSON") from None


class ToolCall(_Strict):
    # A model's signature of its thoughts comes along: it is in a field of the provider's own.
    model_config = ConfigDict(extra="allow")
    id: str
    type: Literal["function"]
    function: Called


class Message(_Strict):
    role: Role
    content: str | list[Text] | None = None
    name: Short | None = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=MAX_TOOLS, fail_fast=True)] | None = None
    tool_call_id: str | None = None

    @field_validator("content")
    @classmethod
    def joined(cls, content: Any, info: ValidationInfo) -> Any:
        """The parts of a text as one; those of the prompt are for its provider's cache."""
        if isinstance(content, list):
            if len(content) > MAX_PARTS:
                raise ValueError(f"more than {MAX_PARTS} parts")
            if info.data.get("role") != "system":
                return "".join(part.text for part in content)
        return content


class Function(_Strict):
    """https://platform.openai.com/docs/guides/function-calling"""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(_Strict):
    """Other types let a provider's or LiteLLM's side call an address of the client's choice."""

    type: Literal["function"]
    function: Function


class StreamOptions(_Strict):
    """https://platform.openai.com/docs/api-reference/chat/create, `stream_options`"""

    include_usage: bool | None = None


class ModelRequest(_Strict):
    """The model group that is about to be asked."""

    model: Name


Messages = Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]


class PrefillRequest(ModelRequest):
    """The prompt with which a turn of this model group is about to begin, if vui sends it."""

    messages: Messages | None = None


class ClaimRequest(_Strict):
    """The head start that is used."""

    name: Name


class ChatRequest(ModelRequest):
    """https://platform.openai.com/docs/api-reference/chat/create, as far as a turn needs it.

    LiteLLM takes many more fields, and some of them choose an address, a key or a hook.
    """

    messages: Messages
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: Annotated[list[Stop], Field(max_length=MAX_STOPS, fail_fast=True)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MAX_TOOLS, fail_fast=True)] | None = None
    tool_choice: Short | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Tokens = None
    max_completion_tokens: Tokens = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Penalty = None
    frequency_penalty: Penalty = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    reasoning_effort: Effort | None = None
    response_format: dict[str, Any] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def not_empty(cls, value: Any) -> Any:
        """An empty stop phrase would end every reply before its first word."""
        stops = [value] if isinstance(value, str) else value
        return [stop for stop in stops if stop != ""] or None if isinstance(stops, list) else stops

    @model_validator(mode="after")
    def sane(self) -> Self:
        """Checks that objects without a schema are of a sane size, and JSON for every provider."""
        own: list[Any] = [self.tool_choice, self.response_format]
        for message in self.messages:
            own.append(message.tool_call_id)
            for call in message.tool_calls or ():
                own += [call.model_dump(), call.function.values()]
        functions = [tool.function for tool in self.tools or ()]
        for function in functions:
            own += [function.name, function.description, function.parameters]
        others = {**(self.response_format or {})}
        answer = others.pop("json_schema", None)
        schemas = [answer.get("schema") if isinstance(answer, dict) else answer, others]
        check_sizes(own, [*schemas, *(function.parameters for function in functions)])
        return self


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        RequestError: it is too large, or takes too long.
    """
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY:
                    raise _too_large(f"The request is larger than {MAX_BODY} bytes.")
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        text = f"The request took longer than {BODY_SECONDS:.0f} s to arrive."
        raise RequestError(text, Code.REQUEST_TIMEOUT) from None


def _too_large(message: str) -> RequestError:
    return RequestError(message, Code.REQUEST_TOO_LARGE)
