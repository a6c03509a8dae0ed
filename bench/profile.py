"""Where the processor's time of a call goes: `python -m bench.profile [SECONDS]`, by default 30.

py-spy (https://github.com/benfred/py-spy) looks at the main thread of the gateway's container, and
of the commit before in turn, while eight clients talk without a pause. It has to run as root.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

from bench.arms import Arm, first_token, our_client, ours, ours_before, provider, seed
from tests.support.harness import ROOT

__all__ = ["FOUND", "main", "part", "table"]

FOUND = ROOT / "bench" / "profile.json"
PY_SPY = [str(ROOT / ".tools/bin/uv"), "tool", "run", "--quiet", "py-spy==0.4.1", "record"]
RATE = 50  # samples a second: each stops the gateway for a moment, and more of them slow it down
CLIENTS, ROUNDS = 8, 3
OURS = "vui_gateway/"

# The first whose pattern is in a file's path. A file of none of them counts for who called it.
PARTS = {
    "LiteLLM": r"/litellm/",
    "LiteLLM's HTTP app: FastAPI, Starlette": r"/(fastapi|anyio)/|/starlette/",
    "HTTP to the provider: aiohttp, httpx, OpenAI's SDK": r"/(aiohttp|httpx|httpcore|h11|openai)/",
    "ours: recording, usage, shared state": OURS
    + r"(usage/|state/|turns/(state/|bill|budget|metrics|recent|usage))",
    "ours: attempts and engine": OURS + r"turns/",
    "ours: redaction and log": OURS + r"(redaction|logs)",
    "ours: rules for providers, prompt caches": OURS + r"providers/",
    "ours: what joins it to LiteLLM": OURS + r"litellm_(api|proxy)",
    "ours: API, Starlette, uvicorn": OURS + r"|/uvicorn/",
    "json": r"/json/",
    "asyncio and uvloop": r"/(asyncio|uvloop)/",
}
OUR_APP = "ours: API, Starlette, uvicorn"
ITS_APP = "LiteLLM's HTTP app: FastAPI, Starlette"
OTHER = "other"


def part(stack: list[str]) -> str:
    """Whose time it is: of the innermost file that is anybody's. `stack` begins outermost."""
    for at, frame in reversed(list(enumerate(stack))):
        for name, pattern in PARTS.items():
            if re.search(pattern, frame):
                # Both apps are Starlette's: ours runs in uvicorn's task, LiteLLM's in the proxy's.
                outer = " ".join(stack[:at])
                mine = name == ITS_APP and "/uvicorn/" in outer and "turns/proxy" not in outer
                return OUR_APP if mine else name
    return OTHER


def read(raw: str) -> Counter[str]:
    """Samples of the main thread by part, of py-spy's raw format: a stack and a number a line."""
    found: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, number = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if "MainThread" in thread:
            found[part(frames)] += int(number)
    return found


async def watch(arm: Arm, seconds: float, to: Path) -> tuple[Counter[str], float, int]:
    """Samples by part, seconds of processor, and calls."""
    pid = arm.processes[-1]
    options = ["--full-filenames", "--threads", "--format", "raw", "--rate", str(RATE)]
    options += ["--duration", str(round(seconds)), "--pid", str(pid), "--output", str(to)]
    clients, calls, over = [our_client(arm) for _ in range(CLIENTS)], 0, asyncio.Event()
    for client in clients:
        await first_token(client)

    async def talk(client: object) -> None:
        nonlocal calls
        while not over.is_set():
            await first_token(client)
            calls += 1

    spent = arm.cpu_s
    talking = [asyncio.create_task(talk(client)) for client in clients]
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.PIPE}
    spy = await asyncio.create_subprocess_exec(*PY_SPY, *options, **quiet)  # type: ignore[arg-type]
    _, said = await spy.communicate()
    over.set()
    await asyncio.gather(*talking)
    await asyncio.sleep(1)  # in which the last ones are booked
    spent = arm.cpu_s - spent
    for client in clients:
        await client.aclose()
    if spy.returncode:
        sys.exit(f"py-spy: {said.decode()}")
    return read(to.read_text(errors="replace")), spent, calls


def main(seconds: float = 30) -> dict[str, dict[str, float]]:
    """Milliseconds of processor for a call, by arm and part; in bench/profile.json, too."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        port = stack.enter_context(provider(folder))
        config = seed({"": f"http://127.0.0.1:{port}/v1"})
        arms = {
            "before": stack.enter_context(ours_before(folder / "before", config)),
            "now": stack.enter_context(ours(folder / "now", config)),
        }
        samples = {name: Counter[str]() for name, arm in arms.items() if arm}
        spent, calls = defaultdict[str, float](float), Counter[str]()
        for _ in range(ROUNDS):
            for name, arm in arms.items():
                if arm:
                    seen, cpu, made = asyncio.run(watch(arm, seconds / ROUNDS, folder / "raw"))
                    samples[name] += seen
                    spent[name] += cpu
                    calls[name] += made
    found = {}
    for name, seen in samples.items():
        call = spent[name] / calls[name] * 1000
        found[name] = {part: n / seen.total() * call for part, n in seen.items()}
        print(f"{name}: {seen.total()} samples, {calls[name]} calls, {call:.2f} ms each")
    FOUND.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    return found


def table(found: dict[str, dict[str, float]]) -> str:
    """As Markdown: of each arm the share and the milliseconds of a call."""
    totals = {arm: sum(parts.values()) for arm, parts in found.items()}
    rows = ["| of a call's processor time |" + "".join(f" {arm} | |" for arm in found)]
    rows.append("| --- |" + " --- | --- |" * len(found))
    for name in [*PARTS, OTHER]:
        ms = {arm: parts.get(name, 0.0) for arm, parts in found.items()}
        cells = "".join(f" {n / totals[arm]:.0%} | {n:.2f} ms |" for arm, n in ms.items())
        rows.append(f"| {name} |{cells}")
    return "\n".join([*rows, "| all |" + "".join(f" | {n:.2f} ms |" for n in totals.values())])


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())  # vui writes its log below the working directory
    os.environ["HOME"] = os.getcwd()
    print(table(main(*map(float, sys.argv[1:]))))
