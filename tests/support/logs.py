"""A gateway's log as a program reads it: what each line says, without its time."""

from __future__ import annotations

import re

from tests.support.harness import Program
from tests.support.poll import wait_until

__all__ = ["lines_of", "lines_of_calls", "times_of"]

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)) (.*)")
CALL = re.compile(r"(reply|thoughts) model=")


def _read(log: str) -> list[tuple[str, str]]:
    lines = [(LINE.fullmatch(line), line) for line in log.splitlines()]
    without = [line for found, line in lines if not found]
    assert not without, f"lines without a time: {without}"
    return [(found[1], found[2]) for found, _ in lines if found]


def times_of(log: str) -> list[str]:
    """The time that each line begins with; every line has one."""
    return [time for time, _ in _read(log)]


def lines_of(log: str) -> list[str]:
    """What its lines say; every line has a time."""
    return [said for _, said in _read(log)]


def lines_of_calls(up: Program, count: int = 1) -> list[dict[str, str]]:
    """What the log says of each call, once there are so many; its kind is `kind`."""

    def found() -> list[str]:
        lines = [line for line in lines_of(up.log) if CALL.match(line)]
        return lines if len(lines) >= count else []

    lines = wait_until(found, 10, f"{count} lines of calls in the log")
    return [dict(re.findall(r"(\w+)=(\S+)", f"kind={line}")) for line in lines]
