"""What is heard of what real models say, however it is cut into pieces."""

from __future__ import annotations

import time

import pytest
from vui_gateway.turns.reply import Reply

from tests.support.report import LONG, record
from tests.support.said import GOOD, LEAKS, MARKDOWN, cuts, heard
from tests.support.scripted import END, Scripted, Step

EXAMPLES = [(kind, text) for kind, texts in LEAKS.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
@pytest.mark.parametrize("plain", [True, False])
def test_what_a_server_leaks_is_not_heard(kind: str, text: str, plain: bool) -> None:
    assert heard([text], plain=plain) == GOOD


@pytest.mark.parametrize("text", MARKDOWN)
def test_markdown_is_said_as_a_person_reads_it(text: str) -> None:
    assert heard([text]) == MARKDOWN[text]


def test_each_kind_is_on_the_page() -> None:
    for kind, texts in LEAKS.items():
        shown = texts[0].replace("\n", "↵").replace("|", "\\|")
        record("said", kind, f"{len(texts)} ways, of each only “{GOOD}”; one is `{shown}`")
    text = next(text for text in MARKDOWN if not set("`[") & set(text))
    shown, said = text.replace("\n", "↵"), MARKDOWN[text]
    record("said", "Markdown", f"{len(MARKDOWN)} ways; one is `{shown}`, heard “{said}”")


# What people talk about, and a filter may take for something else.
ORDINARY = {
    'Here is JSON: {"name": "Bob", "age": 3}. That is all.': "",
    'He said {"action": ... and then went on.': "",
    "Did it work? No. 3 attempts failed.": "",
    "He lives on Elm St. We met there.": "",
    "it's 3 < 5 and a<b and x > y.": "",
    "If i<p and q>r then stop.": "",
    "The interval [0, 1) is half open. And so it goes on.": "",
    "详见 https://example.com/a，里面有说明。": "详见 example.com，里面有说明。",
    "See https://a.b/c—it is good. Go.": "See a.b—it is good. Go.",
    "<|im_start|>Oh, good question.": "Oh, good question.",
    "M*A*S*H was great.": "MASH was great.",
    "It costs $5 and $10, $5-$10, US$3 or $1,299.99. That is 5$ or so.": "",
    "I have $20, and $x$ is here.": "I have $20, and x is here.",
    "价格是$5。那是$10。": "",
    "Цена 5$. Билет (5$) у кассы, $5 в день и $AAPL. Пока.": "",
    "Τιμή 5$. Μετά πάμε στη θάλασσα.": "",
    "In C:\\Users\\new\\test and \\o/ there.": "In C:\\Users\\new\\test and \\o/ there.",
    "Press ^ now. It is ^^ so.": "",
    ":) Hi. I <3 you, a < b.": "",
    "I am 5. Then it was 3. May I go? Hepatitis C. It is bad. Me and I. We go.": "",
    "- 5 is less": "5 is less",
    "See [Bob]: he knows.": "",
    "A grade A. It was. I got an A. Great.": "",
    "i think so. I do. It is.": "",
    "+5 or -3\n--no-color is an option.": "+5 or -3 --no-color is an option.",
    # Tags and tokens that somebody asks about.
    "Thoughts stand between <think> and </think> tags. So it is.": "",
    "It ends with </think>, or `</think>`. So.": "It ends with </think>, or </think>. So.",
    "The token <|im_end|> ends a turn. It is Qwen's.": "",
    "It is `</s>` in Llama. So it is.": "It is </s> in Llama. So it is.",
    'Its "[INST]" opens a turn (or <eos> ends one).': "",
    "It was <s>five</s> four dollars. So it is.": "It was five four dollars. So it is.",
    "Use <div>, <p> or <li> for that, and </p> ends it.": "",
    "The <tool_call> tag and `[TOOL_CALLS]`. So.": "The <tool_call> tag and TOOL_CALLS. So.",
    "It is a[1], x[0] or data[0]. Not so[1].": "It is a 1, x 0 or data 0. Not so.",
    "It is https:// or http://, then a.b.": "",
}


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_said_whole(text: str) -> None:
    for pieces in cuts(text):
        assert heard(pieces) == (ORDINARY[text] or text)


@pytest.mark.parametrize("text", [*MARKDOWN, *dict(reversed(EXAMPLES)).values()])
def test_where_a_text_is_cut_changes_nothing(text: str) -> None:
    whole = heard([text])
    step = 1 if LONG else max(1, len(text) // 40)
    for pieces in list(cuts(text))[::step]:
        assert heard(pieces) == whole, pieces


@pytest.mark.parametrize("text", LEAKS["a token that ends the turn"])
def test_a_token_that_ends_the_turn_ends_the_providers_call(text: str) -> None:
    steps: list[Step] = [(0.1, "Well. "), (0.1, text), *[(1.0, "More and more. ")] * 100, (0, END)]
    lab = Scripted({"a": steps})
    found = lab.hear()
    assert found.text == f"Well. {GOOD}"
    assert found.ended == ["ok"]
    # gpt-oss' thoughts end so, too: what follows tells.
    assert lab.closed["a"] == pytest.approx(1.2 if text.endswith("<|end|>") else 0.2)


def test_thinking_that_never_closes_is_said_in_the_end() -> None:
    assert heard(["Oh, good", " question."], thinks=True) == GOOD
    assert heard(["<think>Oh, good question."]) == GOOD


def test_thinking_that_was_cut_off_is_not_said() -> None:
    reply = Reply()
    assert not reply.feed("<think>Okay, the user", final=True, cut_off=True)
    assert not reply.release(final=True)


def test_a_reply_that_begins_in_thinking_is_heard_from_its_closing_tag_on() -> None:
    assert heard(["Okay. The user asks.", "</think>", "Oh, good question."], thinks=True) == GOOD
    assert heard(["<think>Okay. So.</think>Oh, good question."], thinks=True) == GOOD


def test_a_server_that_separates_thoughts_has_none_in_its_text() -> None:
    reply = Reply(thinks=True)
    reply.separate()
    assert reply.feed("Oh, good question. And")
    assert reply.release() == "Oh, good question. "


def test_a_second_closing_tag_takes_nothing_back() -> None:
    assert heard(["<think>Hm.</think>Oh, good </think>question."]) == GOOD


def test_no_word_is_held_back_beyond_the_word_after_a_star() -> None:
    reply = Reply(plain=True)
    reply.feed("It is **so** good. And *then")
    assert reply.release() == "It is so good. "


def test_what_was_taken_out_is_on_record() -> None:
    for text, taken in (
        ("<think>Hm.</think>Oh.", ["thoughts"]), ("Oh.<|im_end|>", ["tokens"]), ("Oh.", []),
        ("So it is</think>Oh.</s>", ["thoughts", "tokens"]),
    ):  # fmt: skip
        reply = Reply()
        reply.feed(text, final=True)
        assert reply.taken_out == taken


HOSTILE = [
    "*", "<", "[", "`", "<|", "|", "_", "~", "&", "\\", ".", "- ", "# ", "1. ", "h", "[a]",
    "[a](", "!", "\n", "```\n", "> ", "|\n", "Dr. ", "][", "<b", "www.", '{"name":', "{", "=",
    "<think>", "</think>", "<|channel|>", "<|im_start|>", "<tool_call>", "- a ", '"', "x", " ",
    "你", "http://", "$", "$a", "$$", "^", "a^", "\\frac{", "\\(", "[[a]", "<!--", "`a", "|-",
    "--|", "\\text{", "<sup>", "A. ", "z. ", "✅ ", "\\sqrt{a}",
]  # fmt: skip


def seconds(mark: str, size: int) -> float:
    """Processor time for so many characters, four at a time."""
    text, reply = "a" + mark * (size // len(mark)), Reply("Said before.", ("\nUser:",), plain=True)
    began = time.process_time()
    for at in range(0, len(text), 4):
        reply.feed(text[at : at + 4])
        if reply.may_release():
            while reply.release():
                pass
    reply.feed("", final=True)
    reply.release(final=True)
    return time.process_time() - began


@pytest.mark.parametrize("mark", HOSTILE)
def test_the_cost_of_a_reply_grows_with_its_length_and_no_faster(mark: str) -> None:
    tries = ((seconds(mark, 4_000), seconds(mark, 32_000)) for _ in range(3))
    assert any(large < 24 * small + 0.01 for small, large in tries), "linear is 8 times"
