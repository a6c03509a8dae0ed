"""Where we patch vui or use what it keeps private; tests/unit/test_vui_api.py proves each point."""

from __future__ import annotations

import contextlib
import io
import queue
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vui.serving.stream import frontend, llm_backend, prompts

__all__ = ["ThoughtsHost", "install_factory", "run_server", "vui_make_backend", "warn_if_untested"]

TESTED_VUI = ("1.2.2", "1.2.3")
Speak = Callable[[list[dict], str, bool], Awaitable[str]]
Show = Callable[[str], None]
vui_make_backend = llm_backend.make_backend


def warn_if_untested() -> None:
    """Say at a start that our tests never ran against this vui."""
    if (found := version("vui-tts")) not in TESTED_VUI:
        print(
            f"[vui-litellm] vui {found} is untested here (tested: {', '.join(TESTED_VUI)}). "
            "If something fails, install one of those.",
            file=sys.stderr,
        )


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


class ThoughtsHost:
    """As much of vui's `StreamServer` as its thoughts and tools use; underscored names are vui's.

    `speak(conversation, prompt, keep)` answers in place of a voice and returns what was said (kept
    in the conversation or not), `show` gets what a tool did.
    """

    def __init__(
        self, speak: Speak, show: Show, *, memory: bool = True, all_tools: bool = False
    ) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # vui lists its tools as it loads them
            from vui.serving.stream import memories, thoughts
        self.speak, self.show = speak, show
        self.session = SimpleNamespace(
            conversation=[], settings={}, soul=prompts.build_soul(with_claude=False), ready=True,
            ws=None, playback_track=None, recording_sink=None, cancel_generation=False,
        )  # fmt: skip
        self.tts_cmd_queue: queue.Queue = queue.Queue()
        self._memories_store = memories.load_memories() if memory else []
        self._memories = memories.memories_to_strings(self._memories_store)
        self._tasks: dict = {}
        self._local_tasks: dict = {}
        self._pending_task_results: list = []
        self._pending_task_id = self._endpointing_task = None
        self._task_server_available, self._llm_streaming = all_tools, False
        self._generates_sent = self._generates_done = 0
        self._ready_blockers: set = set()
        self._thoughts = thoughts.ThoughtsStream(self)

    async def reply(self, said: str) -> str:
        """Answer what the user said."""
        self.session.conversation.append({"role": "user", "content": said})
        return await self._stream_llm_to_tts(self.session.conversation, self.session.soul)

    @property
    def thoughts_prompt(self) -> str:
        """What the thoughts call begins with."""
        return self._thoughts._build_system_prompt()

    async def think(self, said: str) -> None:
        """Let the thoughts act on what the user said, by one of vui's tools."""
        await self._thoughts._evaluate(said)

    async def _stream_llm_to_tts(
        self, conversation: list, system_prompt: str, append_to_history: bool = True, **_: Any
    ) -> str:
        self._llm_streaming = True
        try:
            prompt = "\n\n".join(filter(None, (system_prompt, prompts.build_memory_context(self))))
            return await self.speak(list(conversation), prompt, append_to_history)
        finally:
            self._llm_streaming = False

    def _log_conv(self, event: str, **data: Any) -> None:
        if event == "thoughts_eval" and data["action"] != "no_action":
            self.show(f"[tool] {data['action']} {data['args'] or ''}".rstrip())

    async def _log(self, text: str, level: str = "info") -> None:
        if level == "error":
            self.show(text)

    async def _set_llm_available(self, available: bool) -> None:
        """vui lights its pill; here the failed call has been reported already."""

    async def _reset_session_state(self) -> None:
        self.session.conversation.clear()
