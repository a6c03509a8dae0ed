"""vui's sentences, spoken as soon as the next one begins, and its thoughts."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import cache, partial, wraps
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from vui.serving.stream import llm

from vui_litellm.stream import LONE_STOP, end_sentences

__all__ = ["speak_sooner", "spoken", "thoughts_of", "with_lone_stops"]


def speak_sooner() -> None:
    """Let vui speak a sentence when the next one begins."""
    chunker: Any = llm.llm_stream_chunks
    with_stops, name = with_lone_stops(chunker, llm.get_backend), chunker.__name__

    @wraps(chunker)
    async def sooner(*args: Any, **kwargs: Any) -> AsyncGenerator[tuple[str, bool]]:
        async with aclosing(with_stops(*args, **kwargs)) as chunks:
            async for chunk, is_final in chunks:
                if chunk != LONE_STOP:
                    yield chunk, is_final

    for module in list(sys.modules.values()):  # others have imported it by its name
        if getattr(module, "__dict__", {}).get(name) is chunker:
            setattr(module, name, sooner)


def with_lone_stops(chunker: Any, get_backend: Callable[[], Any]) -> Callable[..., Any]:
    """vui's chunker, to which a backend's tokens come with a lone stop after each sentence."""

    def sooner_backend() -> Any:
        return SimpleNamespace(stream=partial(end_sentences, get_backend(), llm._SENT_END_RE))

    its_globals = {**chunker.__globals__, "get_backend": sooner_backend}
    return FunctionType(chunker.__code__, its_globals, argdefs=chunker.__defaults__)


def spoken(chunk: str) -> str:
    """The speech of vui for a chunk, by its own cleaning."""
    host: Any = None
    return _voice_turn().clean_llm_text(host, chunk)


@cache
def _voice_turn() -> ModuleType:
    """vui's module imports numpy, which the image for text lacks and cleaning doesn't use."""
    without = importlib.util.find_spec("numpy") is None
    if without:
        sys.modules["numpy"] = ModuleType("numpy")
    try:
        return importlib.import_module("vui.serving.stream.voice_turn")
    finally:
        if without:
            del sys.modules["numpy"]


def thoughts_of(host: Any) -> tuple[Callable[[], str], Callable[[str], Coroutine[Any, Any, None]]]:
    """vui's thoughts for such a host: what their prompt begins with, and how to let them act."""
    from vui.serving.stream import thoughts

    host._thoughts = thoughts.ThoughtsStream(host)
    return host._thoughts._build_system_prompt, host._thoughts._evaluate
