"""What a listener hears while a reply is awaited, and that it is no part of it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.settings import SettingError, Settings
from vui_gateway.turns.call import AttemptError, Event
from vui_gateway.turns.fillers import KEPT, Fillers
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.usage.recorder import Recorder

from tests.matrix.conversations import STOPS
from tests.support.fillers import dead_air
from tests.support.scripted import END, FOR_EVER, Scripted, Step, said
from tests.unit.test_chat import ANSWER, call, heard
from tests.unit.test_patience import loading
from vui_litellm.stream import FILLER

FIRST, LAST = FILLERS = ("Hmm, let me think.", "Still thinking.")
THOUGHT: Step = (0.5, Event(reasoning=5))
SICK: Step = (0.0, AttemptError("500", status=500))
HANGS: list[Step] = [(FOR_EVER, "")]


def slowly(text: str, pace: float) -> list[Step]:
    """A word every so many seconds."""
    return said(text, first=pace, pace=pace)


def transcript(lab: Scripted, **options: Any) -> list[tuple[str, float]]:
    """The pieces, and the seconds after the request at which each was sent."""
    return [(text.strip(), at) for text, at in heard(call(lab, fillers=FILLERS, **options))]


@pytest.mark.parametrize(
    "lab",
    [
        Scripted({"a": [*[THOUGHT] * 25, *said("Oh, good question.")]}),
        Scripted({"a": said("Oh, good question.", first=12.6)}, servers={"a": "http://nas"}),
        Scripted({"a": said("Oh, good question.", first=12.6)}, thinks=True),
        Scripted({"a": said("Oh, good question.", first=0.1)}, before={"a": loading(25)["home"]}),
    ],
    ids=["thinks", "is slow, at home", "thinks and shows nothing", "loads"],
)
def test_sentences_are_heard_in_turn_until_the_reply_comes(
    lab: Scripted,
) -> None:
    assert transcript(lab) == [
        (FIRST, 2.5), (LAST, 6.9), (FIRST, 10.5), ("Oh, good question.", 12.6),
    ]  # fmt: skip


def test_a_takeover_after_a_filler_is_inaudible() -> None:
    lab = Scripted({"a": [(FOR_EVER, "")], "b": said()})
    assert transcript(lab) == [(FIRST, 2.5), ("It is sunny.", 4.2), ("It stays so all day.", 4.2)]
    assert all(FIRST not in str(body) for _, body in lab.bodies)


def test_a_filler_is_no_part_of_a_reply_that_breaks_off_and_is_continued() -> None:
    breaks: list[Step] = [(3.0, "The rain falls here today. "), (0.1, "Take "), SICK]
    lab = Scripted({"a": breaks, "b": said("The rain falls here today. Take a coat.")})
    pieces = [text for text, _ in transcript(lab)]
    assert pieces == [FIRST, "The rain falls here today.", "Take a coat."]
    assert lab.bodies[1][1]["messages"][1]["content"] == "The rain falls here today."


def test_words_that_stop_before_the_first_sentence_are_no_reply() -> None:
    lab = Scripted({"a": [(0.1, "Half a"), (FOR_EVER, "")], "b": said()})
    assert [text for text, _ in transcript(lab)] == [
        FIRST, "It is sunny.", "It stays so all day.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "fillers"),
    [
        ([*[THOUGHT] * 7, *said("Oh, good question.")], ()),
        ([THOUGHT, *said("Oh, good question.", first=1.5)], FILLERS),
        (said("Oh, good question.", first=2.4, pace=0.2), FILLERS),
    ],
    ids=["switched off", "early words", "words just in time"],
)
def test_nothing_is_said_before_a_reply_otherwise(
    steps: list[Step], fillers: tuple[str, ...]
) -> None:
    pieces = heard(call(Scripted({"a": steps}), fillers=fillers))
    assert "".join(text for text, _ in pieces) == "Oh, good question."


# ---- within a reply


@pytest.mark.parametrize(
    "lab",
    [
        Scripted({"a": slowly("Word after word comes far too late to make one sentence.", 1.0)}),
        Scripted({"a": slowly("Oh. So word after word is late. And then some more.", 0.9)}),
        Scripted({"a": [(0.1, "Oh. It "), *HANGS]}),
        Scripted({"a": [(0.1, "Oh. It "), *HANGS], "b": HANGS}),
        Scripted({"a": [(0.1, "Oh. It "), *HANGS], "b": HANGS, "c": said("It rains.")}),
    ],
    ids=["a slow first sentence", "slow sentences", "a stall", "two stalls", "goes on at last"],
)
def test_no_silence_is_longer_than_three_seconds(lab: Scripted) -> None:
    pieces = transcript(lab)
    *spoken, (last, ended) = pieces
    if last != "no_answer":
        spoken = pieces
    assert dead_air(spoken, ended) <= 3
    assert any(text in FILLERS for text, _ in pieces)


def test_a_sentence_between_two_of_a_reply_is_no_part_of_it() -> None:
    stalls: list[Step] = [(0.1, "The rain falls here today. Take "), *HANGS]
    late = said("The rain falls here today. Take a coat.", first=3.0)
    lab = Scripted({"a": stalls, "b": late})
    assert transcript(lab) == [
        ("The rain falls here today.", 0.1), (FIRST, 4.9), ("Take a coat.", 5.6),
    ]  # fmt: skip
    assert lab.bodies[1][1]["messages"][1]["content"] == "The rain falls here today."


@pytest.mark.parametrize(
    "steps",
    [
        [(0.1, "It is sunny. It "), (3.9, "stays so all day."), (0, END)],
        [(0.1, f"{'Well, ' * 19}yes. And "), *slowly("that is all there is to it.", 1.2)],
        said("One thing is this. Another thing is that. And one more.", pace=0.6),
        [(0.1, "One thing is this. " * 9), (14.0, "And that."), (0, END)],
    ],
    ids=["a pause", "a long sentence", "as fast as speech", "far ahead of speech"],
)
def test_nothing_is_said_between_while_the_reply_is_spoken(steps: list[Step]) -> None:
    pieces = [text for text, _ in transcript(Scripted({"a": steps}))]
    assert not {*pieces} & {*FILLERS}


def test_a_half_sentence_is_never_interrupted() -> None:
    pieces = [text for text, _ in transcript(Scripted({"a": [(0.1, "word " * 30), *HANGS]}))]
    assert pieces == [("word " * 20).strip(), "no_answer"]


def test_two_are_never_heard_one_right_after_the_other() -> None:
    flowing: list[Step] = [(0.5, "word ")] * 18
    steps: list[Step] = [*flowing, (3.5, "word "), (1.0, "end."), (0, END)]
    at = [when for text, when in transcript(Scripted({"a": steps})) if text in FILLERS]
    assert at == [2.9, 7.3, 10.9]


@pytest.mark.parametrize(("first", "fillers"), [(0.1, [5.5]), (2.0, [6.4]), (3.9, [2.5, 8.4])])
def test_the_words_of_a_head_start_are_heard_from_its_claim_on(
    first: float, fillers: list[float]
) -> None:
    usage, one = Recorder(), HeadStart("abc")

    def begin(*_: str) -> HeadStart:
        asyncio.get_running_loop().call_later(1.6, setattr, one, "claimed", True)
        return one

    usage.head_starts.begin = begin  # type: ignore[assignment, method-assign]
    late = said("It is sunny here. So be it.", first=5)
    lab = Scripted({"a": [(first, "It is sunny here. So "), *HANGS], "b": late})
    lab.own_limit = 12.0
    pieces = transcript(lab, usage=usage, head_start="abc")
    assert [at for text, at in pieces if text in FILLERS] == fillers
    said_of_it = [text for text, _ in pieces if text not in FILLERS]
    assert said_of_it == ["It is sunny here.", "So be it."]


def test_thoughts_that_nobody_hears_get_no_sentence() -> None:
    lab = Scripted({"a": [*[THOUGHT] * 7, (0.1, ANSWER)]})
    assert b"think" not in call(lab, stream=False, fillers=FILLERS)[-1]["body"]


@pytest.mark.parametrize("steps", [[*[THOUGHT] * 7, SICK], [(FOR_EVER, "")]])
def test_an_error_follows_what_was_said_before_it(steps: list[Step]) -> None:
    pieces = transcript(Scripted({"a": steps}))
    assert [text for text, _ in pieces] == [FIRST, "no_answer"]


def test_who_fails_before_it_is_time_is_only_apologised_for() -> None:
    (_, error) = call(Scripted({"a": [SICK]}), fillers=FILLERS)
    assert json.loads(error["body"])["error"]["code"] == "no_answer"


def test_a_filler_costs_nothing_and_is_no_first_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "vui_gateway")
    sent = call(Scripted({"a": [*[THOUGHT] * 7, *said(first=0.1)]}), fillers=FILLERS)
    (line,) = [text for text in caplog.messages if "outcome=" in text]
    assert " first_token_ms=3600 first_sentence_ms=3660 " in line
    assert " tokens_out=0 " in line
    assert b'"first_token_ms": 3600' in b"".join(message.get("body", b"") for message in sent)


def test_vuis_side_knows_a_filler_by_its_chunk() -> None:
    chunks = [m.get("body", b"") for m in call(Scripted({"a": said(first=3.0)}), fillers=FILLERS)]
    assert [FILLER in chunk for chunk in chunks if b'"content"' in chunk] == [True, False, False]


def test_what_was_said_while_a_reply_was_awaited_is_not_sent_back_to_a_model() -> None:
    lab = Scripted({"a": said()})
    talk = [
        ("user", "Why?"),
        ("assistant", "Hmm, let me think. Still thinking. Since it rains. Still thinking. So."),
        ("user", "Hmm, let me think."), ("assistant", "Hmm, let me think."), ("user", "Go on"),
    ]  # fmt: skip
    messages = [{"role": role, "content": text} for role, text in talk]
    call(lab, fillers=FILLERS, messages=messages)
    sent = [message["content"] for message in lab.bodies[0][1]["messages"]]
    assert sent == ["Why?", "Since it rains. So.", "Hmm, let me think.", "", "Go on"]


@pytest.mark.parametrize(
    ("filler", "kept", "rest"),
    [  # as vui's own cleaning leaves it
        ("Hmm... let me think.", "Hmm. let me think. [laugh] Yes.", "[laugh] Yes."),
        ('"Well", one moment!!', "Well, one moment! So it is.", "So it is."),
        ("*Hm* , yes ?", "Hm, yes? No.", "No."),
        ("Hm.", "Hmm. No.", "Hmm. No."),
        ("Hm.", "Hm.No.", "Hm.No."),
        ("Hm.", "Yes. Hm. Hm. No.", "Yes. No."),
        ("Hm.", "Yes! [laugh] Hm. No? Hm.", "Yes! [laugh] No?"),
        ("Hm.", "Yes, Hm. No.", "Yes, Hm. No."),
        ("Hm.", "Yes. Hm, no.", "Yes. Hm, no."),
    ],
)
def test_a_filler_is_found_again_after_vuis_cleaning(filler: str, kept: str, rest: str) -> None:
    fillers = Fillers()
    fillers.configure((filler,))
    (message,) = fillers.taken_out([{"role": "assistant", "content": kept}])
    assert message["content"] == rest


@pytest.mark.parametrize("now", [(), ("Well.",)])
def test_sentences_of_an_earlier_setting_are_still_taken_out(now: tuple[str, ...]) -> None:
    fillers = Fillers()
    for sentences in (FILLERS, now):
        fillers.configure(sentences)
    talk = [{"role": "assistant", "content": f"{FIRST} Well. Yes. {LAST} No."}]
    assert fillers.taken_out(talk)[0]["content"] == "Yes. No." if now else "Well. Yes. No."
    for count in range(KEPT + 4):
        fillers.configure((f"Sentence {count}.",))
    assert fillers.taken_out(talk) == talk, "the oldest are forgotten"


@pytest.mark.parametrize("run", [". ", "Hm. ", "Hm.", "Hm. ,", ".", "? Hm", "( "])
def test_a_long_text_of_marks_takes_no_time(run: str) -> None:
    fillers = Fillers()
    fillers.configure(("Hm.", "Hm, hm."))
    began = time.monotonic()
    fillers.taken_out([{"role": "assistant", "content": run * 100_000 + "x"}])
    assert time.monotonic() - began < 1


# ---- the setting


def load(folder: Path, value: str) -> tuple[str, ...]:
    (folder / ".env").write_text(f"VUI_LITELLM_FILLERS={value}\n")
    return Settings.load({"VUI_GATEWAY_PROJECT": str(folder)}).fillers


def test_the_sentences_are_a_setting_and_empty_turns_them_off(tmp_path: Path) -> None:
    assert load(tmp_path, "Hm. | Still there?") == ("Hm.", "Still there?")
    assert load(tmp_path, "") == load(tmp_path, "0") == load(tmp_path, " | ") == ()
    given = {"VUI_GATEWAY_PROJECT": str(tmp_path / "none")}
    assert Settings.load({**given, "VUI_LITELLM_FILLERS": ""}).fillers == ()
    assert len(Settings.load(given).fillers) > 1


@pytest.mark.parametrize(
    "value", ["Let me think", "Hm…", "x" * 100 + ".", *(s for s in STOPS if "\n" not in s)]
)
def test_a_sentence_that_vui_cant_speak_or_stops_at_is_named_with_the_cure(
    tmp_path: Path, value: str
) -> None:
    value = value if value[-1] in "x…k." else f"{value}]."
    with pytest.raises(SettingError, match=r"VUI_LITELLM_FILLERS is .*end in \. ! or \?.*hold on"):
        load(tmp_path, f"'Well. | Yeah, {value}'")


@pytest.mark.parametrize("value", ["...", "Hm. | 😀!"])
def test_a_sentence_without_a_word_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match="VUI_LITELLM_FILLERS is"):
        load(tmp_path, value)


def test_of_two_sentences_that_begin_alike_the_longer_one_is_taken_out_whole() -> None:
    fillers = Fillers()
    fillers.configure(("One moment.", "One moment. Please wait."))
    said_before = {"role": "assistant", "content": "One moment. Please wait. It is sunny."}
    (message,) = fillers.taken_out([said_before])
    assert message["content"] == "It is sunny."


def test_the_sentences_as_installed_hold_no_stop_phrase_of_vuis(tmp_path: Path) -> None:
    said_all = " ".join(Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path)}).fillers).lower()
    assert not any(stop.lower() in said_all for stop in STOPS)


@pytest.mark.parametrize(
    "said",
    [
        "Hmm, let me think about that. Tides are slow.",
        "Hmm, let me think: it is five.",
        "Still thinking, are you?",
    ],
)
def test_a_reply_that_only_begins_like_a_filler_stays_whole_in_the_history(said: str) -> None:
    fillers = Fillers()
    fillers.configure(FILLERS)
    talk = [{"role": "assistant", "content": said}]
    assert fillers.taken_out(talk) == talk
