"""The engine's decisions, on a clock of the test's own and without LiteLLM."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vui_gateway.turns.call import AttemptError, Call, Event

from tests.support.clock import run_virtual
from tests.support.scripted import END, FOR_EVER, RAIN, WELL, Scripted, Step, broken, said


def test_a_sentence_is_released_when_the_next_begins_and_the_last_at_the_end() -> None:
    heard = Scripted({"a": said(first=0.5, pace=0.1)}).hear()
    assert heard.pieces == [(0.8, "It is sunny. "), (1.2, "It stays so all day.")]
    assert heard.ended == ["ok"]
    assert heard.error is None


SILENCES: dict[str, list[Step]] = {
    "nothing": [(FOR_EVER, "")],
    "keep-alives": [(0.5, Event())] * FOR_EVER,
    "empty text": [(0.5, "")] * FOR_EVER,
    "reasoning that nobody asked for": [(0.5, Event(reasoning=True))] * FOR_EVER,
    "thinking aloud for ever": [(0.1, "<think>"), *[(0.5, "hmm ")] * 1000],
    "white space": [(0.5, "\n")] * FOR_EVER,
    "marks that nobody speaks": [(0.5, "...")] * FOR_EVER,
}


@pytest.mark.parametrize("name", SILENCES)
def test_only_words_count_and_the_next_one_answers(name: str) -> None:
    lab = Scripted({"sick": SILENCES[name], "well": said()})
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["no-words", "ok"]
    assert heard.pieces[0][0] <= 4.3
    assert "sick" in lab.cooldown
    assert "well" not in lab.cooldown
    assert lab.closed["sick"] == pytest.approx(4.0)


ENDINGS: dict[str, tuple[Step, str, float]] = {
    "stalls": ((FOR_EVER, ""), "stalled", 4.0),
    "breaks off": ((0, AttemptError("500", status=500)), "500", 0.1),
    "just ends": ((0, Event()), "ended-early", 0.1),
}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("words", [1, 2, 4])
def test_a_first_sentence_that_breaks_off_is_replaced_unheard(name: str, words: int) -> None:
    step, ended, seconds = ENDINGS[name]
    lab = Scripted({"sick": broken(words, step), "well": said()})
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == [ended, "ok"]
    assert heard.pieces[0][0] <= seconds + 0.5
    assert "sick" in lab.cooldown


def test_a_word_every_three_seconds_is_given_up_while_another_is_left() -> None:
    slow = said(RAIN, 1, 3)
    heard = Scripted({"sick": slow, "well": said()}).hear()
    assert (heard.text, heard.ended) == (WELL, ["dribbled", "ok"])
    assert heard.pieces[0][0] < 6
    alone = Scripted({"slow": slow}).hear()
    assert alone.text == RAIN
    assert alone.ended == ["ok"]


@pytest.mark.parametrize(("first", "within"), [(1, 4.3), (3, 4.3), (3.5, 4.8), (3.9, 5.2)])
def test_who_is_late_and_slow_is_not_given_both_limits_one_after_the_other(
    first: float, within: float
) -> None:
    heard = Scripted({"sick": said(RAIN, first, 3), "well": said()}).hear()
    assert (heard.text, heard.ended) == (WELL, ["dribbled", "ok"])
    assert heard.pieces[0][0] <= within


@pytest.mark.parametrize("first", [0.1, 3.0, 3.9])
def test_who_is_late_and_then_quick_is_not_taken_for_slow(first: float) -> None:
    heard = Scripted({"late": said(RAIN, first, 0.6), "well": said()}).hear()
    assert (heard.text, heard.ended) == (RAIN, ["ok"])


def test_a_model_that_was_loaded_first_has_all_the_time_for_its_first_words() -> None:
    lab = Scripted({"slow": said(RAIN, 20, 0.95), "well": said()}, own_limit=65.0)
    assert lab.hear().ended == ["ok"]


@pytest.mark.parametrize("name", ENDINGS)
def test_after_the_first_sentence_another_goes_on_where_it_ended(name: str) -> None:
    rest = "Here. Bring boots, too."
    lab = Scripted({"sick": broken(6, ENDINGS[name][0]), "well": said(rest)})
    heard = lab.hear()
    assert heard.text == f"The rain falls here. {rest}"
    name, body = lab.bodies[1]
    assert name == "well"
    assert body["messages"][-2] == {"role": "assistant", "content": "The rain falls here."}
    assert body["messages"][-1]["role"] == "user"


@pytest.mark.parametrize(
    "again",
    [
        "The rain falls here. Take boots. Go now.",
        "rain falls here. Take boots. Go now.",
        "the rain falls here, take boots. Go now.",
        "Take boots. Go now.",
    ],
)
def test_what_the_other_says_again_is_taken_out(again: str) -> None:
    lab = Scripted({"sick": broken(5, (FOR_EVER, "")), "well": said(again)})
    assert lab.hear().text.lower() == "the rain falls here. take boots. go now."


def test_when_nobody_can_go_on_the_call_fails_after_what_was_said() -> None:
    lab = Scripted({"a": broken(6, (FOR_EVER, "")), "b": [(FOR_EVER, "")]})
    heard = lab.hear()
    assert heard.text == "The rain falls here. "
    assert heard.error
    assert heard.error.code == "no_answer"
    assert heard.ended == ["stalled", "no-words"]


def test_who_adds_nothing_to_a_promised_sentence_is_followed_by_the_next_and_stays_well() -> None:
    again = said("The rain falls here.")
    scripts = {"sick": broken(6, ENDINGS["just ends"][0]), "again": again, "well": said("Bye.")}
    lab = Scripted(scripts)
    heard = lab.hear()
    assert heard.text == "The rain falls here. Bye."
    assert heard.ended == ["ended-early", "empty", "ok"]
    assert "again" not in lab.cooldown
    del scripts["well"]
    unfinished = Scripted(scripts).hear()
    assert unfinished.text == "The rain falls here. "
    assert unfinished.error


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_call_fails_within_nine_seconds_however_many_are_silent(count: int) -> None:
    heard = Scripted({str(i): [(FOR_EVER, "")] for i in range(count)}).hear()
    assert heard.error
    assert heard.seconds <= 9.1
    assert not heard.text


def test_asked_for_thinking_is_waited_for_and_not_heard() -> None:
    thinking = [(1.0, Event(reasoning=True))] * 12 + said()
    heard = Scripted({"a": thinking}, thinks=True).hear()
    assert (heard.text, heard.ended) == (WELL, ["ok"])
    for_ever = [(1.0, Event(reasoning=True))] * FOR_EVER
    heard = Scripted({"a": for_ever}, thinks=True).hear()
    assert heard.error
    assert heard.seconds == pytest.approx(30, abs=0.5)


def test_a_router_that_asks_for_thinking_gives_it_its_time() -> None:
    async def route(_: str, body: dict) -> tuple[str, dict]:
        return "", {**body, "reasoning_effort": "high"}

    lab = Scripted({"a": said(first=6.0)})
    lab.engine._route = route
    assert lab.hear().text == WELL


def test_a_model_that_is_loaded_first_keeps_its_own_limit() -> None:
    heard = Scripted({"a": said(first=40)}, own_limit=60).hear()
    assert (heard.text, heard.ended) == (WELL, ["ok"])


def test_a_finish_reason_ends_a_reply_whatever_the_connection_does_then() -> None:
    for after in [(0.0, AttemptError("500", status=500)), (FOR_EVER, "")]:
        lab = Scripted({"a": [*said()[:-1], after], "b": said("Never heard.")})
        heard = lab.hear()
        assert (heard.text, heard.ended) == (WELL, ["ok"])
        assert "a" not in lab.cooldown


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
@pytest.mark.parametrize("stays_open", [False, True])
def test_an_answer_without_a_word_is_none(finish: str, stays_open: bool) -> None:
    end = (0.1, Event(finish_reason=finish))
    sick: list[Step] = [end, (FOR_EVER, "")] if stays_open else [end]
    heard = Scripted({"sick": sick, "well": said()}).hear()
    again = ["empty"] * (finish == "stop")  # chance, and asked once more
    assert (heard.text, heard.ended) == (WELL, [*again, "empty", "ok"])
    assert heard.pieces[0][0] < 0.5


def test_a_request_that_is_refused_cools_nobody_and_the_next_is_asked() -> None:
    lab = Scripted({"a": [(0.1, AttemptError("400", status=400))], "b": said()})
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["400", "ok"])
    assert "a" not in lab.cooldown


@pytest.mark.parametrize("first", [0.1, 3.9])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_who_says_a_word_and_stalls_wins_time_for_the_next_but_once(
    first: float, count: int
) -> None:
    stalls: list[Step] = [(first, "Hello "), (FOR_EVER, "")]
    heard = Scripted({str(i): stalls for i in range(count)}).hear()
    assert heard.error
    assert heard.seconds <= 18
    assert Scripted({**{str(i): stalls for i in range(2)}, "well": said()}).hear().text == WELL


BREAKS: list[Step] = [
    (FOR_EVER, ""), (0, Event()), (0.5, AttemptError("408", status=408)),
    (0, AttemptError("500", status=500)),
]  # fmt: skip
LONG = "One that goes on and on and on without an end for more than twenty words, and on and on."


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([RAIN, "Yes. It works. Good.", LONG]),
    st.integers(0, 20),
    st.sampled_from([0.05, 0.5, 2, 3.5, 3.9]),
    st.sampled_from([0.01, 0.3, 0.8]),
    st.sampled_from(BREAKS),
    st.sampled_from([0.1, 0.6, 1.5, 3.5]),
    st.booleans(),
)
def test_whatever_one_deployment_does_the_other_gives_a_whole_answer(
    text: str, words: int, first: float, pace: float, then: Step, well: float, hedge: bool
) -> None:
    sick = [*said(text, first, pace)[: min(words, len(text.split()) - 1)], then]
    lab = Scripted({"sick": sick, "well": said(first=well)})
    lab.hedge.enabled = hedge
    heard = lab.hear()
    assert heard.error is None
    assert heard.text.endswith(WELL)
    before = heard.text.removesuffix(WELL)
    assert text.startswith(before.strip())
    assert not before or before.endswith(" ")
    assert "well" not in lab.cooldown


def test_after_a_slow_model_that_stalls_the_next_one_has_its_time() -> None:
    slow: list[Step] = [
        (1.0, f"{word} ") for word in "it goes on and on and on and on and on".split()
    ]
    lab = Scripted({"slow": [*slow, (FOR_EVER, "")], "well": said(first=3.0)})
    assert lab.hear().text == WELL


def test_after_what_was_heard_there_is_no_silence_without_end_either() -> None:
    stalls: list[Step] = [(0.1, "Hello "), (FOR_EVER, "")]
    lab = Scripted({"sick": broken(6, (FOR_EVER, "")), **{str(i): stalls for i in range(5)}})
    heard = lab.hear()
    assert heard.error
    assert heard.seconds - heard.pieces[-1][0] <= 4 + 9 + 4 + 4


def test_a_group_that_may_take_longer_has_time_for_two() -> None:
    lab = Scripted({"sick": [(FOR_EVER, "")], "well": said(first=10.0)})
    lab.engine.configure(12, 20, hedge=False)
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["no-words", "ok"])
    assert "sick" in lab.cooldown


def test_a_reply_without_spaces_is_not_taken_for_slow() -> None:
    steps: list[Step] = [(0.05, char) for char in "今天天气很好。" * 30]
    lab = Scripted({"a": [*steps, (0, END)], "b": said()})
    assert lab.hear().ended == ["ok"]
    assert "a" not in lab.cooldown


def test_marks_alone_are_no_answer() -> None:
    lab = Scripted({"a": [(0.1, "..."), (0.1, END)], "b": said()})
    assert lab.hear().text == WELL


@pytest.mark.parametrize("end", ["😊", "— 😊", '"', ")", "...", "*"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_reply_ends_in_a_sentence_that_vui_speaks(end: str, size: int) -> None:
    text = f"Sure thing. Have fun! {end}"
    steps: list[Step] = [(0.1, text[at : at + size]) for at in range(0, len(text), size)]
    heard = Scripted({"a": [*steps, (0.1, END)]}).hear()
    assert [piece for _, piece in heard.pieces][-1] == "Have fun!"


def test_what_belongs_to_the_last_sentence_stays() -> None:
    for text in ('He said "yes."', "Have fun 😊", "Well...", "Really?!", "Yes. [laugh]", "(Hm.) "):
        heard = Scripted({"a": [(0.1, text), (0.1, END)]}).hear()
        assert heard.text == text.strip()


def test_a_run_of_marks_is_no_more_than_vui_can_look_through() -> None:
    heard = Scripted({"a": [(0.1, "Well" + "." * 10_000 + "x"), (0.1, END)]}).hear(max_tokens=2048)
    assert heard.text == "Well" + "." * 100 + "x"


def test_a_flood_is_ended_with_what_was_released() -> None:
    flood: list[Step] = [(0.001, "word ")] * 100_000
    heard = Scripted({"a": flood, "b": said()}).hear()
    assert heard.error
    assert heard.error.ended == "flooded"
    assert 1000 < len(heard.text) <= 4 * 4 * 100 + 100


def test_code_that_takes_longer_than_a_listener_waits_is_no_silence() -> None:
    code = [(0.5, f"x{n} = {n}\n") for n in range(20)]
    steps: list[Step] = [(0.1, "Like this.\n```\n"), *code, (0.1, "```\nThat's all."), (0.1, END)]
    lab = Scripted({"a": steps, "b": said()})
    lab.engine.configure(4.0, 20.0, hedge=False, plain_speech=True)
    heard = lab.hear()
    assert (heard.text.split(), heard.ended) == ("Like this. That's all.".split(), ["ok"])


def test_a_barge_in_ends_the_providers_call() -> None:
    lab = Scripted({"a": said(pace=1.0)})
    heard = lab.hear(seconds=2.5)
    assert lab.closed["a"] == pytest.approx(2.5)
    assert heard.ended == ["hung-up"]
    assert "a" not in lab.cooldown


def test_a_barge_in_into_a_model_that_may_take_longer_says_nothing_of_it() -> None:
    lab = Scripted({"a": [(FOR_EVER, "")]}, own_limit=60)
    lab.hear(seconds=8)
    assert "a" not in lab.cooldown


def test_after_a_model_that_took_its_own_time_the_next_one_is_asked() -> None:
    lab = Scripted({"loads": [(FOR_EVER, "")], "well": said()}, own_limit=30)
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["no-words", "ok"])


def test_who_is_given_less_time_than_usual_is_not_taken_for_sick() -> None:
    silent: list[Step] = [(FOR_EVER, "")]
    lab = Scripted({"a": silent, "b": silent, "c": said(first=2.0)})
    assert lab.hear().error
    assert ("a" in lab.cooldown, "b" in lab.cooldown, "c" in lab.cooldown) == (True, True, False)


def test_a_tool_call_that_is_streamed_is_an_answer() -> None:
    call = [{"index": 0, "function": {"name": "x", "arguments": ""}}]
    steps: list[Step] = [(1.0, Event(tool_calls=call))] * 6
    heard = Scripted({"a": [*steps, (0.1, Event(finish_reason="tool_calls"))], "b": said()}).hear()
    assert heard.ended == ["ok"]
    assert len(heard.call.attempts[0].tool_calls) == 6


def test_thoughts_that_hang_are_asked_of_the_next_one() -> None:
    answer = Event(answer={"choices": [{"message": {"content": "x"}}]})

    async def run(lab: Scripted) -> tuple[dict, float]:
        call = Call("vui", streamed=False)
        call.deadline = call.began + 20
        found = await lab.engine.complete(call, {"messages": []})
        return found, asyncio.get_running_loop().time() - call.began

    found, seconds = run_virtual(run(Scripted({"a": [(FOR_EVER, "")], "b": [(0.5, answer)]})))
    assert found == answer.answer
    assert seconds == pytest.approx(8.5)
    found, seconds = run_virtual(run(Scripted({"a": [(0.5, Event())], "b": [(0.5, answer)]})))
    assert seconds == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Let me look. One sec. Never heard.", ["Let me look."]),
        ("Hi there.\nUser: never heard", ["Hi there."]),
        ("Hi there.\nUsually I say more.", ["Hi there.\n ", "Usually I say more."]),
        ("Yeah, one sec. Never heard.", ["Yeah,"]),
        ("One moment. One second.", ["One moment. ", "One second."]),
        ("One sec. Never heard.", []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_nothing_after_a_stop_phrase_is_promised_or_heard(
    text: str, heard: list[str], size: int
) -> None:
    pieces: list[Step] = [(0.01, text[at : at + size]) for at in range(0, len(text), size)]
    lab = Scripted({"a": [*pieces, (0.01, END)], "b": said()})
    found = lab.hear(stop=["\nUser:", "one sec.", "One sec."])
    assert [text for _, text in found.pieces] == heard
    assert found.ended == ["ok"]
