"""The gateway's status, as `vui-gateway status` prints it."""

from __future__ import annotations

import subprocess
import sys
import time

from vui_gateway.config.values import few
from vui_gateway.status import HeadStarts, Model, Spender, Status, lines


def test_what_is_served_and_what_failed_come_before_what_is_left_out() -> None:
    cooling = Model(group="vui", model="openai/x", state="cooling", seconds=9)
    status = Status(
        at=time.time(),
        vui="vui is the demo.",
        models=[cooling],
        left_out=["Left out: X_KEY is not set (a, b). Put it in .env."],
        refused={"Y_KEY of .env": ["openai/y"]},
        error=":2: x.",
    )
    said = list(lines(status))
    assert said[1] == "vui is the demo."
    assert said[3] == "Y_KEY of .env is refused by openai/y: put a valid one there."
    assert said[4] == "openai/x is cooling down for 9 s."
    assert said[-1] == "Left out: X_KEY is not set (a, b). Put it in .env."


def test_a_deployment_whose_time_is_over_is_not_left_alone() -> None:
    cooling = Model(group="vui", model="openai/x", state="cooling", seconds=9)
    status = Status(at=time.time() - 10, models=[cooling])
    assert not [line for line in lines(status) if "cooling down" in line]


def test_budgets_are_shown_with_what_was_spent() -> None:
    kitchen = Spender(name="kitchen", today=0.5, budget=2.0)
    said = list(lines(Status(today=0.5, budget=3.0, clients=[kitchen])))
    assert "Today (UTC): 0.5000 of 3.00 USD." in said
    assert "kitchen: 0.5000 of 2.00 USD." in said


def test_head_starts_are_summed_up_once_there_are_some() -> None:
    sums = HeadStarts(started=48, used=41, unused_usd=0.00404)
    assert "Head starts: 41 of 48 used, 0.0040 USD unused today." in lines(Status(head_starts=sums))
    assert not [line for line in lines(Status()) if "Head starts" in line]


def test_of_many_names_a_line_has_the_first_and_a_number_and_the_status_has_all() -> None:
    names = [f"model-{n}" for n in range(60)]
    assert few(names) == "model-0, model-1, model-2, model-3, model-4 and 55 more"
    assert few(names[:6]) == ", ".join(names[:6])  # no number would be shorter
    assert next(lines(Status(served=names))).endswith(", ".join(names))


def test_a_status_is_shown_without_litellms_import_of_seconds() -> None:
    program = "import sys, vui_gateway.cli, vui_gateway.status; print('litellm' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
