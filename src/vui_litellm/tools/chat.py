"""A conversation by text: vui's own prompt, chunking and thoughts tools over the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TextIO

import httpx
from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from vui.serving.stream import llm_backend
from vui.serving.stream.llm import llm_stream_chunks

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.patches.speech import spoken
from vui_litellm.settings import Settings
from vui_litellm.tools.preflight import preflight
from vui_litellm.tools.thoughts import ThoughtsHost

__all__ = ["chat"]

HELP = "Commands: /model NAME, /models, /quit. Ctrl-C stops a reply."
# Characters that move the cursor, steer the terminal, or reverse the direction of text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
INTERRUPTED = 128 + signal.SIGINT  # https://tldp.org/LDP/abs/html/exitcodes.html


class Stopped(Exception):
    """Ctrl-C stopped the work."""


class OutputLost(Exception):
    """The output can't be written any more."""


class ErrorFilter(io.TextIOBase):
    """Takes vui's log and tracebacks out of the conversation; its errors go to `err`."""

    ERROR = re.compile(r"\[thoughts\] (?:error|LLM unreachable).*")

    def __init__(self, err: TextIO) -> None:
        self._err = err

    def write(self, text: str) -> int:
        if found := self.ERROR.search(text):
            print(CONTROL.sub("", found[0]), file=self._err)
        return len(text)


class Conversation:
    """Turns by text, with vui's thoughts about each, and the commands between them."""

    def __init__(self, backend: LiteLLMBackend, out: TextIO, err: TextIO) -> None:
        self.backend, self.out, self.err = backend, out, err
        self.host = ThoughtsHost(self._speak, self.show)
        self.thoughts: asyncio.Task | None = None

    def show(self, text: str) -> None:
        """Say something beside the conversation."""
        with contextlib.suppress(OSError):
            print(CONTROL.sub("", text), file=self.err, flush=True)

    def say(self, text: str) -> None:
        """Say a part of the conversation.

        Raises:
            OutputLost: nobody takes it.
        """
        try:
            print(CONTROL.sub("", text), file=self.out, flush=True)
        except OSError as error:
            raise OutputLost(f"The output can't be written ({error.strerror}).") from error

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
                    if heard := spoken(chunk):
                        said.append(heard)
                        self.say(heard)
        except OutputLost:
            raise
        except Exception as error:  # whatever vui's client makes of an answer
            failed = True
            reason = str(error) or type(error).__name__
            if not isinstance(error, httpx.HTTPError):
                reason = f"The answer can't be understood ({type(error).__name__}: {error})."
            self.show(f"[{self.backend.model}] {' '.join(reason.split())}")
        else:
            if not said:
                self.show(f"[{self.backend.model}] The reply is empty.")
        finally:
            reply = " ".join(said)
            if said and keep:
                self.host.session.conversation.append({"role": "assistant", "content": reply})
        return "" if failed else reply

    async def command(self, line: str) -> bool:
        """Carry out a /command; False when it was /quit."""
        name, _, argument = line.partition(" ")
        if name == "/models":
            for model in await self.backend.list_models():
                self.say(f"{'*' if model == self.backend.model else ' '} {model}")
        elif name == "/model" and argument.strip():
            try:
                await self.backend.set_model(argument.strip())
                self.say(f"Now talking to {self.backend.model}.")
            except ValueError as error:
                self.show(str(error))
        elif name != "/quit":
            self.show(HELP)
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
    while line := await _line_of_stdin():
        yield line


async def _line_of_stdin() -> str:
    # Not one of asyncio's own threads: those are waited for at the end, this one until a line came.
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        text = sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lines.put_nowait, text)

    threading.Thread(target=read, daemon=True).start()
    return await lines.get()


async def _interruptible[T](work: Coroutine[Any, Any, T]) -> T:
    """Run work that Ctrl-C can stop.

    Raises:
        Stopped: it did.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise Stopped from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _converse(conversation: Conversation, prompt: PromptSession[str] | None) -> bool:
    """Converse until the input ends; False when a reply failed."""
    well = True
    async with contextlib.aclosing(_typed(prompt) if prompt else _piped()) as lines:
        async for line in lines:
            line = line.strip()
            try:
                if line.startswith("/"):
                    if not await _interruptible(conversation.command(line)):
                        break
                elif line:
                    well = await _interruptible(conversation.turn(line)) and well
                    if not prompt:
                        await _interruptible(conversation.thoughts_done())
            except Stopped:  # a barge-in: the conversation goes on
                conversation.show("[stopped]")
    return well


async def _run(backend: LiteLLMBackend, text: str | None) -> int:
    await _interruptible(preflight(backend))
    note = await _interruptible(backend.note())
    llm_backend.set_backend(backend)
    prompt: PromptSession[str] | None = None
    with contextlib.ExitStack() as stack:
        if text is None and sys.stdin.isatty():
            print(" ".join(filter(None, (f"Talking to {backend.model}.", note, HELP))))
            prompt = PromptSession()
            stack.enter_context(patch_stdout())
        conversation = Conversation(backend, sys.stdout, sys.stderr)
        if note and not prompt:
            conversation.show(note)
        stack.enter_context(contextlib.redirect_stdout(taken := ErrorFilter(sys.stderr)))
        stack.enter_context(contextlib.redirect_stderr(taken))
        if text is None:
            return 0 if await _converse(conversation, prompt) or prompt else 1
        try:
            answered = await _interruptible(conversation.turn(text))
            await _interruptible(conversation.thoughts_done())
        except Stopped:
            conversation.show("[stopped]")
            raise
        return 0 if answered else 1


async def chat(text: str | None) -> int:
    """Say `text` and return 0 on a reply, 1 on none; without it, converse until the input ends.

    Raises:
        ValueError, GatewayUnusable: for a bad setting, and as in `tools.preflight`.
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    backend = LiteLLMBackend(**Settings.from_env().backend_options)
    try:
        return await _run(backend, text)
    except Stopped:
        return INTERRUPTED
    except OutputLost as error:
        # At its end Python writes once more the text that it couldn't.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with contextlib.suppress(OSError):
            print(f"vui-litellm: {error}", file=sys.stderr)
        return 1
    finally:
        await backend.aclose()
