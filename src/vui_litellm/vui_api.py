"""Where we patch vui or use what it keeps private; tests/unit/test_vui_api.py proves each point."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import partial, wraps
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

from vui.serving.stream import frontend, llm, llm_backend

from vui_litellm.stream import LONE_STOP, end_sentences

__all__ = [
    "install_factory", "run_server", "speak_sooner", "thoughts_of", "vui_make_backend",
    "with_lone_stops",
]  # fmt: skip

vui_make_backend = llm_backend.make_backend


def install_factory(make_backend: Callable[..., llm_backend.LLMBackend]) -> None:
    """Make every `make_backend` and `get_backend` of vui's use this one."""
    llm_backend.make_backend = make_backend


def run_server(backend: Any, arguments: list[str]) -> None:
    """Run vui's own server on `backend`; `arguments` are for vui's command line."""
    from vui.serving.stream import server  # loads torch

    llm_backend.set_backend(backend)
    provide_visualizer()
    report_barge_in(server, backend.barge_in)
    sys.argv = [sys.argv[0], *arguments]  # vui reads its checkpoint from there
    server.main()


def provide_visualizer() -> None:
    """Give vui's page the script that its package may lack: without it the page never connects."""
    if not frontend.VISUALIZER_JS.exists():
        frontend.VISUALIZER_JS = Path(__file__).with_name("visualizer.js")


def report_barge_in(server: Any, barge_in: Callable[[], None]) -> None:
    """Call `barge_in` when vui marks a barge-in, a cancel or a reset in its session."""

    class Session(server.SessionState):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "cancel_generation" and value:
                barge_in()

    server.SessionState = Session


def thoughts_of(host: Any) -> tuple[Callable[[], str], Callable[[str], Coroutine[Any, Any, None]]]:
    """vui's thoughts for such a host: what their prompt begins with, and how to let them act."""
    from vui.serving.stream import thoughts

    host._thoughts = thoughts.ThoughtsStream(host)
    return host._thoughts._build_system_prompt, host._thoughts._evaluate


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
