"""What `make compat` makes of versions, of a journal, and of what fell."""

import json
import tomllib
from typing import Any

import pytest

from tests.support.compat import (
    ROOT,
    asked,
    changed,
    failures,
    left_out,
    locked,
    missing,
    overridden,
    pinned,
    refusal,
    table,
)
from tests.support.journal import Result, one_line, placed, read, reason

MATRIX = "tests/integration/test_matrix.py::test_every_family_holds_every_point"
FAULT = "tests/integration/test_faults.py::test_all_keys_refused_is_said"
SEAM = "tests/unit/test_litellm_seams.py::test_the_router_has_a_list"
TURN = "tests/integration/test_turn.py::test_a_stop_ends_the_providers_stream"


# As uv 0.13.9 says it of LiteLLM 1.110.2: without our overrides, then with a table of metadata that
# asks for other packages.
NOT_LOCKED = """error: No solution found when resolving dependencies
  cause: Because {why}, we can conclude that litellm[proxy]>=1.110.2 cannot be used.
         And because vui-gateway depends on litellm[proxy]==1.110.2 and your workspace requires \
vui-gateway, we can conclude that your workspace's requirements are unsatisfiable.
"""
NOT_THERE = {
    "litellm-proxy was not found in the package registry and litellm[proxy]>=1.110.2 depends on "
    "litellm-proxy==1.110.2": "litellm-proxy",
    "there is no version of litellm-enterprise==0.1.83.post1 and litellm[proxy]>=1.110.2 depends "
    "on litellm-enterprise==0.1.83.post1": "litellm-enterprise",
    "there are no versions of litellm-nothere and litellm[proxy]>=1.110.2 depends on "
    "litellm-nothere": "litellm-nothere",
    "there is no version of litellm-nothere[x]==3 and litellm[proxy]>=1.110.2 depends on "
    "litellm-nothere[x]==3": "litellm-nothere",
    "only semver<=3.1.2 is available and litellm[proxy]>=1.110.2 depends on semver>=99,<100": (
        "semver"
    ),
}
# Also as uv says it: what LiteLLM needs without extras, LiteLLM itself, what we ask for, and a
# conflict.
NEEDED = (
    "there is no version of openai==2.22.22 and litellm>=1.110.2 depends on openai==2.22.22",
    "there is no version of litellm[proxy]==1.110.99 and vui-gateway depends on "
    "litellm[proxy]==1.110.99",
    "there is no version of boto3==9 and vui-gateway depends on boto3==9",
    "litellm[proxy]>=1.110.2 depends on pydantic>=2.12.0,<3 and vui-gateway depends on "
    "litellm[proxy]==1.110.2",
)


def journal(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def outcome(test: str, outcome: str = "holds", why: str = "") -> dict[str, str]:
    return {"test": test, "outcome": outcome, "reason": why}


WELL = [outcome(test) for test in (f"{MATRIX}[knobs-xAI Grok]", FAULT, SEAM, TURN)]


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.107.0", "1.107"])
def test_a_version_with_malware_is_refused(version: str) -> None:
    assert "malware" in (refusal(version) or "")
    assert refusal("1.109.1") is None


def test_both_pins_of_the_tree_are_replaced() -> None:
    root = pinned((ROOT / "pyproject.toml").read_text(), "9.8.7", "6.5.4")
    gateway = pinned((ROOT / "gateway" / "pyproject.toml").read_text(), "9.8.7", "6.5.4")
    assert '"vui-tts==6.5.4"' in root
    assert '"litellm[proxy]==9.8.7"' in root
    assert '"litellm[proxy]==9.8.7"' in gateway
    assert "litellm-enterprise; python_version < '3'" in root
    assert 'name = "vui-tts"\n' in root
    again = overridden(root, gateway)
    assert '    "uvicorn>=0.38",\n' in again.split("override-dependencies")[1].split("\n]")[0]


@pytest.mark.parametrize(("why", "name"), NOT_THERE.items())
def test_what_litellms_extras_ask_for_in_vain_is_left_out(why: str, name: str) -> None:
    assert missing(NOT_LOCKED.format(why=why), ()) == name
    assert not missing(NOT_LOCKED.format(why=why), {name})


@pytest.mark.parametrize("why", NEEDED)
def test_what_is_needed_is_never_left_out(why: str) -> None:
    assert not missing(NOT_LOCKED.format(why=why), ())


def test_a_package_is_left_out_as_the_tree_leaves_out_others() -> None:
    root, gateway = ((ROOT / at / "pyproject.toml").read_text() for at in ("", "gateway"))
    ours = asked(root, gateway)
    assert {"litellm", "vui-tts", "uvicorn", "numpy", "certifi", "litellm-enterprise"} <= ours
    assert "litellm-nothere" not in ours
    without = tomllib.loads(left_out(root, "litellm-nothere"))["tool"]["uv"]
    assert "litellm-nothere; python_version < '3'" in without["override-dependencies"]


def test_what_else_changed_is_named() -> None:
    before = '[[package]]\nname = "a"\nversion = "1"\n[[package]]\nname = "b"\nversion = "2"\n'
    after = '[[package]]\nname = "a"\nversion = "3"\n[[package]]\nname = "c"\nversion = "4"\n'
    names = changed(locked(before), locked(after))
    assert names == ["a 1 → 3", "b 2 → none", "c none → 4"]


def test_a_test_is_placed_by_its_file_and_name() -> None:
    assert placed(SEAM) == ("seam", "litellm_seams", "the router has a list")
    fault = ("fault", "", "all keys refused is said: HTML page")
    assert placed(f"{FAULT}[HTML page]") == placed(f"{FAULT}[HTML page]@file.py") == fault
    assert placed(f"{SEAM}@file.py") == placed(SEAM)
    assert placed("tests/unit/test_vui_seams.py") == (
        "seam",
        "vui_seams",
        "the tests can be imported",
    )


def test_what_was_collected_and_never_ended_was_not_run() -> None:
    about = {"group": "family", "row": "xAI Grok", "fact": "knobs"}
    first, *_ = read(journal({"test": MATRIX, **about}))
    assert (first.group, first.row, first.fact, first.outcome) == (*about.values(), "not run")
    first, *_ = read(journal({"test": MATRIX, **about}, outcome(MATRIX)) + '{"test": "cut o')
    assert first.outcome == "holds"


def test_a_test_that_fell_once_fell_whatever_else_is_said_of_it() -> None:
    fell = outcome(FAULT, "fell", "why")
    for lines in ([outcome(FAULT), fell], [fell, outcome(FAULT)], [fell, fell]):
        (result,) = (result for result in read(journal(*lines)) if result.group == "fault")
        assert (result.outcome, result.reason) == ("fell", "why")


def test_a_group_without_a_test_does_not_look_well() -> None:
    assert [r.outcome for r in read(journal(*WELL))] == ["holds"] * 4
    missing = [r for r in read("") if r.outcome == "fell"]
    assert [r.group for r in missing] == ["family", "fault", "seam", "turn"]


def test_the_table_counts_each_row_and_keeps_the_groups_order() -> None:
    rows = [
        Result("turn", "", "a stop ends the stream", "holds"),
        Result("family", "xAI Grok", "knobs", "fell", "400"),
        Result("family", "xAI Grok", "reply, usage", "holds"),
        Result("family", "Gemini 3.5", "knobs"),
        Result("seam", "vui_seams", "the client is there", "holds"),
    ]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table(rows).split("\n")
    ]
    assert cells[0] == ["", "", "holds", "fell", "not run"]
    assert cells[2:] == [
        ["seam", "vui_seams", "1 of 1", "", ""],
        ["family", "xAI Grok", "1 of 2", "knobs", ""],
        ["family", "Gemini 3.5", "0 of 1", "", "1"],
        ["turn", "", "1 of 1", "", ""],
    ]
    assert len({len(line) for line in table(rows).split("\n")}) == 1


def test_a_reason_that_struck_everywhere_is_said_once() -> None:
    fell = [Result("family", f"F{n}", "knobs", "fell", "no gateway") for n in range(5)]
    fell += [Result("fault", "", "500", "fell", "too slow"), Result("fault", "", "503", "holds")]
    assert failures(fell) == [
        "- family F0, knobs; family F1, knobs; family F2, knobs and 2 more: no gateway",
        "- fault, 500: too slow",
    ]


def test_the_reason_is_one_line_that_says_something() -> None:
    assert one_line("AssertionError: 500: []\nassert None") == "AssertionError: 500: []"
    log = "RuntimeError: the gateway ended:\nTraceback …\nImportError: no such name\n"
    assert one_line(log) == "RuntimeError: the gateway ended: ImportError: no such name"
    stderr = "AssertionError: Traceback:\n  File …\nTypeError: no such\nassert 1 == 0\n +  where 1"
    assert one_line(stderr) == "AssertionError: Traceback: TypeError: no such"
    assert one_line("assert 1 == 2") == "assert 1 == 2"
    assert one_line("") == "no message"
    assert len(one_line("x" * 10_000)) == 200
    collecting = "tests/a.py:3: in <module>\nE   ImportError: no such name\n"
    assert reason(collecting) == "ImportError: no such name"
