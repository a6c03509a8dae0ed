"""The watchdog ends a process whose loop hangs, however it hangs, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from vui_gateway.watchdog import EXIT_CODE

from tests.support.logs import lines_of

PROGRAM = """
import asyncio, re, time
from vui_gateway.watchdog import Watchdog

async def main():
    watchdog = Watchdog(1.5)
    watchdog.start()
    print("watched", flush=True)
    await asyncio.sleep(0.1)
    {hang}
    watchdog.stop()

asyncio.run(main())
"""
# What holds the interpreter's lock, what gives it away, and what does neither.
HANGS = {
    "a regular expression": "re.match('(a*)*b', 'a' * 40)",
    "a sleep": "time.sleep(60)",
    "a loop": "while True: pass",
}


def started(hang: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM.format(hang=hang)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    assert process.stdout.readline() == "watched\n"
    return process


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_loop_that_hangs_ends_the_process_with_one_line(hang: str) -> None:
    process = started(hang)
    _, said = process.communicate(timeout=30)
    assert process.returncode == EXIT_CODE
    (line,) = lines_of(said)
    assert line.startswith("The event loop has hung for 1.5 s at ")


def test_a_loop_that_is_busy_but_runs_goes_on() -> None:
    process = started("for _ in range(60): await asyncio.sleep(time.sleep(0.05) or 0)")
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_a_process_that_was_stopped_goes_on() -> None:
    process = started("await asyncio.sleep(3)")
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(4)
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
