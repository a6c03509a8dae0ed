"""vui's server: our backend, its page, its workers, and who may use it."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vui.serving.stream import frontend, llm_backend

from vui_litellm.patches.head_start import start_ahead
from vui_litellm.settings import SettingError

__all__ = [
    "CannotGuard", "guard_server", "install_factory", "report_barge_in", "run_server",
    "show_replies_as_text", "use_recognizer", "vui_make_backend",
]  # fmt: skip

# The routes of vui that take a recording.
FORMS = frozenset(
    {"/upload-prompt", "/v1/voice-note", "/test/transcribe", "/test/respond", "/test/prefill"}
)
# Parts that vui's server must use, or it would listen without our guard.
SERVER_PARTS = frozenset({"web", "Application", "AppRunner", "TCPSite"})
# A file of vui's prompts by its name: no other folder, no pattern, nothing hidden.
PROMPT_NAME = re.compile(r"[^\0-\x1f./\\:*?\[\]][^\0-\x1f/\\:*?\[\]]{0,99}")

vui_make_backend = llm_backend.make_backend


def install_factory(make_backend: Callable[..., llm_backend.LLMBackend]) -> None:
    """Make every `make_backend` and `get_backend` of vui's use this one."""
    llm_backend.make_backend = make_backend


def run_server(
    backend: Any, arguments: list[str], *, lan: bool = False, recognizer: str | None = None
) -> None:
    """Run vui's own server on `backend`; `arguments` are for vui's command line.

    Raises:
        CannotGuard: what `guard_server` does. SettingError: what `use_recognizer` does.
    """
    from vui.serving.stream import server  # loads torch

    llm_backend.set_backend(backend)
    guard_server(server, lan=lan)
    if recognizer:
        use_recognizer(server, recognizer)
    report_dead_workers(server)
    provide_visualizer()
    show_replies_as_text(server)
    report_barge_in(server, backend.barge_in)
    start_ahead(server)
    sys.argv = [sys.argv[0], *arguments]  # vui reads its checkpoint from there
    server.main()


def provide_visualizer() -> None:
    """Give vui's page the script that its package may lack: without it the page never connects."""
    if not frontend.VISUALIZER_JS.exists():
        frontend.VISUALIZER_JS = Path(__file__).parent.with_name("visualizer.js")


def show_replies_as_text(server: Any) -> None:
    """Let vui's page show spoken text as text: it would take it for HTML."""
    page = re.sub(r"(innerHTML .*\+ )((?:data\.)?text);", r"\1esc(\2);", frontend.get_html())
    server.connection.get_html = lambda: page


def report_dead_workers(server: Any) -> None:
    """Let vui call a worker ready only while it lives: it goes on saying so of a dead one."""

    def while_alive(told: str, worker: str) -> property:
        def is_ready(its: Any) -> bool:
            process = getattr(its, worker)
            return bool(vars(its)[told] and process is not None and process.is_alive())

        return property(is_ready, lambda its, value: vars(its).update({told: value}))

    server.StreamServer.tts_ready = while_alive("tts_ready", "tts_proc")
    server.StreamServer.asr_ready = while_alive("asr_ready", "asr_proc")


def use_recognizer(server: Any, model: str) -> None:
    """Let vui start with this model for speech recognition: it documents VUI_ASR and ignores it.

    Raises:
        SettingError: vui has no such model, or the image lacks what it runs on.
    """
    from vui.serving.stream.asr_worker import ASR_MODELS

    known = [name for name in ASR_MODELS if name.startswith("fwhisper.")]
    if model not in known:
        raise SettingError(f"VUI_ASR is {model!r}. Use one of {', '.join(known)}.")
    server.DEFAULT_ASR_MODEL = model  # what vui's page shows
    server.asr_process = partial(recognize, model, server.asr_process)


def recognize(model: str, worker: Callable[..., None], *queues: Any) -> None:
    """vui's worker for speech recognition with this model: a process that imports vui anew."""
    from vui.serving.stream import asr_worker

    asr_worker.DEFAULT_ASR_MODEL = model
    worker(*queues)


def report_barge_in(server: Any, barge_in: Callable[[], None]) -> None:
    """Call `barge_in` when vui marks a barge-in, a cancel or a reset in its session."""

    class Session(server.SessionState):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "cancel_generation" and value:
                barge_in()

    server.SessionState = Session


class CannotGuard(Exception):
    """vui's server isn't built as we know it; the message says so, and what to do."""


def guard_server(server: Any, *, lan: bool) -> None:
    """Let vui's server answer its own page and this machine only.

    lan: also the local network, with a token that is printed; by http only where vui's TLS is off.

    Raises:
        CannotGuard: the server isn't built as we know it.
    """
    from vui_litellm.guard import guard

    try:
        from vui.serving.stream import tls

        if not SERVER_PARTS.issubset(server.StreamServer.run.__code__.co_names):
            raise AttributeError(f"its run() doesn't use all of {', '.join(sorted(SERVER_PARTS))}")
        web, lan_urls = server.web, tls.lan_urls
        token = secrets.token_urlsafe(32) if lan else None

        def listen(runner: Any, _: str, port: int, **options: Any) -> Any:
            scheme = "https" if options.get("ssl_context") else "http"
            if not lan or (scheme == "http" and os.environ.get("VUI_TLS", "1") != "0"):
                return web.TCPSite(runner, "127.0.0.1", port, **options)
            for url in lan_urls(port, scheme)[1:]:
                print(f"[vui-litellm] On other devices: {url}/?token={token}", flush=True)
            return web.TCPSite(runner, "0.0.0.0", port, **options)  # noqa: S104

        app = partial(web.Application, middlewares=[guard(token, FORMS)])
        server.web = SimpleNamespace(**{**vars(web), "Application": app, "TCPSite": listen})
        tls.lan_urls = lambda *_: []  # vui would print them without the token
        close_prompts(server)
    except (AttributeError, ImportError) as error:
        raise CannotGuard(
            f"This vui's server can't be kept from other web pages ({error}), so it isn't started. "
            "Install a vui that was tested here."
        ) from error


def close_prompts(server: Any) -> None:
    """Let nobody name a voice outside of vui's folder of prompts: vui unpickles what it finds."""
    from aiohttp import web
    from vui.serving.stream import prompt_routes
    from vui.serving.stream.realtime import inbound

    load, load_voice, last = (
        prompt_routes.handle_load_prompt, inbound._load_voice, server._get_last_prompt
    )  # fmt: skip

    async def handle_load_prompt(srv: Any, request: Any) -> Any:
        asked = await request.json()
        name = asked.get("file") if isinstance(asked, dict) else None
        if not _is_prompt_name(name):
            return web.json_response({"ok": False, "error": "No such prompt"}, status=400)
        return await load(srv, request)

    async def load_named_voice(adapter: Any, voice: Any) -> None:
        if _is_prompt_name(voice):
            return await load_voice(adapter, voice)
        return await adapter.send_error("voice_not_found", "No such voice")

    def last_prompt() -> str | None:
        return name if _is_prompt_name(name := last()) else server.DEFAULT_VOICE

    prompt_routes.handle_load_prompt = handle_load_prompt
    inbound._load_voice, server._get_last_prompt = load_named_voice, last_prompt


def _is_prompt_name(name: Any) -> bool:
    return isinstance(name, str) and bool(PROMPT_NAME.fullmatch(name.strip()))
