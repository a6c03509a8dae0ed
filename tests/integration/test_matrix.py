"""Every provider family, every point: the table of docs/providers.md."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.harness import ROOT
from tests.matrix import (
    FAMILIES,
    FOREIGN_POINTS,
    HELLO,
    POINTS,
    Family,
    Lab,
    foreign_lab,
    heard,
    our_lab,
    render,
    tools,
)

RECORDS = ROOT / "tests" / "recorded"
PAGE = ROOT / "docs" / "providers.md"
HEAD = """# Providers

Written by `make test` (tests/integration/test_matrix.py): one row for each provider and model
family, one column for what a vui turn needs of it. Each cell is a test of vui's real code through
the real gateway against a strict stand-in for the provider, which refuses what the real API
refuses; the sources of its rules are in `tests/providers/`. What each provider saw of a turn is in
`tests/recorded/`. `make matrix` prints the same table for stock LiteLLM with vui's own backend.
"""
FOREIGN = """## Somebody else's LiteLLM

The same families through a stock LiteLLM proxy, without our hooks: what the backend does alone.
"""
NOTE = """An early end of a Gemini reply that is clean at the level of HTTP can't be told from its
real end: LiteLLM marks every chunk as the last one. A connection that breaks is told.
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with our_lab(tmp_path_factory.mktemp("ours")) as running:
        yield running


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with foreign_lab(tmp_path_factory.mktemp("foreign")) as running:
        yield running


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, dict[str, dict[str, str]]]]:
    """What held, for the page; it is written only when every cell was tried."""
    tried: dict[str, dict[str, dict[str, str]]] = {"ours": {}, "foreign": {}}
    yield tried
    cells = sum(len(row) for table in tried.values() for row in table.values())
    if cells == len(FAMILIES) * (len(POINTS) + len(FOREIGN_POINTS)):
        ours, foreign = render(tried["ours"]), render(tried["foreign"])
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text("\n".join((HEAD, ours, "", NOTE, FOREIGN, foreign, "")))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("point", POINTS)
async def test_every_family_holds_every_point(
    lab: Lab, results: dict, family: Family, point: str
) -> None:
    row = results["ours"].setdefault(family.name, {})
    row[point] = "failed"
    await POINTS[point](lab, family)
    row[point] = ""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("point", FOREIGN_POINTS)
async def test_the_backend_alone_holds_before_somebody_elses_litellm(
    foreign: Lab, results: dict, family: Family, point: str
) -> None:
    row = results["foreign"].setdefault(family.name, {})
    row[point] = "failed"
    await FOREIGN_POINTS[point](foreign, family)
    row[point] = ""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
async def test_what_the_provider_sees_of_a_turn_is_on_file(lab: Lab, family: Family) -> None:
    """A change of what is sent shows in review; vui's own tool texts are left out."""
    stand_in = lab.stand_ins[family.name]
    stand_in.clear()
    async with lab.backend(family) as backend:
        await heard(HELLO)
        await backend.complete(HELLO, tools=tools(), temperature=0.0)
    record = [{"path": seen.path, "body": _without_tools(seen.body)} for seen in stand_in.seen]
    path = RECORDS / f"{family.name.lower().replace(' ', '-')}.json"
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        assert path.read_text() == text, f"{path.name} differs: delete it to record anew"
    else:
        path.write_text(text)


def _without_tools(body: dict) -> dict:
    short = {}
    for key, value in body.items():
        if key in ("tools", "toolConfig"):
            short[key] = f"{json.dumps(value).count('add_memory')} × add_memory, …"
        else:
            short[key] = value
    return short
