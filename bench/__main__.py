"""`make bench`: every figure of docs/performance.md, in one run on one machine."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from bench import caching, head_start, home, load, measures, shared, swarm, tail, traces
from bench.report import write
from tests.support.harness import ROOT

RESULTS, DAYS = ROOT / "bench" / "results.json", ROOT / "bench" / "days.json"
ALL = (
    *measures.ALL,
    *load.ALL,
    *tail.ALL,
    *caching.ALL,
    *shared.ALL,
    *swarm.ALL,
    *home.ALL,
    *head_start.ALL,
    *traces.ALL,
)


def main(names: list[str]) -> None:
    """All measures, or those named; a part of them leaves the other figures as they were.

    `tail:400` is a try with so many calls, rounds or turns, after which no file is written.
    """
    os.chdir(tempfile.mkdtemp())  # vui writes its log below the working directory
    os.environ["HOME"] = os.getcwd()
    measured: set[str] = set()
    wanted = {name: size for name, _, size in (name.partition(":") for name in names)}
    keys: measures.Keys = json.loads(RESULTS.read_text()) if names and RESULTS.exists() else {}
    for measure in ALL:
        if names and measure.__name__ not in wanted:
            continue
        sizes = [int(size)] if (size := wanted.get(measure.__name__)) else []
        began = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)
            found = measure(Path(folder), *sizes)
        keys |= {key: round(value, 3) for key, value in found.items()}
        measured.update(found)
        print(f"{measure.__name__}, {time.monotonic() - began:.0f} s", flush=True)
        for key, value in found.items():
            print(f"  {key:40} {value:10.3f}", flush=True)
    if any(wanted.values()):
        return
    days = {key: day for key, day in json.loads(DAYS.read_text()).items() if key in keys}
    days |= dict.fromkeys(measured, time.strftime("%Y-%m-%d", time.gmtime()))
    for path, content in ((RESULTS, keys), (DAYS, days)):
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    write(keys, days)


if __name__ == "__main__":
    main(sys.argv[1:])
