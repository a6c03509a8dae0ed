"""`docker compose run --rm check` at a terminal."""

from __future__ import annotations

import pytest

from tests.support.stack import Stack
from tests.support.terminal import at_terminal

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]


def test_the_question_is_seen_and_its_answer_taken(full_stack: Stack) -> None:
    full_stack.script()
    files = [str(full_stack.folder / name) for name in ("compose.yaml", "tests/e2e/compose.yaml")]
    where = ["-p", full_stack.name, "--project-directory", str(full_stack.folder)]
    check = ["docker", "compose", *where, "-f", files[0], "-f", files[1], "run", "--rm", "check"]
    for answer, asked in (("n", False), ("y", True)):
        with at_terminal(check, full_stack.env) as (terminal, process):
            terminal.wait_for("Go on? [y/N] ", 60)
            terminal.type(f"{answer}\r")
            assert terminal.read_to_end(process) == 0
            assert ("good for voice" in terminal.text) is asked
        assert bool(full_stack.seen()) is asked
