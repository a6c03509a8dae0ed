"""What is said of lines of Markdown: those that the examples of real models don't have."""

from __future__ import annotations

import pytest
from vui_gateway.turns.plain_speech import MOST_SPACE, ONLY_CODE, PlainSpeech

from tests.support.said import cuts


def said(*pieces: str) -> str:
    speech = PlainSpeech()
    text = "".join(map(speech.feed, pieces)) + speech.feed("", final=True)
    return " ".join(text.split())


SAID = {
    "- One\n  goes on.\n- Two": "One goes on. Two",
    "A. One\nB. Two": "A, One, B, Two",
    "1.) One\n2.) Two": "1, One, 2, Two",
    "Choose:\n1) milk\n2) eggs": "Choose: 1, milk, 2, eggs",
    "**The moon**\nIt pulls.": "The moon. It pulls.",
    "The moon\n---\nIt pulls.": "The moon. It pulls.",
    "Well:\n```\nx = 1": "Well:",
    "```python\nx = 1": ONLY_CODE,
    "See https://a.org/b": "See a.org",
    "| a | b |\n|---|---|\n| 1 | 2": "a, b. 1, 2",
    "> > It was so.": "It was so.",
    "One.\r\n\r\nTwo.": "One. Two.",
    "###\nWell.": "Well.",
    "## Tides ##\nThey.": "Tides . They.",
    "I like C #\nand F#": "I like C # and F#",
    "Name|Age\n-|-\nBob|3\nAnn|4\n\nDone.": "Name, Age. Bob, 3. Ann, 4. Done.",
    "It is yes|no, P(A|B) or a||b.": "It is yes, no, P(A|B) or a||b.",
    "5. is my number": "5. is my number",
}


@pytest.mark.parametrize("text", SAID)
def test_it_is_said_as_a_person_reads_it_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert said(*pieces) == SAID[text], pieces


def test_a_word_without_a_mark_is_said_as_it_comes() -> None:
    speech = PlainSpeech()
    assert [speech.feed(word) for word in ("The ", "moon ", "pulls")] == ["The ", "moon ", "pulls"]


@pytest.mark.parametrize("blank", [" " * 5000, "-" * 5000, "* " * 2500])
def test_what_may_become_a_rule_is_not_waited_for_without_end(blank: str) -> None:
    speech = PlainSpeech()
    speech.feed("One.\n")
    for at in range(0, len(blank), 50):
        speech.feed(blank[at : at + 50])
        assert len(speech._held) <= 3 * MOST_SPACE
