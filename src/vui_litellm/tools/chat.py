"""A conversation by text: vui's own prompt, chunking and thoughts tools over the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import signal
import sys
from collections.abc import AsyncGenerator
from typing import TextIO

import httpx
from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from vui.serving.stream import llm_backend
from vui.serving.stream.llm import llm_stream_chunks

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.settings import Settings
from vui_litellm.tools.preflight import preflight
from vui_litellm.tools.thoughts import ThoughtsHost

__all__ = ["chat"]

HELP = "Commands: /model NAME, /models, /quit. Ctrl-C stops a reply."


class ErrorFilter(io.TextIOBase):
    """Takes vui's log, which would be printed among the replies; its errors go to stderr."""

    def write(self, text: str) -> int:
        if "[thoughts] error" in text or "[thoughts] LLM unreachable" in text:
            print(text.strip(), file=sys.stderr)
        return len(text)


def _show(text: str) -> None:
    print(text, file=sys.stderr)


class Conversation:
    """Turns by text, with vui's thoughts about each, and the commands between them."""

    def __init__(self, backend: LiteLLMBackend, out: TextIO) -> None:
        self.backend = backend
        self.out = out
        self.host = ThoughtsHost(self._speak, _show)
        self.thoughts: asyncio.Task | None = None

    async def turn(self, text: str) -> bool:
        """Speak one reply and let the thoughts act on it; False when it failed."""
        reply = await self.host.reply(text)
        if self.thoughts:
            self.thoughts.cancel()  # as vui does
        self.thoughts = asyncio.create_task(self.host.think(text))
        return bool(reply)

    async def thoughts_done(self) -> None:
        if self.thoughts:
            await asyncio.wait({self.thoughts})

    async def _speak(self, conversation: list[dict], prompt: str, keep: bool) -> str:
        said: list[str] = []
        failed = False
        try:
            async with contextlib.aclosing(llm_stream_chunks(conversation, prompt)) as chunks:
                async for chunk, _final in chunks:
                    said.append(chunk)
                    print(chunk, file=self.out, flush=True)
        except httpx.HTTPError as error:
            failed = True
            _show(f"[{self.backend.model}] {str(error) or type(error).__name__}")
        finally:
            if said and keep:
                answer = {"role": "assistant", "content": " ".join(said)}
                self.host.session.conversation.append(answer)
        return "" if failed else " ".join(said)

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


async def _converse(conversation: Conversation, prompt: PromptSession[str] | None) -> None:
    async with contextlib.aclosing(_typed(prompt) if prompt else _piped()) as lines:
        async for line in lines:
            line = line.strip()
            if line.startswith("/"):
                if not await conversation.command(line):
                    return
            elif line:
                await _interruptible(asyncio.ensure_future(conversation.turn(line)))
                if not prompt:
                    await conversation.thoughts_done()


async def chat(text: str | None) -> int:
    """Say `text` and return 0 on a reply, 1 on none; without it, converse until the input ends.

    Raises:
        ValueError: a setting has a bad value.
        GatewayUnusable: see `tools.preflight`.
    """
    backend = LiteLLMBackend(**Settings.from_env().backend_options)
    await preflight(backend)
    note = await backend.note()
    llm_backend.set_backend(backend)
    prompt: PromptSession[str] | None = None
    with contextlib.ExitStack() as stack:
        if text is None and sys.stdin.isatty():
            print(" ".join(filter(None, (f"Talking to {backend.model}.", note, HELP))))
            prompt = PromptSession()
            stack.enter_context(patch_stdout())
        elif note:
            _show(note)
        conversation = Conversation(backend, sys.stdout)
        stack.enter_context(contextlib.redirect_stdout(ErrorFilter()))
        try:
            if text is None:
                await _converse(conversation, prompt)
                return 0
            answered = await _interruptible(asyncio.ensure_future(conversation.turn(text)))
            await conversation.thoughts_done()
            return 0 if answered else 1
        finally:
            await backend.aclose()
