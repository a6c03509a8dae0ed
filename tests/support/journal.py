"""A pytest plugin that keeps a journal: what each test is about, and what became of it.

`make compat` reads it. A line is written as soon as it is known: what was tried is known even when
the time limit ends the run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["GROUPS", "Result", "one_line", "placed", "read", "reason"]

# What is run, by what it says something about.
GROUPS = {
    "seam": ("unit/test_*_seams.py",),
    "family": ("integration/test_matrix*.py",),
    "fault": ("integration/test_faults*.py",),
    "turn": ("integration/test_turn.py",),
}
OUTCOMES = ("not run", "holds", "fell")  # the later one stands when a test has several


@dataclass
class Result:
    """One test: what it is about, and what became of it."""

    group: str
    row: str  # the seam or the family; empty where the group is one row
    fact: str
    outcome: str = "not run"
    reason: str = ""


# ---- the plugin


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--journal", type=Path, help="where to write what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Journal(config.getoption("journal")))


class Journal:
    """Writes a line for each test that is collected, and one for each outcome.

    With pytest-xdist the workers and their controller all write: what they say is the same.
    """

    def __init__(self, path: Path):
        self._path = path

    def _write(self, test: str, **line: str) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"test": test, **line}) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            group, row, fact = described(item)
            self._write(item.nodeid, group=group, row=row, fact=fact)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(report.nodeid, outcome="fell", reason=reason(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._write(report.nodeid, outcome="fell", reason=reason(report.longrepr))
        elif report.passed and report.when == "call":
            self._write(report.nodeid, outcome="holds")


def described(item: pytest.Item) -> tuple[str, str, str]:
    """The group, row and fact of a test, by its file and its parameters."""
    group, row, fact = placed(item.nodeid)
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if "family" in params:
        row, fact = params["family"].name, params.get("point", fact.partition(": ")[0])
        if "foreign" in getattr(item, "fixturenames", ()):
            fact += " (stock LiteLLM)"
    return group, row, fact


def placed(nodeid: str) -> tuple[str, str, str]:
    """The same by the test's id alone: what there is of a file that can't be imported."""
    file, _, name = nodeid.partition("::")
    path = Path(file)
    group = next((g for g, globs in GROUPS.items() if any(map(path.match, globs))), path.stem)
    row = path.stem.removeprefix("test_") if group == "seam" else ""
    # pytest-xdist appends the name of a group: `test_one[two]@three`.
    name, _, rest = name.removeprefix("test_").partition("[")
    parameters = rest.rpartition("]")[0]
    fact = name.partition("@")[0].replace("_", " ") or "the tests can be imported"
    return group, row, f"{fact}: {parameters}" if parameters else fact


def reason(longrepr: Any) -> str:
    """Why a test fell, in one line."""
    if crash := getattr(longrepr, "reprcrash", None):
        return one_line(crash.message)
    lines = [line for line in str(longrepr).splitlines() if line.strip()]
    raised = [line[1:].strip() for line in lines if line.startswith("E ")]
    return one_line((raised or lines or [""])[-1])


def one_line(message: str, width: int = 200) -> str:
    """A message's first line, and its last one where the first only announces it."""
    said = re.split(r"\n\s*assert ", message)[0]  # without pytest's own words on the assertion
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no message"]
    short = f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    return short if len(short) <= width else short[: width - 1] + "…"


# ---- reading it again


def read(journal: str) -> list[Result]:
    """What became of each test; one that fell in any of its phases fell."""
    results: dict[str, Result] = {}
    # What follows the last line's end was cut off in the writing.
    for line in map(json.loads, journal.split("\n")[:-1]):
        result = results.setdefault(line["test"], Result(*placed(line["test"])))
        if "group" in line:
            result.group, result.row, result.fact = line["group"], line["row"], line["fact"]
        elif OUTCOMES.index(line["outcome"]) > OUTCOMES.index(result.outcome):
            result.outcome, result.reason = line["outcome"], line.get("reason", "")
    # A group of which nothing is there says nothing about the release, and must not look well.
    missing = set(GROUPS) - {result.group for result in results.values()}
    return list(results.values()) + [
        Result(group, "", "has tests", "fell", "none was found") for group in sorted(missing)
    ]
