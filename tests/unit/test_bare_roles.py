"""Roles whose tokens a server left out, and words that are none."""

from __future__ import annotations

import pytest
from vui_gateway.providers.bare_roles import RoleFilter

from tests.support.said import GOOD, cuts, heard


@pytest.mark.parametrize(
    "text",
    [f"{GOOD}\n\nassistant\n\nOh, again.", f"{GOOD}assistant\n\nOh, again.", f"assistant\n{GOOD}",
     f"{GOOD}\nuser\nWhat else?\nmodel\nIt is.", f"model\n{GOOD}",
     f"{GOOD}\n\n### User:\nWhat else?", f"assistant\n\n{GOOD}\nassistant\nOh, again."],
)  # fmt: skip
def test_no_other_turn_is_heard_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == GOOD, pieces


@pytest.mark.parametrize(
    "text",
    ["The roles are:\n\nuser\nassistant\nsystem", "I am an assistant\nwho helps.", "user stories.",
     "Is it a user? It is.\nusers like it.", "assistants help.", "So it is.\nmodels vary.", "model",
     "Here's a dialogue:\nHuman: Hi.", "It is so. Human: a word.", "It is.\nHumans are.", "a.us",
     "He is a\nuser\nof it.", "Well.\n### Users\nThey.", "# One\n## Two",
     "It is.assistance", "user",
     "It is so.\n\n### Response:\nDear John, hi.", "What is your name?\nHuman: I am Bob. You?",
     "The setting is called config.model\nThen restart it.", "It is src.user\nGo on now, please.",
     "Here are three words.\n\nuser\nadmin\nguest", "Translate it.\nmodel\nModell", "assistant",
     "Translate it.\nuser\nBenutzer", "assistant\nassistent"],
)  # fmt: skip
def test_a_sentence_that_has_the_word_is_heard_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        roles = RoleFilter()
        said = "".join(map(roles.feed, pieces)) + roles.feed("", final=True)
        assert said == text, pieces
        assert not roles.ended
