"""vui's thoughts and tools without its server."""

from __future__ import annotations

import contextlib
import io
import queue
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from vui.serving.stream import prompts

from vui_litellm.patches.speech import thoughts_of

__all__ = ["ThoughtsHost"]

Speak = Callable[[list[dict], str, bool], Awaitable[str]]
Show = Callable[[str], None]


class ThoughtsHost:
    """As much of vui's `StreamServer` as its thoughts and tools use; underscored names are vui's.

    `speak(conversation, prompt, keep)` answers in place of a voice and returns what was said (kept
    in the conversation or not), `show` gets what a tool did.
    """

    def __init__(
        self, speak: Speak, show: Show, *, memory: bool = True, all_tools: bool = False
    ) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # vui lists its tools as it loads them
            from vui.serving.stream import memories

            self._prompt, self.think = thoughts_of(self)
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

    async def reply(self, said: str) -> str:
        """Answer what the user said."""
        self.session.conversation.append({"role": "user", "content": said})
        return await self._stream_llm_to_tts(self.session.conversation, self.session.soul)

    @property
    def thoughts_prompt(self) -> str:
        """The system message of the thoughts call."""
        return self._prompt()

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
