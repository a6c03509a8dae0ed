"""Thinking between tags is taken out."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vui_gateway.providers.tags import ThinkingFilter

from tests.support.cuts import TEXTS, cut
from tests.support.said import GOOD, cuts, heard
from tests.support.stalls import in_time

THINKING_TAGS = {
    "<think>": "</think>", "<inner_thoughts>": "</inner_thoughts>", "[think]": "[/think]",
    "<|begin_of_thought|>": "<|end_of_thought|>", "<|inner_prefix|>": "<|inner_suffix|>",
    "<unused94>": "<unused95>", "◁think▷": "◁/think▷", "<|channel>": "<channel|>",
    "<antthinking>": "</antthinking>", "<seed:cot_budget_reflect>": "</seed:cot_budget_reflect>",
    "<|thinking_start|>": "<|thinking_end|>", "<rationale>": "</rationale>", "<cot>": "</cot>",
    "<|startofthink|>": "<|endofthink|>", "<longcat_think>": "</longcat_think>",
}  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([None, *THINKING_TAGS]), TEXTS), max_size=6), st.data())
@example([(None, "İ"), ("<think>", "İ secret"), (None, "Hello")], None)
def test_thinking_is_taken_out_wherever_it_is_cut(
    parts: list[tuple[str | None, str]], data: st.DataObject | None
) -> None:
    text = heard = ""
    for tag, words in parts:
        words = words.replace("<", "").replace("[", "")
        text += f"{tag.upper()}{words}{THINKING_TAGS[tag]}" if tag else words
        heard += "" if tag else words
    pieces = cut(text, data) if data else list(text)
    for chunks in (pieces, [text]):
        thinking = ThinkingFilter()
        told = "".join(map(thinking.feed, chunks)) + thinking.feed("", final=True)
        assert told == heard


@pytest.mark.parametrize(
    "flood", ["<think></think>", "<think>", "</think>", "<", "[THINK][/THINK]x"]
)
def test_no_flood_of_tags_keeps_anybody_waiting(flood: str) -> None:
    began = time.process_time()
    ThinkingFilter().feed(flood * (200_000 // len(flood)))
    assert in_time(time.process_time() - began, 0.05)


@pytest.mark.parametrize(
    "text",
    ["<think >Okay.</think >Oh, good question.", "<think\n>Okay.</think\n>Oh, good question.",
     '<thinking type="x">Okay.</thinking>Oh, good question.', "<think/>Oh, good question.",
     "<THINK />\nOh, good question.", "<think>Okay.<think/>Oh, good question.",
     '<thought lang = "en" n="1">Okay.</thought>Oh, good question.',
     '<think effort="none"/>Oh, good question.'],
)  # fmt: skip
def test_a_tag_with_spaces_attributes_or_a_slash_is_that_tag_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == GOOD, pieces


@pytest.mark.parametrize(
    "text",
    ["A short answer. <think/> And its end.", "Some <thinkpad x='1'> here.",
     "<thought of it> is a title.", "The <think > tag is one.", "<think about it", "<think"],
)  # fmt: skip
def test_no_word_is_lost_to_what_is_no_thinking(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == " ".join(text.replace("<think/>", "").split()), pieces


@pytest.mark.parametrize(
    ("text", "said"),
    [(f"Here are my reasoning steps:\nIt's short.\n[BEGIN FINAL RESPONSE]\n{GOOD}", GOOD),
     (f"Here are my reasoning steps:\nIt.[BEGIN FINAL RESPONSE]{GOOD}[END FINAL RESPONSE]", GOOD),
     (f"It's.[BEGIN FINAL RESPONSE]{GOOD}\n[END FINAL RESPONSE]\n<|end|>", GOOD),
     ("Here are my reasoning steps: first, I add. Then I'm done.", ""),
     ("Here are my shoes.", ""), ("A [BEGIN FINAL RESPONSE] mark it has.", "")],
)  # fmt: skip
def test_apriels_thinking_ends_at_its_mark_wherever_it_is_cut(text: str, said: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == (said or text), pieces


@pytest.mark.parametrize(
    "text",
    [
        "Sure, <think> the user wants it short.</think> It is four.",
        "It is noon <think> wait, is it?</think> It is four.",
        "Well, <reasoning> they ask, so.</reasoning> It is four.",
    ],
)
def test_thinking_in_mid_sentence_is_not_heard_and_what_was_said_before_is(text: str) -> None:
    for pieces in cuts(text, 2):
        thoughts = ThinkingFilter()
        said = "".join(map(thoughts.feed, pieces)) + thoughts.feed("", final=True)
        assert said == f"{text[: text.index('<')]} It is four.", pieces


@pytest.mark.parametrize(
    "tags",
    ["<｜begin▁of▁thinking｜> <｜end▁of▁thinking｜>",
     "<｜think｜> <｜/think｜>",
     "<|think|> <|end_think|>", "<|thinking|> <|end_thinking|>", "<|thinking|> </|thinking|>",
     "<thought> </think>",
     "<reasoning> </think>", "<think> </reasoning>", "<chain-of-thought> </chain-of-thought>",
     "<inner-monologue> </inner-monologue>", "<reflect> </reflect>",
     "<internal_reasoning> </internal_reasoning>", "<x:thinking> </x:thinking>", "<|cot|> <|/cot|>",
     "◁thinking▷ ◁/thinking▷", "<scratch_pad> </scratch_pad>",
     "<seed:think_fast> </seed:think_fast>", "<begin_of_thought> <end_of_thought>",
     "<think_start> <think_end>", "<|reason_start|> <|reason_end|>", "<|thought|> <|end_thought|>"],
)  # fmt: skip
def test_a_tag_for_thinking_is_known_by_its_name_wherever_it_is_cut(tags: str) -> None:
    opens, closes = tags.split()
    for pieces in cuts(f"{opens}The user asks. Short.{closes}\n\n{GOOD}", 2):
        assert heard(pieces) == GOOD, pieces
    assert heard([f"The user asks. Short.\n{closes}\n\n{GOOD}"]) == GOOD


@pytest.mark.parametrize(
    "text",
    ["The <reflect> tag is one.", "[thinks] Well.", "[laugh] Hm.", "<reasonable> it is.", "[see",
     "My <no_think> is.", "<thinker> and <rethink> are none.", "A <b-c> and [a b].", "[analysis]"],
)  # fmt: skip
def test_what_only_resembles_a_tag_for_thinking_is_heard(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == text, pieces
