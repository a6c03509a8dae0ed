"""Control tokens: what each does to the reply that it stands in."""

from __future__ import annotations

import random

import pytest
from vui_gateway.providers.control_tokens import ControlTokenFilter, Kind, kind

from tests.support.said import cuts

KINDS = {
    Kind.END: "<|im_end|> </s> <|eot_id|> <|eom_id|> <end_of_turn> <|end|> <|return|> <|eot|> "
    "[EOS] <|endoftext|> <｜end▁of▁sentence｜> <|END_OF_TURN_TOKEN|> <eoa> <turn|> [e~[ "
    "[|endofturn|] <seed:eos> <eod> <longcat_e> <｜hy_place▁holder▁no▁2｜> <|hy_eos|> <|im_sep|> "
    "<|END_RESPONSE|> <|end_assistant|> </assistant> <eos_token> <end_of_response> <im_end>",
    Kind.OTHERS: "<|user|> <｜User｜> [INST] <<SYS>> <|system|> <|USER_TOKEN|> <|im_user|> "
    "<|observation|> <|tool_response|> <|ipython|> [|user|] <longcat_user>",
    Kind.OWN: "<|assistant|> <｜Assistant｜> <|CHATBOT_TOKEN|> <|im_assistant|> [/INST] "
    "[|assistant|]",
    Kind.HEADER: "<|im_start|> <|start_header_id|> <|start|> <start_of_turn> <|start_of_role|> "
    "<|turn> <|header_start|>",
    Kind.NOTHING: "<s> <pad> [BOS] <|end_header_id|> <|end_of_role|> <|message|> <|im_middle|> "
    "<|end_of_solution|> <|fim_prefix|> <answer> </answer> <|endofthink|> "
    "<|end_of_reason|> <longcat_s> <text> <say> </spoken> <message> </result> <spoken_response>",
}


@pytest.mark.parametrize(("token", "does"), [(t, k) for k, ts in KINDS.items() for t in ts.split()])
def test_a_token_does_what_its_template_means(token: str, does: Kind) -> None:
    assert kind(token) is does


def test_a_token_that_ends_a_turn_ends_nothing_before_the_first_word() -> None:
    tokens = ControlTokenFilter()
    assert tokens.feed("<|im_end|>\n<|im_start|>assistant\nHello<|im_end|> there.") == "\n\nHello"
    assert tokens.ended


@pytest.mark.parametrize(
    "text", ["a < b", "1 <| 2", "<3", "a |> f <| b", "<b>x</b>", "[laugh] Hi", "x <|", "i<n"]
)
def test_what_is_no_token_stays(text: str) -> None:
    tokens = ControlTokenFilter()
    assert tokens.feed(text) + tokens.feed("", final=True) == text
    assert not tokens.taken


def test_no_more_than_a_tokens_beginning_is_held_back() -> None:
    tokens = ControlTokenFilter()
    heard = [tokens.feed(piece) for piece in ("Hi <", "z", " <|x", " y")]
    assert heard == ["Hi ", "<z", " ", "<|x y"]


@pytest.mark.parametrize(
    "text",
    ["ChatML is so:\n```\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n```\nThat is all.",
     "So:\n\n ```text\n[INST] Hi [/INST] </s>\n```  \nAnd:\n```\n<|user|>\n```\nThat is all.",
     "So:\n````\n```\n<|user|>\n```\n<|user|>\n````\nThat is all."],
)  # fmt: skip
def test_a_token_in_code_is_part_of_it_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        tokens = ControlTokenFilter()
        assert "".join(map(tokens.feed, pieces)) + tokens.feed("", final=True) == text, pieces
        assert not tokens.taken


@pytest.mark.parametrize(
    "text",
    ["So:\n```\nx = 1\n```<|im_end|>\nNever heard.", "So:\n```\nx = 1\n```\n<|im_end|>Never heard.",
     "```x``` is code.\nSo it is.<|im_end|>Never heard.", "It is ``` so.\nYes.<|im_end|>No."],
)  # fmt: skip
def test_a_token_behind_code_ends_the_reply_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        tokens = ControlTokenFilter()
        said = "".join(map(tokens.feed, pieces)) + tokens.feed("", final=True)
        assert said == text[: text.index("<|im_end|>")], pieces


@pytest.mark.parametrize(
    "more", [" <|im_end|> and then what?", " </s> the moon.", " <|eot_id|>, bye."]
)
def test_a_token_in_mid_sentence_ends_the_turn_wherever_it_is_cut(more: str) -> None:
    for pieces in cuts(f"I like you, friend{more}", 2):
        tokens = ControlTokenFilter()
        said = "".join(map(tokens.feed, pieces)) + tokens.feed("", final=True)
        assert said.strip() == "I like you, friend", pieces


def test_how_a_text_is_cut_changes_nothing() -> None:
    chance = random.Random(1)
    parts = ("```", "````", "`", "\n", " ", "a", "py", "x" * 101, "<|user|>", "<|im_end|>", "<|")
    for _ in range(2000):
        text = "".join(chance.choices(parts, k=chance.randint(1, 12)))
        at = sorted(chance.choices(range(len(text) + 1), k=chance.randint(0, 8)))
        whole, cut = ControlTokenFilter(), ControlTokenFilter()
        pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
        said = "".join(map(cut.feed, pieces)) + cut.feed("", final=True)
        assert said == whole.feed(text) + whole.feed("", final=True), pieces
        assert (cut.taken, cut.ended) == (whole.taken, whole.ended), pieces


@pytest.mark.parametrize("token", ["<|im_end", "<|im_end|", "<|eot_id", "<｜end▁of▁sentence"])
@pytest.mark.parametrize("more", ["", "\nNever heard.", " Never."])
def test_a_token_that_is_cut_off_ends_the_turn_wherever_it_is_cut(token: str, more: str) -> None:
    for pieces in cuts(f"It is.{token}{more}", 2):
        tokens = ControlTokenFilter()
        assert "".join(map(tokens.feed, pieces)) + tokens.feed("", final=True) == "It is.", pieces


def test_the_name_behind_kimis_token_is_not_heard() -> None:
    for pieces in cuts("<|im_assistant|>assistant<|im_middle|>Hello.", 2):
        tokens = ControlTokenFilter()
        assert "".join(map(tokens.feed, pieces)) + tokens.feed("", final=True) == "Hello.", pieces
