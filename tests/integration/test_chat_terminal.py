"""The conversation at a terminal: a person types, and interrupts."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.providers.openai import OpenAI
from tests.support.harness import Program, vui_env
from tests.support.poll import wait_until


class Terminal:
    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.text = ""

    def wait_for(self, text: str, seconds: float = 20) -> None:
        start = len(self.text)

        def shown() -> bool:
            if select.select([self.fd], [], [], 0)[0]:
                data = os.read(self.fd, 4096).decode(errors="replace")
                self.text += data
                if "\x1b[6n" in data:  # prompt_toolkit asks where the cursor is
                    os.write(self.fd, b"\x1b[1;1R")
            return text in self.text[start:]

        wait_until(shown, seconds, lambda: f"{text!r} in {self.text!r}")

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())


@contextmanager
def chatting(gateway: Program) -> Iterator[tuple[Terminal, subprocess.Popen]]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vui_litellm", "chat"],
        env={**os.environ, **vui_env(gateway.url, "gpt-4.1-mini", gateway.key), "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(master), process
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_ctrl_c_in_a_reply_is_a_barge_in(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="One thing. Another thing. " + "And so on. " * 500, pace=0.02)
    with chatting(shared_gateway) as (terminal, process):
        terminal.wait_for(">")
        terminal.type("Go on\r")
        terminal.wait_for("One thing.")
        before = time.monotonic()
        terminal.type("\x03")
        terminal.wait_for("[stopped]")
        closed = wait_until(lambda: openai.seen[0].closed_at, 5, "the provider's call ends")
        assert closed - before < 2
        openai.clear(text="Fine, I stopped.")
        terminal.type("Stop\r")
        terminal.wait_for("Fine, I stopped.")
        said = openai.seen[0].body["messages"]
        assert said[-2]["role"] == "assistant"
        assert said[-2]["content"].startswith("One thing.")
        terminal.type("/quit\r")
        assert process.wait(20) == 0


def test_ctrl_c_before_the_first_token_ends_the_providers_call(
    shared_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(delay=30)
    with chatting(shared_gateway) as (terminal, _):
        terminal.wait_for(">")
        terminal.type("Hello\r")
        wait_until(lambda: openai.seen, 10, "the call")
        terminal.type("\x03")
        terminal.wait_for("[stopped]")
        wait_until(lambda: openai.seen[0].closed_at, 5, "the provider's call ends")
