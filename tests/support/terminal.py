"""A program at a real terminal, of which a test reads what a person sees, and types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.poll import wait_until


class Terminal:
    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.text = ""

    def wait_for(self, text: str, seconds: float = 20) -> None:
        start = len(self.text)

        def shown() -> bool:
            self._read()
            return text in self.text[start:]

        wait_until(shown, seconds, lambda: f"{text!r} in {self.text!r}")

    def read_to_end(self, process: subprocess.Popen, seconds: float = 60) -> int:
        """Its exit code, when it has ended by itself."""

        def ended() -> bool:
            self._read()
            return process.poll() is not None

        wait_until(ended, seconds, lambda: f"the end, after {self.text!r}")
        self._read()
        return process.returncode

    def _read(self) -> None:
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 4096).decode(errors="replace")
            except OSError:  # nobody has it open any more
                return
            self.text += data
            if "\x1b[6n" in data:  # prompt_toolkit asks where the cursor is
                os.write(self.fd, b"\x1b[1;1R")

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())


@contextmanager
def at_terminal(
    command: list[str], env: dict[str, str], columns: int = 80
) -> Iterator[tuple[Terminal, subprocess.Popen]]:
    """A command at a terminal of its own."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    process = subprocess.Popen(
        command,
        # xdist's workers have a width in their environment, which would be the terminal's.
        env={**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, **env, "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(master), process
    finally:
        process.kill()
        process.wait()
        os.close(master)
