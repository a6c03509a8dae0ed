"""`make audit`: every locked package against a reviewed list of advisories.

pip-audit asks PyPI or OSV for advisories, which a machine without the internet can't; this list is
kept by hand and says where each entry is from.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKS = (
    "gateway/requirements.txt",
    "src/requirements-text.txt",
    "src/requirements-speech.txt",
    "tests/e2e/requirements.txt",
)
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Advisory:
    """Versions of a package that are not to be locked: below `fixed`, or one of `bad`."""

    package: str
    name: str
    fixed: str | None = None
    bad: tuple[str, ...] = ()


ADVISORIES = (
    # Published with malware: https://blog.mozilla.ai/hardening-your-llm-dependency-supply-chain
    Advisory("litellm", "malware", bad=("1.82.7", "1.82.8", "1.107.0")),
    # https://osv.dev/vulnerability/ followed by the name
    Advisory("litellm", "CVE-2024-6825", "1.40.12"),
    Advisory("aiohttp", "CVE-2024-23334", "3.9.2"),
    Advisory("aiohttp", "CVE-2025-53643", "3.12.14"),
    Advisory("starlette", "CVE-2024-47874", "0.40.0"),
    Advisory("starlette", "CVE-2025-54121", "0.47.2"),
    Advisory("starlette", "CVE-2025-62727", "0.49.1"),
    Advisory("h11", "CVE-2025-43859", "0.16.0"),
    Advisory("python-multipart", "CVE-2024-53981", "0.0.18"),
    Advisory("jinja2", "CVE-2025-27516", "3.1.6"),
    Advisory("urllib3", "CVE-2025-50181", "2.5.0"),
    Advisory("requests", "CVE-2024-47081", "2.32.4"),
    Advisory("cryptography", "CVE-2024-12797", "44.0.1"),
    Advisory("certifi", "CVE-2024-39689", "2024.7.4"),
    Advisory("idna", "CVE-2024-3651", "3.7"),
    Advisory("pillow", "CVE-2025-48379", "11.3.0"),
    Advisory("torch", "CVE-2025-32434", "2.6.0"),
    Advisory("transformers", "CVE-2025-2099", "4.50.0"),
    Advisory("protobuf", "CVE-2025-4565", "6.31.1"),
    Advisory("gunicorn", "CVE-2024-6827", "22.0.0"),
    Advisory("mcp", "CVE-2025-53366", "1.9.4"),
    Advisory("pyasn1", "CVE-2026-23490", "0.6.2"),
    Advisory("setuptools", "CVE-2025-47273", "78.1.1"),
)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def findings(requirements: str) -> list[str]:
    """What a lock file holds that it should not."""
    found = []
    for name, version in PINNED.findall(requirements):
        for advisory in ADVISORIES:
            if advisory.package != normal(name):
                continue
            # 1.107 is 1.107.0.
            if Version(version) in map(Version, advisory.bad):
                found.append(f"{name} {version}: {advisory.name}")
            if advisory.fixed and Version(version) < Version(advisory.fixed):
                found.append(f"{name} {version}: {advisory.name}, fixed in {advisory.fixed}")
    return found


def main() -> int:
    bad = 0
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        pins, hashes = len(PINNED.findall(text)), text.count("--hash=sha256:")
        wrong = findings(text) + ([] if hashes >= pins else ["a package without a hash"])
        bad += len(wrong)
        print(f"{lock}: {pins} packages, {len(wrong)} findings", *wrong, sep="\n  ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
