"""gpt-oss' channels: which one is for the user, and what may still become a name of one."""

from __future__ import annotations

import json

import pytest
from vui_gateway.providers.harmony import (
    BARE_FINAL,
    CHANNEL,
    MESSAGE,
    bare_final_begins,
    header_begins,
    is_final,
)
from vui_gateway.turns.answers import cleaned

from tests.support.said import GOOD, cuts, heard


@pytest.mark.parametrize(
    ("channel", "final"),
    [("final", True), (" final ", True), ("analysis", False), ("commentary to=x", False)],
)
def test_only_the_final_channel_is_for_the_user(channel: str, final: bool) -> None:
    assert is_final(channel) is final


def test_a_header_is_held_back_until_its_end() -> None:
    assert header_begins(f"Well.{CHANNEL}final") == len(f"{CHANNEL}final")
    assert header_begins(f"Well.{CHANNEL}final{MESSAGE}") == 0
    assert header_begins("Well.") == 0


def test_the_beginning_of_the_bare_name_is_held_back() -> None:
    assert [bare_final_begins(f"x{BARE_FINAL[:size]}") for size in (0, 1, 9)] == [0, 1, 9]


@pytest.mark.parametrize(
    "text",
    ["analysisWe need to answer.assistantfinalOh, good question.",
     "analysisuser asks. Short.assistantfinalOh, good question.",
     "analysisThe user.assistantcommentaryHm.assistantfinalOh, good question.",
     "assistantfinalOh, good question.", "finalOh, good question."],
)  # fmt: skip
def test_without_its_tokens_only_the_answer_is_heard_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == GOOD, pieces


FINAL = f"<|start|>assistant<|channel|>final<|message|>{GOOD}"


@pytest.mark.parametrize(
    "text",
    [f"We need to answer.<|end|>{FINAL}", f"<|message|>We need to.<|end|>\n{FINAL}<|return|>",
     f"analysis<|message|>We need.<|end|>{FINAL}", f"commentary<|message|>Hm.<|end|>{FINAL}",
     f"assistant<|channel|>analysis<|message|>We need.<|end|>{FINAL}", f"final<|message|>{GOOD}",
     f"We need.<|end|><|start|>assistant<|channel|>analysis<|message|>So.<|end|>{FINAL}"],
)  # fmt: skip
@pytest.mark.parametrize("thinks", [False, True])
def test_analysis_that_the_prompt_opened_is_not_heard_wherever_it_is_cut(
    text: str, thinks: bool
) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, thinks=thinks).endswith(GOOD), pieces
    assert heard([text], thinks=thinks) == heard(list(text), thinks=True) == GOOD


def test_a_token_that_ends_the_turn_ends_it_where_no_message_of_the_model_follows() -> None:
    for more in ("", "<|start|>user<|message|>And?", "<|start", "\n<|user|>\nWhat?", " Never."):
        for pieces in cuts(f"{GOOD}<|end|>{more}", 2):
            assert heard(pieces) == GOOD, pieces


@pytest.mark.parametrize(
    "text",
    ["We need to answer.assistantfinal", "commentaryI will look.assistantfinal",
     "analysis\nWe need.\nassistantfinal\n", 'commentary to=functions.x json{"a": 1}assistantfinal',
     "assistantanalysisWe need.assistantfinal"],
)  # fmt: skip
@pytest.mark.parametrize("thinks", [False, True])
def test_without_its_tokens_analysis_ends_at_the_answers_name(text: str, thinks: bool) -> None:
    text += GOOD
    for pieces in cuts(text, 2):
        assert heard(pieces, thinks=thinks).endswith(GOOD), pieces
    assert heard([text], thinks=thinks) == heard(list(text), thinks=True) == GOOD


@pytest.mark.parametrize(
    "text",
    ["It ends with assistantfinal, I think.", 'The word "assistantfinal" is one.', "As it is. a",
     "It is so. assistants help.", "Well.assist", "commentary is free.", "commentary",
     "analysis\nof it", "to=x", "assistant to the manager"],
)  # fmt: skip
def test_what_only_looks_like_it_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == " ".join(text.split()), pieces


CALL = 'to=functions.get_time<|channel|>commentary json<|message|>{"zone": "UTC"}<|call|>'


@pytest.mark.parametrize(
    "call",
    ['commentary to=functions.get_time json{"zone": "UTC"}', f"<|start|>assistant {CALL}",
     'functions.get_time:0{"zone": "UTC"}', 'functions.get_time {"zone": "UTC"}'],
)  # fmt: skip
def test_a_call_is_neither_heard_nor_lost(call: str) -> None:
    for before in ("", GOOD, f"{GOOD} ", f"{GOOD}\n"):
        for pieces in cuts(before + call, 2):
            assert heard(pieces) == before.strip(), pieces
    for text in (call, f"analysisNeed time.assistant{call}")[: 1 + ("to=" in call)]:
        answer = {"choices": [{"message": {"content": text}}]}
        (found,) = cleaned(answer, {"get_time"})["choices"][0]["message"]["tool_calls"]
        assert json.loads(found["function"]["arguments"]) == {"zone": "UTC"}


def test_a_call_whose_header_the_prompt_began_is_not_heard() -> None:
    for begin in ("", " ", "assistant "):
        for pieces in cuts(begin + CALL, 2):
            assert heard(pieces) == "", pieces


@pytest.mark.parametrize(
    "text",
    ["My functions.x and functions. Functions.", "functions.get_time is one.",
     "The commentary to it.", "commentary to=functions.get_time is its begin.", "functions.x: {a}"],
)  # fmt: skip
def test_a_sentence_that_begins_as_an_addressed_call_does_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == text, pieces


@pytest.mark.parametrize(
    "text",
    ["Analysis of the data shows more.", "analysis is hard.", "analysis, as a word.", "analysis",
     "final", "finally it rains.", "final answers are rare.", "finals are in May.",
     "Final Fantasy is a game.", "analysis: it is a word."],
)  # fmt: skip
def test_a_word_that_is_the_name_of_a_channel_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == text, pieces
