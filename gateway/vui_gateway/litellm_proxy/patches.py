"""Changes to LiteLLM's own functions, each with its reason. Seen with 1.110.2."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import litellm
from litellm import main
from litellm.litellm_core_utils import core_helpers, streaming_handler
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.litellm_core_utils.llm_response_utils import convert_dict_to_response
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper
from litellm.types.utils import Delta, ModelResponseStream
from pydantic import BaseModel

from vui_gateway.litellm_proxy import cloud_credentials, http_clients
from vui_gateway.litellm_proxy.environment import ONE_CLIENT
from vui_gateway.litellm_proxy.transport import answered, ends_with
from vui_gateway.providers.content import text_and_thoughts
from vui_gateway.providers.endings import BREAKS, FILTER, FILTERS
from vui_gateway.providers.endpoints import OPENAI_FORMATS
from vui_gateway.providers.usual_keys import NO_KEY

__all__ = ["install"]

FEW_CHUNKS = 200
TEXT_CHUNK = {"id", "created", "model", "object", "system_fingerprint", "choices"}
# A model's words in place of `content`, where it refuses to answer, with the finish reason "stop":
# https://platform.openai.com/docs/api-reference/chat-streaming
REFUSAL = "refusal"
TEXT_DELTA = {"role", "content", "reasoning_content", "thinking_blocks"}

_complete_custom_openai, _get_secret_bool = main._complete_custom_openai, main.get_secret_bool
_has_config: ContextVar[bool] = ContextVar("has_config", default=True)
_stream_chunk_builder = litellm.stream_chunk_builder
_asyncify = streaming_handler.asyncify
_extract_reasoning_content = convert_dict_to_response.extract_reasoning_content
_make_delta = Delta.__init__
_finish_reasons: dict = core_helpers._FINISH_REASON_MAP
_response_cost_calculator = Logging.response_cost_calculator


def install() -> None:
    """Put the changes in place; a second time does nothing."""
    litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
    # The members of the router that it calls deprecated are there in every tested version.
    deprecated = r"Router\.\w+ is deprecated"
    warnings.filterwarnings("ignore", message=deprecated, category=DeprecationWarning)
    http_clients.install(answered)
    cloud_credentials.install()
    main._complete_custom_openai, main.get_secret_bool = _completed, _one_client_if_it_can
    litellm.stream_chunk_builder = _build_from_few
    streaming_handler.asyncify = _in_this_thread_if_short
    Logging.response_cost_calculator = _no_price_of_a_stream
    convert_dict_to_response.extract_reasoning_content = _with_parts
    Delta.__init__ = _delta_of_parts
    core_helpers._FINISH_REASON_MAP = _FinishReasons(_finish_reasons)


class _FinishReasons(dict):
    """LiteLLM's table of finish reasons; the provider's own is kept, which LiteLLM forgets."""

    def get(self, reason: Any, default: Any = None) -> Any:
        """LiteLLM's word for it."""
        ends_with(reason, found := super().get(reason, default))
        # No line in the log for the reasons that we know and LiteLLM doesn't.
        if found is None and reason in FILTERS:
            return FILTER
        return "stop" if found is None and reason in BREAKS else found


@functools.wraps(_complete_custom_openai)
def _completed(ctx: Any) -> Any:
    """LiteLLM's HTTP client asks only a provider of its list that has a chat configuration: not
    sarvam, veniceai and others of its `openai_like/providers.json`, aiml, xinference.

    And a provider without a key of its own would be sent OpenAI's.
    """
    if ctx.custom_llm_provider not in OPENAI_FORMATS:
        ctx = replace(ctx, api_key=ctx.api_key or litellm.api_key or NO_KEY)
    token = _has_config.set(ctx.provider_config is not None)
    try:
        return _complete_custom_openai(ctx)
    finally:
        _has_config.reset(token)


@functools.wraps(_get_secret_bool)
def _one_client_if_it_can(name: str, *args: Any) -> bool | None:
    """Without it OpenAI's SDK asks, as in stock LiteLLM."""
    return _get_secret_bool(name, *args) if name != ONE_CLIENT or _has_config.get() else False


def _build_from_few(chunks: list, *args: Any, **options: Any) -> Any:
    """LiteLLM's own record of a reply: it goes through all chunks a dozen times, while nobody else
    runs. The text of all chunks without anything else is given to the first of them: the record
    is the same, and made in less time.
    """
    few: list = []
    texts: dict[str, tuple[int, list[str]]] = {}  # by field: where its first chunk stands in `few`
    for chunk in chunks:
        field = _text_alone(chunk)
        if field is None or field not in texts:
            few.append(chunk)
        if field is not None:
            _, text = texts.setdefault(field, (len(few) - 1, []))
            text.append(getattr(chunk.choices[0].delta, field))
    for field, (at, text) in texts.items():
        choice = few[at].choices[0]
        delta = choice.delta.model_copy(update={field: "".join(text)})
        choices = [choice.model_copy(update={"delta": delta})]
        few[at] = few[at].model_copy(update={"choices": choices})
    return _stream_chunk_builder(few, *args, **options)


def _text_alone(chunk: Any) -> str | None:
    """The field of its delta that has text, of a chunk that says nothing else."""
    if not isinstance(chunk, ModelResponseStream) or len(chunk.choices) != 1:
        return None
    (choice,) = chunk.choices
    hidden = chunk._hidden_params
    said = _set(choice.delta)
    texts = said & {"content", "reasoning_content"}
    alone = (
        _set(chunk) <= TEXT_CHUNK
        and _set(choice) <= {"index", "delta"}
        and not choice.index
        and said <= TEXT_DELTA
        and len(texts) == 1
        and not (hidden.get("usage") or hidden.get("provider_specific_fields"))
    )
    return texts.pop() if alone else None


def _set(model: BaseModel) -> set[str]:
    values = {**vars(model), **(model.__pydantic_extra__ or {})}
    return {name for name, value in values.items() if value is not None and value != ""}


def _in_this_thread_if_short(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Makes the record of a short stream inline: a thread costs more than the record."""

    async def run(*args: Any, **options: Any) -> Any:
        if len(options.get("chunks") or ()) <= FEW_CHUNKS:
            return function(*args, **options)
        return await _asyncify(function)(*args, **options)

    return run


@functools.wraps(_response_cost_calculator)
def _no_price_of_a_stream(self: Any, result: Any, *args: Any, **options: Any) -> Any:
    """LiteLLM prices a stream before its first word: 4 % of a call, for a header."""
    if isinstance(result, CustomStreamWrapper):
        return None
    return _response_cost_calculator(self, result, *args, **options)


@functools.wraps(_extract_reasoning_content)
def _with_parts(message: dict) -> tuple[str | None, str | None]:
    """A list of parts as `content` is read for Mistral's own API only; elsewhere the call fails."""
    if isinstance(parts := message.get("content"), list):
        text, thoughts = text_and_thoughts(parts)
        return message.get("reasoning_content") or thoughts or None, text
    thoughts, text = _extract_reasoning_content(message)
    return thoughts, text or message.get(REFUSAL)


@functools.wraps(_make_delta)
def _delta_of_parts(self: Any, content: Any = None, *args: Any, **options: Any) -> None:
    """The same in a stream, where LiteLLM loses the text."""
    if isinstance(content, list):
        content, thoughts = text_and_thoughts(content)
        options["reasoning_content"] = options.get("reasoning_content") or thoughts or None
    refusal = options.pop(REFUSAL, None)
    _make_delta(self, content or refusal, *args, **options)
