"""Changes to LiteLLM's own functions, each with its reason. Seen with 1.110.2."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import litellm
from litellm.litellm_core_utils import streaming_handler
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper

from vui_gateway.litellm_proxy import http_clients
from vui_gateway.litellm_proxy.transport import answered

__all__ = ["install"]

FEW_CHUNKS, LAST_CHUNKS = 200, 500

_stream_chunk_builder = litellm.stream_chunk_builder
_asyncify = streaming_handler.asyncify
_response_cost_calculator = Logging.response_cost_calculator


def install() -> None:
    """Put the changes in place; a second time does nothing."""
    litellm.suppress_debug_info = True  # or it prints a list of providers for an unknown one
    # The members of the router that it calls deprecated are there in every tested version.
    deprecated = r"Router\.\w+ is deprecated"
    warnings.filterwarnings("ignore", message=deprecated, category=DeprecationWarning)
    http_clients.install(answered)
    litellm.stream_chunk_builder = _build_from_few
    streaming_handler.asyncify = _in_this_thread_if_short
    Logging.response_cost_calculator = _no_price_of_a_stream


def _build_from_few(chunks: list, *args: Any, **options: Any) -> Any:
    """LiteLLM's own record of a reply: it goes through all chunks a dozen times, while nobody else
    runs. Of a long reply the last ones have the usage, and the text is what it is counted by where
    they don't.
    """
    if len(chunks) > 2 * LAST_CHUNKS:
        first = next((chunk for chunk in chunks if chunk.choices), chunks[0]).model_copy(deep=True)
        deltas = (choice.delta for chunk in chunks[:-LAST_CHUNKS] for choice in chunk.choices)
        texts = (getattr(d, "reasoning_content", None) or d.content or "" for d in deltas)
        if first.choices:
            first.choices[0].delta.content = "".join(texts)
        chunks = [first, *chunks[-LAST_CHUNKS:]]
    return _stream_chunk_builder(chunks, *args, **options)


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
