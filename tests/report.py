"""What the runs measured, kept for docs/reliability.md."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.harness import ROOT

STORE = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
HEAD = """# Reliability

Written by the runs themselves (`WRITE_REPORT=1 make test fuzz soak`): what was tried, and what was
seen in the last such run, on a machine with two cores.
"""
TITLES = {
    "faults": "## Faults\n\nOn a group of two deployments, the first of which is sick.",
    "edits": "## Edits to litellm_config.yaml",
    "doors": "## Doors and limits",
    "fuzz": "## Fuzzing",
    "soak": "## Soak",
}


def record(section: str, name: str, result: str) -> None:
    """Keep one measured line. Only when asked to: a test run by itself leaves the tree as it is."""
    if not os.environ.get("WRITE_REPORT"):
        return
    kept = json.loads(STORE.read_text()) if STORE.exists() else {}
    kept.setdefault(section, {})[name] = result
    STORE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(render(kept))


def render(kept: dict[str, dict[str, str]]) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for section, title in TITLES.items():
        if rows := kept.get(section):
            lines = "\n".join(f"| {name} | {result} |" for name, result in rows.items())
            parts.append(f"{title}\n\n| what | seen |\n| --- | --- |\n{lines}\n")
    return "\n".join(parts)


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def descriptors(pid: int) -> int:
    """How many files and sockets a process holds open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
