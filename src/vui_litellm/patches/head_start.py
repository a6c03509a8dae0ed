"""vui's end of speech: our backend is asked for the reply then, before vui is ready to ask."""

from __future__ import annotations

import asyncio
import copy
from types import FunctionType, SimpleNamespace
from typing import Any

from vui.serving.stream import llm, llm_backend

from vui_litellm.patches.speech import with_lone_stops

__all__ = ["start_ahead", "start_call"]

LONGEST = 10  # seconds of speech
LOOK = 0.02  # seconds between two looks at the transcript
ANSWER = "voice_respond"  # vui's name for the task that answers a turn


def start_ahead(server: Any) -> None:
    """Let vui's server ask our backend for a reply when it sees the end of speech.

    vui's "Speculative reply" asks for one at each partial transcript: with our backend it does the
    same as this, also where the setting turns this off.
    """
    vui = server.StreamServer
    commit, prefill = vui._tiered_commit, vui._llm_speculative_prefill

    async def commit_ahead(srv: Any, seconds: float) -> None:
        head = _head_start(srv) if seconds <= LONGEST else None
        if not head:
            return await commit(srv, seconds)
        looking, before = asyncio.create_task(_keep_up(srv, head)), set(srv._response_tasks)
        try:
            return await commit(srv, seconds)
        finally:
            looking.cancel()
            # None where the user speaks on, or nobody is at the page any more.
            answers = (t for t in srv._response_tasks - before if t.get_name() == ANSWER)
            head.end_unasked(next(answers, None))

    async def prefill_only(srv: Any, text: str) -> None:
        if not (srv.session.settings.get("speculative_reply") and _head_start(srv)):
            return await prefill(srv, text)
        if srv._prefill_inflight:
            return None
        without = _with_settings(srv, speculative_reply=False)
        srv._prefill_inflight = True  # vui notes it on the copy
        try:
            await prefill(without, text)
        finally:
            srv._prefill_inflight = False

    vui._tiered_commit, vui._llm_speculative_prefill = commit_ahead, prefill_only


def _head_start(srv: Any) -> Any:
    """Our backend's, where it is wanted."""
    backend = llm_backend.get_backend()
    wanted = srv.session.settings.get("speculative_reply") or getattr(backend, "starts_ahead", None)
    return getattr(backend, "head_start", None) if wanted else None


async def _keep_up(srv: Any, head: Any) -> None:
    """Start anew whenever the transcript changes."""
    before = None
    while True:
        if before != (before := srv._phase_transcript):
            text, page = await _said(srv), srv.session.ws
            there = page and not page.closed
            if text and there and srv.session.ready and not srv._floor_held:
                await _start(srv, head, text)
            else:
                head.cancel()
        await asyncio.sleep(LOOK)


async def _said(srv: Any) -> str:
    """The words that vui would commit now and answer; empty for none."""
    from vui.serving.stream import voice_turn, wake_word

    committed: list[str] = []

    async def commit_turn(its: Any, _: float) -> None:
        committed.append(its._last_asr_text)

    host = _with_settings(srv, asr_settle_s=0, trailing_off_delay=0)
    host.session.recording_sink, host._codes_final_event = None, asyncio.Event()
    host._codes_final_event.set()
    quietly = {"commit_turn": commit_turn, "_slog": lambda _: None}
    whole: Any = voice_turn.tiered_commit
    await FunctionType(whole.__code__, {**whole.__globals__, **quietly})(host, 0)
    text = "".join(committed)
    if voice_turn._ends_with_filler(text):
        return ""
    if srv._listen_mode:
        called, rest = wake_word.match(text, srv.session.assistant_name)
        return (rest or text) if called else ""
    return "" if wake_word.shut_up_match(text) else text


async def _start(srv: Any, head: Any, text: str) -> None:
    from vui.serving.stream.prompts import build_memory_context
    from vui.serving.stream.voice_turn import recent_conversation

    soul, memories = srv.session.soul, build_memory_context(srv)
    conversation = [*recent_conversation(srv), {"role": "user", "content": text}]
    await start_call(head, conversation, f"{soul}\n\n{memories}" if memories else soul)


async def start_call(head: Any, conversation: list[dict], system_prompt: str) -> None:
    """Start the call that vui's chunker would make."""

    async def stream(messages: list[dict], *, stats: Any = None, **options: Any) -> Any:
        head.start(messages, **options)
        return
        yield

    chunker: Any = llm.llm_stream_chunks
    chunker = getattr(chunker, "__wrapped__", chunker)  # ours speaks sooner
    asking = with_lone_stops(chunker, lambda: SimpleNamespace(stream=stream))
    async for _ in asking(conversation, system_prompt):
        pass


def _with_settings(srv: Any, **settings: Any) -> Any:
    """vui's server as it is now, with other settings."""
    host, session = copy.copy(srv), copy.copy(srv.session)
    vars(session)["settings"] = {**session.settings, **settings}
    vars(host)["session"] = session
    return host
