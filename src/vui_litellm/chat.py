"""A conversation by text: vui's own prompt, chunking and thoughts tools over the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import queue
import signal
import sys
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, TextIO

import httpx
from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from vui.serving.stream import llm_backend, memories, prompts
from vui.serving.stream.llm import llm_stream_chunks
from vui.serving.stream.thoughts import ThoughtsStream

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.launcher import preflight
from vui_litellm.settings import Settings

__all__ = ["chat"]

HELP = "Commands: /model NAME, /models, /quit. Ctrl-C stops a reply."


class _VuiLog(io.TextIOBase):
    """vui prints its log where the reply goes: here only what the user must know gets through."""

    def write(self, text: str) -> int:
        if "[thoughts] error" in text or "[thoughts] LLM unreachable" in text:
            print(text.strip(), file=sys.stderr)
        return len(text)


class TextServer:
    """As much of vui's `StreamServer` as its thoughts and tools use, with `out` for a voice."""

    def __init__(self, backend: LiteLLMBackend, out: TextIO) -> None:
        self.backend = backend
        self.out = out
        self.session = SimpleNamespace(
            conversation=[], settings={}, soul=prompts.build_soul(with_claude=False), ready=True,
            ws=None, playback_track=None, recording_sink=None, cancel_generation=False,
        )  # fmt: skip
        self.tts_cmd_queue: queue.Queue = queue.Queue()
        self._memories_store = memories.load_memories()
        self._memories = memories.memories_to_strings(self._memories_store)
        self._tasks: dict = {}
        self._local_tasks: dict = {}
        self._pending_task_results: list = []
        self._pending_task_id = self._endpointing_task = None
        self._task_server_available = self._llm_streaming = False
        self._generates_sent = self._generates_done = 0
        self._ready_blockers: set = set()
        self._thoughts = ThoughtsStream(self)

    async def turn(self, text: str) -> bool:
        """Speak one reply and let the thoughts stream act on it; False when it failed."""
        self.session.conversation.append({"role": "user", "content": text})
        reply = await self._stream_llm_to_tts(self.session.conversation, self.session.soul)
        await self._thoughts.on_user_turn(text)
        return bool(reply)

    async def _stream_llm_to_tts(
        self, conversation: list, system_prompt: str, append_to_history: bool = True, **_: Any
    ) -> str:
        """Named as in vui, whose tools announce their results through it."""
        prompt = "\n\n".join(filter(None, (system_prompt, prompts.build_memory_context(self))))
        said: list[str] = []
        failed = False
        self._llm_streaming = True
        try:
            async with contextlib.aclosing(llm_stream_chunks(list(conversation), prompt)) as chunks:
                async for chunk, _final in chunks:
                    said.append(chunk)
                    print(chunk, file=self.out, flush=True)
        except httpx.HTTPError as error:
            failed = True
            print(f"[{self.backend.model}] {error or type(error).__name__}", file=sys.stderr)
        finally:
            self._llm_streaming = False
            if said and append_to_history:
                self.session.conversation.append({"role": "assistant", "content": " ".join(said)})
        return "" if failed else " ".join(said)

    def _log_conv(self, event: str, **data: Any) -> None:
        if event == "thoughts_eval" and data["action"] != "no_action":
            print(f"[tool] {data['action']} {data['args'] or ''}".rstrip(), file=sys.stderr)

    async def _log(self, text: str, level: str = "info") -> None:
        if level == "error":
            print(text, file=sys.stderr)

    async def _set_llm_available(self, available: bool) -> None:
        """vui lights its pill; here the failed call has been reported already."""

    async def _reset_session_state(self) -> None:
        self.session.conversation.clear()

    async def command(self, line: str) -> bool:
        """Carry out a /command; False when it was /quit."""
        name, _, argument = line.partition(" ")
        if name == "/models":
            for model in await self.backend.list_models():
                print("*" if model == self.backend.model else " ", model, file=self.out)
        elif name == "/model" and argument.strip():
            try:
                await self.backend.set_model(argument.strip())
                print(f"Now talking to {self.backend.model}.", file=self.out)
            except ValueError as error:
                print(error, file=sys.stderr)
        elif name != "/quit":
            print(HELP, file=sys.stderr)
        return name != "/quit"


async def _typed(prompt: PromptSession[str]) -> AsyncGenerator[str]:
    while True:
        try:
            yield await prompt.prompt_async("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


async def _piped() -> AsyncGenerator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line


async def _interruptible(turn: asyncio.Task[bool]) -> bool:
    """Run a turn in which Ctrl-C is a barge-in: the reply stops, the conversation goes on."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, turn.cancel)
    try:
        return await turn
    except asyncio.CancelledError:
        print("[stopped]", file=sys.stderr)
        return False
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _converse(server: TextServer, prompt: PromptSession[str] | None) -> None:
    async with contextlib.aclosing(_typed(prompt) if prompt else _piped()) as lines:
        async for line in lines:
            line = line.strip()
            if line.startswith("/"):
                if not await server.command(line):
                    return
            elif line:
                await _interruptible(asyncio.ensure_future(server.turn(line)))
                if not prompt:
                    await _thoughts_done(server)


async def _thoughts_done(server: TextServer) -> None:
    if task := server._thoughts._task:
        await asyncio.wait({task})


async def chat(text: str | None) -> int:
    """Say `text` and return 0 on a reply, 1 on none; without it, converse until the input ends.

    Raises:
        ValueError: a setting has a bad value.
        GatewayUnusable: see `launcher.preflight`.
    """
    backend = LiteLLMBackend.from_settings(Settings.from_env())
    await preflight(backend)
    llm_backend.set_backend(backend)
    prompt: PromptSession[str] | None = None
    with contextlib.ExitStack() as stack:
        if text is None and sys.stdin.isatty():
            print(f"Talking to {backend.model}. {HELP}")
            prompt = PromptSession()
            stack.enter_context(patch_stdout())
        server = TextServer(backend, sys.stdout)
        stack.enter_context(contextlib.redirect_stdout(_VuiLog()))
        try:
            if text is None:
                await _converse(server, prompt)
                return 0
            answered = await _interruptible(asyncio.ensure_future(server.turn(text)))
            await _thoughts_done(server)
            return 0 if answered else 1
        finally:
            await backend.aclose()
