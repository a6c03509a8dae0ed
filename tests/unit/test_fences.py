"""A text between fences is heard, and code isn't."""

from __future__ import annotations

import pytest
from vui_gateway.turns.plain_speech import ONLY_CODE
from vui_gateway.turns.reply import Reply

from tests.support.said import GOOD, cuts, heard

TEXTS = [f"```{name}\n{GOOD}\n```" for name in ("markdown", "md", "text", "txt", "plaintext", "")]
TEXTS += [
    f"~~~md\n{GOOD}\n~~~", f"```Markdown \r\n{GOOD}\r\n```\r\n", f"```markdown\n{GOOD}```",
    f"```md\n{GOOD}", f"```\n**{GOOD}**",
]  # fmt: skip
CODE = [
    f"```python\n{GOOD}\n```", f'```json\n"{GOOD}"\n```', "```\ngit add .\n```",
    "```\nprint('Hi.')\n```", "```\nls\ncd foo.\n```", "```\nIt = good.\n```",
]  # fmt: skip
SAID = {
    "```\nIt is **so**. Buy:\n\n- milk\n- eggs.\n```": "It is so. Buy: milk, eggs.",
    "```markdown\n# Tides\nThey come.\n```python\nx = 1\n```\nThey go.\n```\nDone.":
        "Tides. They come. They go. Done.",
    "So:\n```\nRoses are red.\n```\nDone.": "So: Roses are red. Done.",
    "```text\n```\nDone.": "Done.",
    "```markdown\n```py\nx\n```\n```": ONLY_CODE,
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_reply_in_a_texts_fence_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == GOOD, pieces


@pytest.mark.parametrize("text", CODE)
def test_a_reply_in_a_fence_of_code_is_not_read(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == ONLY_CODE, pieces


@pytest.mark.parametrize("text", SAID)
def test_where_a_fence_ends_is_known_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == SAID[text], pieces


def test_the_first_sentence_of_a_texts_fence_does_not_wait_for_its_end() -> None:
    reply = Reply(plain=True)
    reply.feed("```markdown\nOh, good question. The moon")
    assert reply.release() == "Oh, good question. "
