"""`make compat`: what holds with another release of LiteLLM and of vui, and what falls.

A copy of the tree is locked and installed with these versions outside the tree, and the tests that
rest on what LiteLLM and vui do inside run there. A package that LiteLLM's extras ask for and the
registry lacks is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.audit import ADVISORIES, ROOT, findings
from tests.support.journal import GROUPS, Result, one_line, read, reason

__all__ = [
    "asked", "changed", "failures", "left_out", "locked", "main", "missing", "overridden", "pinned",
    "refusal", "table",
]  # fmt: skip

LIMIT = 7 * 60.0  # seconds for all of it,
TEARDOWN = 15.0  # of which the tests have these to end what they started
ROUNDS = 8  # locks that are tried, with one more package left out each

# Where uv says that a package, or the version that is asked for, isn't in the registry.
NOT_THERE = re.compile(
    r"Because (?:\S+ was not found in the package registry|only \S+ is available"
    r"|there (?:is no version|are no versions) of \S+)"
    r" and litellm\[[\w,-]+\]\S* depends on (?P<name>[\w.-]+)"
)

# Not a part of what is tried, or a user's own: their keys stay where they are.
NOT_COPIED = (".git", ".venv", ".tools", ".env", "__pycache__", ".*_cache", ".hypothesis", "dist")


# ---- the two versions


def refusal(litellm: str) -> str | None:
    """Why a version of LiteLLM must not even be installed."""
    return next(iter(findings(f"litellm=={litellm}")), None)


def newest(uv: str, package: str) -> str:
    """The registry's newest release: no pre-release, and none that was published with malware."""
    bad = [version for known in ADVISORIES if known.package == package for version in known.bad]
    command = [uv, "pip", "compile", "--quiet", "--no-config", "--no-deps", "--no-header", "-"]
    wanted = package + ",".join(f"!={version}" for version in bad)
    answer = subprocess.run(command, input=wanted, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"compat: the newest {package}: {cause(answer.stderr)}")
    return answer.stdout.split("==")[1].split()[0]


def pinned(pyproject: str, litellm: str, vui: str) -> str:
    """A pyproject.toml that asks for exactly these versions."""
    pyproject = re.sub(r'"litellm(\[\w+\])?[=<>~!][^"]*"', rf'"litellm\1=={litellm}"', pyproject)
    return re.sub(r'"vui-tts[=<>~!][^"]*"', f'"vui-tts=={vui}"', pyproject)


def overridden(root: str, gateway: str) -> str:
    """The tree's pyproject.toml with what we ask for put above what LiteLLM and vui ask for."""
    needs = [tomllib.loads(text)["project"]["dependencies"] for text in (root, gateway)]
    return _above(root, [need for each in needs for need in each])


def left_out(root: str, package: str) -> str:
    """The tree's pyproject.toml without a package, whoever asks for it."""
    return _above(root, [f"{package}; python_version < '3'"])


def _above(root: str, needs: list[str]) -> str:
    start = "override-dependencies = [\n"
    return root.replace(start, start + "".join(f"    {json.dumps(need)},\n" for need in needs))


def asked(*pyprojects: str) -> set[str]:
    """The packages that the tree itself asks for or overrides; they are never left out."""
    needs: list[Any] = []
    for tree in map(tomllib.loads, pyprojects):
        needs += tree["project"]["dependencies"]
        needs += [need for group in tree.get("dependency-groups", {}).values() for need in group]
        needs += tree.get("tool", {}).get("uv", {}).get("override-dependencies", ())
    return {canonicalize_name(Requirement(need).name) for need in needs if isinstance(need, str)}


def missing(stderr: str, kept: Collection[str]) -> str:
    """The package of LiteLLM's extras that uv finds in no registry; "" when uv failed otherwise.

    kept: packages that are not to be left out.
    """
    found = NOT_THERE.search(" ".join(stderr.split()))
    name = canonicalize_name(found["name"]) if found else ""
    return "" if name in kept else name


# ---- the throwaway environment


def build(uv: str, folder: Path, litellm: str, vui: str) -> tuple[list[str], list[str]]:
    """A copy of the tree with an environment of these versions.

    Returns:
        What else has changed, and the packages that are left out.

    Raises:
        SystemExit: uv can't make it.
    """
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    root, gateway = folder / "pyproject.toml", folder / "gateway" / "pyproject.toml"
    for path in (root, gateway):
        path.write_text(pinned(path.read_text(), litellm, vui))
    without = lock(uv, folder, root, gateway)
    done = run_uv(uv, folder, "sync", "--frozen")
    if done.returncode:
        raise SystemExit(f"compat: no such environment: {cause(done.stderr)}")
    before, after = (locked((at / "uv.lock").read_text()) for at in (ROOT, folder))
    for name, version in (("litellm", litellm), ("vui-tts", vui)):
        assert Version(after[name]) == Version(version), f"{name} isn't pinned where it was"
    return changed(before, after), without


def lock(uv: str, folder: Path, root: Path, gateway: Path) -> list[str]:
    """Lock the copy; the locked versions stay wherever they fit. Returns what is left out."""
    without: list[str] = []
    ours = asked(root.read_text(), gateway.read_text())
    above = False  # what we ask for, above what LiteLLM and vui ask for
    for _ in range(ROUNDS):
        done = run_uv(uv, folder, "lock")
        if not done.returncode:
            return without
        if name := missing(done.stderr, {*ours, *without}):
            without.append(name)
            root.write_text(left_out(root.read_text(), name))
        elif not above:
            above = True
            root.write_text(overridden(root.read_text(), gateway.read_text()))
        else:
            break
    raise SystemExit(f"compat: no such environment: {cause(done.stderr)}")


def run_uv(uv: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # An environment of its own, with this interpreter: nothing else on the machine is asked.
    env = {**os.environ, "UV_PYTHON": sys.executable, "UV_PROJECT_ENVIRONMENT": ".venv"}
    command = (uv, *command, "--quiet", "--directory", str(folder))
    return subprocess.run(command, env=env, capture_output=True, text=True)


def cause(stderr: str) -> str:
    """The line of uv's message that says why."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("cause:")), (lines or ["no message"])[0])


def locked(lock: str) -> dict[str, str]:
    """The version of each package in a lock."""
    return {known["name"]: known.get("version", "") for known in tomllib.loads(lock)["package"]}


def changed(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """What two locks differ in: `openai 3.54.0 → 2.54.0`."""
    names = sorted(name for name in old | new if old.get(name) != new.get(name))
    return [f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in names]


# ---- the run


def run(folder: Path, journal: Path, log: Path, deadline: float) -> int | None:
    """The tests in the copy; pytest's exit code, or None when the time was up."""
    tests = folder / "tests"
    # The longest last: when the time is up, the others have been tried.
    order = sorted(GROUPS, key=lambda group: group == "family")
    files = [str(f) for group in order for g in GROUPS[group] for f in sorted(tests.glob(g))]
    command = [".venv/bin/python", "-m", "pytest", "-p", "tests.support.journal"]
    command += ["--journal", str(journal), "-o", "addopts=", "-p", "no:cacheprovider", "--tb=short"]
    if list(folder.glob(".venv/lib/*/site-packages/xdist")):
        command += ["-n", "2"]
    command += ["--continue-on-collection-errors", *files]
    (temporary := folder / "tmp").mkdir()
    env = {**os.environ, "TMPDIR": str(temporary), "PYTEST_SCRATCH": str(temporary)}
    with log.open("w") as out:
        # A process group of its own: the gateways that the tests start are in it.
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True
        )
        try:
            return process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        finally:
            end(process)


def end(process: subprocess.Popen) -> None:
    """Nothing that the tests started outlives them."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(TEARDOWN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# ---- the table


def table(results: list[Result]) -> str:
    """A row for each seam and family, one for the faults and one for the turn."""
    rows = [("", "", "holds", "fell", "not run")]
    order = {group: at for at, group in enumerate(GROUPS)}
    places = sorted({(r.group, r.row): 0 for r in results}, key=lambda p: order.get(p[0], 9))
    for place in places:
        here = [r for r in results if (r.group, r.row) == place]
        fell = "; ".join(r.fact for r in here if r.outcome == "fell")
        held, left = (sum(r.outcome == o for r in here) for o in ("holds", "not run"))
        cells = f"{held} of {len(here)}", one_line(fell, 60) if fell else "", str(left or "")
        rows.append((*place, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(map(str.ljust, row, widths)) + " |"
        for row in (rows[0], tuple("-" * width for width in widths), *rows[1:])
    ]
    return "\n".join(lines)


def failures(results: list[Result]) -> list[str]:
    """Each reason with where it struck: what keeps a gateway from starting strikes everywhere."""
    struck: dict[str, list[str]] = {}
    for result in results:
        if result.outcome == "fell":
            where = f"{result.group} {result.row}".strip() + f", {result.fact}"
            struck.setdefault(result.reason, []).append(where)
    return [
        f"- {'; '.join(where[:3])}" + f" and {len(where) - 3} more" * (len(where) > 3) + f": {why}"
        for why, where in struck.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--litellm", "--vui"):
        parser.add_argument(name, type=Version, help="without it the newest of the registry")
    asked = parser.parse_args()
    began = time.monotonic()
    # Also when it is told to end, the tests end with it and the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    uv = str(ROOT / ".tools" / "bin" / "uv")
    litellm = str(asked.litellm or newest(uv, "litellm"))
    if why := refusal(litellm):
        raise SystemExit(f"compat: {why}: not even installed")
    vui = str(asked.vui or newest(uv, "vui-tts"))
    log = Path(tempfile.gettempdir(), f"compat-litellm-{litellm}-vui-{vui}.log")
    with tempfile.TemporaryDirectory(prefix="compat-") as folder:
        journal = Path(folder, "journal")
        others, without = build(uv, Path(folder, "tree"), litellm, vui)
        print(f"LiteLLM {litellm}, vui {vui}: installed, now tried.", file=sys.stderr, flush=True)
        code = run(Path(folder, "tree"), journal, log, began + LIMIT - TEARDOWN)
        results = read(journal.read_text() if journal.exists() else "")
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"LiteLLM {litellm}, vui {vui}, after {minutes}:{seconds:02} minutes")
    print(f"Left out, because the registry lacks them: {', '.join(without) or 'nothing'}")
    print(f"Other than locked: {', '.join(others) or 'nothing'}\n\n{table(results)}\n")
    print(*failures(results), sep="\n")
    # https://docs.pytest.org/en/stable/reference/exit-codes.html: more than that a test fell.
    if code and code > 1:
        print(f"- pytest itself: {reason(log.read_text())}")
    if code is None:
        print("The time was up before everything was tried.")
    if code == 0 and not any(result.outcome == "fell" for result in results):
        log.unlink()
        return 0
    print(f"What pytest said of it: {log}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
