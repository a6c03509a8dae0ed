"""Pages and recordings that the runs themselves write: `make docs` writes, `make test` compares.

WRITE_DOCS=1, which `make docs` sets, is the one way to change them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.harness import ROOT

WRITING = bool(os.environ.get("WRITE_DOCS"))
# The long runs: every closed route, a thousand edits, `FUZZ` random requests.
LONG = bool(os.environ.get("FUZZ"))
STORE = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
HEAD = """# Reliability

Written by the runs themselves (`make docs fuzz soak`): what was tried, and what was seen in the
last such run, on a machine with two cores.
"""
TITLES = {
    "faults": "## Faults\n\nOn a group of two deployments, the first of which is sick. In "
    "parentheses stands what is said while a reply is awaited.",
    "no-dead-air": "## No dead air\n\nThe table shows the text that reaches speech synthesis when "
    "the first of two deployments is sick, or the only one is. Without a word for 1.2 s, the next "
    "is asked, unless limits as installed are named (4 s). In parentheses stands what is said "
    "while a reply is awaited. Silence is where neither that nor the reply is spoken, at 2.7 words "
    "a second.",
    "said": "## What models say\n\nThe left column is a kind of text that a server should have "
    "taken out; the right one, what a listener hears. The places where a text is cut change "
    "nothing.",
    "home": "## Servers at home\n\nOne deployment on a server of one's own, unless it says "
    "otherwise.",
    "edits": "## Edits to litellm_config.yaml",
    "doors": "## Doors and limits",
    "fuzz": "## Fuzzing",
    "attacks": "## Attacks",
    "gateways": "## Many gateways\n\nThree of them, one Redis, and a provider's stand-in, all on "
    "one machine.",
    "soak": "## Soak",
}
COLUMNS = {"attacks": "| attack | before | now |\n| --- | --- | --- |"}


def on_file(path: Path, text: str) -> None:
    """The file holds exactly this."""
    if WRITING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return
    kept = path.read_text() if path.exists() else None
    assert kept is not None, f"{path.relative_to(ROOT)} is missing: run `make docs`"
    assert kept == text, f"{path.relative_to(ROOT)} differs: run `make docs`, review the change"


def record(section: str, name: str, result: str, keep: bool = True) -> None:
    """One line of docs/reliability.md: what was tried is on the page, what was seen may differ.

    keep: False for a run that tried less than the page speaks of.
    """
    kept = json.loads(STORE.read_text()) if STORE.exists() else {}
    if not WRITING:
        assert name in kept.get(section, {}), f"{section}, {name}: run `make docs fuzz`"
    elif keep:
        kept.setdefault(section, {})[name] = result
        STORE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        PAGE.write_text(render(kept))


def attack(name: str, before: str, now: str) -> None:
    """A row of the attacks: what it did once, as measured before it was mended, and does now."""
    record("attacks", name, f"{before} | {now}")


def render(kept: dict[str, dict[str, str]]) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for section, title in TITLES.items():
        if rows := kept.get(section):
            lines = "\n".join(f"| {name} | {result} |" for name, result in rows.items())
            columns = COLUMNS.get(section, "| what | seen |\n| --- | --- |")
            parts.append(f"{title}\n\n{columns}\n{lines}\n")
    return "\n".join(parts)


def rss_mb(pid: int, field: str = "VmRSS") -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def peak_mb(pid: int) -> float:
    """The most resident memory since `reset_peak`, in MB."""
    return rss_mb(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """The peak is what is resident now: https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html"""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def kept_waiting[T](pid: int, ask: Callable[[], T]) -> tuple[T, float]:
    """The answer, and the seconds that the event loop itself kept it waiting: not those in which it
    waited for a processor that others had.
    """
    began, computed = time.monotonic(), processor_seconds(pid, main_thread=True)
    answer = ask()
    took = time.monotonic() - began
    return answer, min(took, processor_seconds(pid, main_thread=True) - computed)


def processor_seconds(pid: int, *, main_thread: bool = False) -> float:
    """Seconds that a process has computed, in all of its threads or in the event loop's."""
    own = f"task/{pid}/" if main_thread else ""
    fields = Path(f"/proc/{pid}/{own}stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid: int) -> int:
    """How many files and sockets a process holds open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
