"""`make help` is the whole list of what can be made."""

import re
import subprocess

from tests.support.harness import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


def test_help_says_what_each_target_does() -> None:
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True)
    told = dict(re.findall(r"^make ([a-z0-9-]+) +(\S.*)$", said.stdout, re.MULTILINE))
    assert set(told) == TARGETS
    assert len(said.stdout.splitlines()) == len(TARGETS)


def test_no_target_is_taken_for_a_file() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS


def test_without_a_target_everything_is_checked() -> None:
    assert re.search(r"^\.DEFAULT_GOAL := all$", MAKEFILE, re.MULTILINE)
