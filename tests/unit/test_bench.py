"""The figures on file are those of one run, and the pages that show them agree with it."""

import json

from bench.report import FIGURES, KEYS
from tests.support.harness import ROOT

RESULTS = json.loads((ROOT / "bench" / "results.json").read_text())


# A shallow clone lacks the commit before; the next run of `make bench` writes the others.
OPTIONAL = {
    "first_sentence_added_vs_before",
    "plain_speech_ms",
    "said_ms",
    "local_first_turn_vs_direct",
    "local_turn_vs_direct",
    "local_requests_per_turn",
    "silence_faults_s",
    "apologies",
    "speech_end_to_first_chunk_vs_direct",
    "speech_end_to_first_chunk_trailing_vs_direct",
    "speech_end_to_first_chunk_changing_vs_direct",
    "head_start_extra_cost",
    "head_start_wrong_replies",
}


def test_every_key_has_a_figure() -> None:
    assert not set(KEYS) - set(RESULTS) - OPTIONAL


def test_the_readme_and_the_page_show_the_figures_on_file() -> None:
    told = FIGURES.format(**RESULTS)
    assert told in (ROOT / "README.md").read_text()
    page = (ROOT / "docs" / "performance.md").read_text()
    assert all(f"| `{key}` | {value:.3f} |" in page for key, value in RESULTS.items())
