"""Every provider family, every point: the tables of docs/providers.md, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.matrix.arms import Arm, foreign_lab, our_lab
from tests.matrix.conversations import EVALUATE, HELLO, heard, tools
from tests.matrix.families import FAMILIES, Family
from tests.matrix.points import FOREIGN_POINTS, POINTS
from tests.matrix.table import Table, render, shown
from tests.support.harness import ROOT
from tests.support.report import WRITING, on_file

RECORDS = ROOT / "tests" / "recorded"
PAGE = ROOT / "docs" / "providers.md"
ELSEWHERE = (ROOT / "tests" / "matrix" / "elsewhere.md").read_text()
HEAD = """# Providers

Written by `make docs` (tests/integration/test_matrix.py): one row for each provider and model
family, one column for what a vui turn needs of it. Each cell is a test of vui's real code through
the real gateway against a strict stand-in for the provider, which refuses what the real API
refuses; the sources of its rules are in `tests/providers/`. Each provider's view of a turn is in
`tests/recorded/`. `make matrix` prints the same table for stock LiteLLM with vui's own backend.
"""
FOREIGN = """## Somebody else's LiteLLM

Families through a stock LiteLLM proxy, without our hooks: what the backend does alone, in a text
chat. A session with a voice begins with vui's greeting: there Claude, Bedrock, Perplexity and the
template of Gemma 3 refuse it.
"""
NOTE = """An early end of a Gemini reply that is clean at the level of HTTP looks like its real end:
LiteLLM marks every chunk as the last one. A connection that breaks is noticed.
"""
CACHES = """## Prompt caches

How much of a conversation's input came from the provider's cache, and how much with stock LiteLLM
and vui's own client; by `make bench` ([how](performance.md#what-the-input-costs)).
"""
# As bench/caching.py names them.
CACHED = {
    "claude_sonnet": "Anthropic Claude Sonnet 4.6",
    "claude_haiku_4_5": "Anthropic Claude Haiku 4.5",
    "bedrock_claude": "Bedrock Claude Sonnet 4.6", "mistral": "Mistral Small",
    "openai": "OpenAI GPT-4.1 mini", "gemini": "Gemini 2.5 Flash", "groq": "Groq gpt-oss-120b",
    "deepseek": "DeepSeek V4 Flash", "xai": "xAI Grok 4.20",
}  # fmt: skip


def caches() -> str:
    """The table of shares, from bench/results.json."""
    seen = json.loads((ROOT / "bench" / "results.json").read_text())
    shares = {
        key: (seen[f"input_cached_{key}"], seen[f"input_cached_stock_{key}"]) for key in CACHED
    }
    rows = "".join(
        f"| {CACHED[key]} | {ours:.0%} | {stock:.0%} |\n" for key, (ours, stock) in shares.items()
    )
    return f"{CACHES}\n| | cached | stock |\n| --- | ---: | ---: |\n{rows}"


ALONE = [family for family in FAMILIES if family.alone]
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    with our_lab(tmp_path_factory.mktemp("ours")) as running:
        yield running


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    with foreign_lab(tmp_path_factory.mktemp("foreign")) as running:
        yield running


class Page:
    """docs/providers.md as this run finds it."""

    def __init__(self) -> None:
        self.ours: Table = {f.name: dict.fromkeys(POINTS, "not tried") for f in FAMILIES}
        self.foreign: Table = {f.name: dict.fromkeys(FOREIGN_POINTS, "not tried") for f in ALONE}

    def text(self) -> str:
        ours = (HEAD, render(self.ours), "", NOTE, ELSEWHERE, caches())
        return "\n".join((*ours, FOREIGN, render(self.foreign), ""))

    @contextmanager
    def cell(self, table: Table, family: Family, point: str) -> Iterator[None]:
        """Ticked when the block ends well; and a cell that holds is ticked on file."""
        table[family.name][point] = "failed"
        yield
        table[family.name][point] = ""
        if WRITING:
            return
        file = PAGE.read_text()
        part = file if table is self.ours else file[file.index(FOREIGN) :]
        assert shown(part, family.name, point) == "✓", "run `make docs`"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    found = Page()
    yield found
    cells = [
        why
        for table in (found.ours, found.foreign)
        for row in table.values()
        for why in row.values()
    ]
    if WRITING and "not tried" not in cells:
        on_file(PAGE, found.text())


@each_family
@pytest.mark.parametrize("point", POINTS)
async def test_every_family_holds_every_point(
    lab: Arm, page: Page, family: Family, point: str
) -> None:
    with page.cell(page.ours, family, point):
        await POINTS[point](lab, family)


@pytest.mark.parametrize("family", ALONE, ids=lambda family: family.name)
@pytest.mark.parametrize("point", FOREIGN_POINTS)
async def test_the_backend_alone_holds_before_somebody_elses_litellm(
    foreign: Arm, page: Page, family: Family, point: str
) -> None:
    with page.cell(page.foreign, family, point):
        await FOREIGN_POINTS[point](foreign, family)


@pytest.mark.skipif(WRITING, reason="the page is being written")
def test_the_page_has_these_families_and_points() -> None:
    assert PAGE.read_text().replace("✓", "✗") == Page().text(), "run `make docs`"


@each_family
async def test_what_the_provider_sees_of_a_turn_is_on_file(lab: Arm, family: Family) -> None:
    """A change of what is sent shows in review; vui's own tool texts are left out."""
    stand_in = lab.stand_ins[family.name]
    stand_in.clear()
    async with lab.backend(family) as backend:
        await heard(HELLO)
        await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
    record = [{"path": seen.path, "body": _without_tools(seen.body)} for seen in stand_in.seen]
    on_file(_recording(family), json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def test_nothing_is_on_file_of_a_family_that_is_gone() -> None:
    others = {RECORDS / "example-files.json"}  # of tests/unit/test_example_files.py
    assert set(RECORDS.iterdir()) - others <= {_recording(family) for family in FAMILIES}


def _recording(family: Family) -> Path:
    return RECORDS / f"{family.name.lower().replace(' ', '-')}.json"


def _without_tools(body: dict) -> dict:
    short = {}
    for key, value in body.items():
        if key in ("tools", "toolConfig"):
            short[key] = f"{json.dumps(value).count('add_memory')} × add_memory, …"
        else:
            short[key] = value
    return short
