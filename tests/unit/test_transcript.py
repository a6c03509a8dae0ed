import pytest

from tests.support.transcript import assert_transcript
from vui_litellm.errors import APOLOGY, SENTENCES

A = 'One is here. Two, or "more", follow! Pi is 3.14. Four'
B = "Alpha begins. Beta goes on. Omega ends."


def chunks(*texts: str, final: bool = True) -> list[tuple[str, bool]]:
    return [(text, final and n == len(texts)) for n, text in enumerate(texts, 1)]


WHOLE = {
    "the first": ["One is here.", 'Two, or "more", follow!', "Pi is 3.14.", "Four."],
    "the other": ["Alpha begins.", "Beta goes on.", "Omega ends."],
    "one chunk": [A],
    "the other goes on with new text": ["One is here.", "Alpha begins.", "Beta goes on.",
                                        "Omega ends."],
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_answer_is_one(case: str) -> None:
    heard = chunks(*WHOLE[case])
    assert assert_transcript(heard, [A, B]) == " ".join(WHOLE[case])
    assert_transcript(heard, [A, B], may_fail=True)


def test_the_same_answer_of_two_deployments_is_joined_anywhere() -> None:
    assert_transcript(chunks("Alpha begins.", "Beta goes on.", "Omega ends."), [B, B])


def test_a_long_sentence_is_whole_although_vui_cuts_it() -> None:
    long = ", ".join(f"w{n}" for n in range(30))
    cut = ", ".join(f"w{n}" for n in range(20)), ", ".join(f"w{n}" for n in range(20, 30)) + "."
    assert_transcript(chunks(*cut), [long])


BROKEN = {
    "nothing": [],
    "half of it": ["One is here.", 'Two, or "more", follow!'],
    "half a sentence, then the other": ["One is.", "Alpha begins.", "Beta goes on.", "Omega ends."],
    "in one breath": ["One is Alpha begins.", "Beta goes on.", "Omega ends."],
    "a repeated sentence": ["Alpha begins.", "Alpha begins.", "Beta goes on.", "Omega ends."],
    "one that comes back": ["Alpha begins.", "One is here.", "Alpha begins.", "Beta goes on.",
                            "Omega ends."],
    "a missing sentence": ["Alpha begins.", "Omega ends."],
    "both": ["Alpha begins.", "Beta goes on.", "Omega ends.", "One is here.", "Two or more follow.",
             "Pi is 3.14.", "Four."],
    "the other begins after the first ended": [A, "Alpha begins."],
    "something else": ["Alpha begins.", "Beta goes on.", "Omega ends.", "So there."],
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_anything_else_is_none(case: str) -> None:
    for may_fail in (False, True):
        with pytest.raises(AssertionError, match=r"nothing|isn't one whole|repeated"):
            assert_transcript(chunks(*BROKEN[case]), [A, B], may_fail=may_fail)


@pytest.mark.parametrize("finals", [(False, False), (True, True), (True, False)])
def test_the_last_chunk_alone_is_final(finals: tuple[bool, bool]) -> None:
    with pytest.raises(AssertionError, match="final"):
        assert_transcript([("Yes.", finals[0]), ("No.", finals[1])], ["Yes. No."])


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_failure_may_be_spoken_where_it_may_happen(sentence: str) -> None:
    for before in ([], ["Alpha begins."], ["One is here.", "Alpha begins."]):
        heard = chunks(*before, sentence, final=False)
        assert_transcript(heard, [A, B], may_fail=True)
        with pytest.raises(AssertionError, match="a failure was spoken"):
            assert_transcript(heard, [A, B])


def test_a_failure_may_end_a_sentence_where_it_is_cut() -> None:
    long = " ".join(f"w{n}" for n in range(100))
    for count, allowed in ((20, True), (40, True), (19, False)):
        heard = chunks(" ".join(long.split()[:count]) + ".", APOLOGY, final=False)
        if allowed:
            assert_transcript(heard, [long], may_fail=True)
        else:
            with pytest.raises(AssertionError, match="no answer begins with"):
                assert_transcript(heard, [long], may_fail=True)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["Beta goes on.", APOLOGY], "no answer begins with"),
        (["Alpha.", APOLOGY], "no answer begins with"),
        (["Alpha begins.", "Beta goes on.", "Omega ends.", APOLOGY], "follows a whole answer"),
        (["Alpha begins.", APOLOGY, "Beta goes on."], "something follows"),
        ([APOLOGY, APOLOGY], "two failures"),
    ],
)
def test_a_failure_comes_once_and_last_and_after_whole_sentences(
    texts: list[str], why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        assert_transcript(chunks(*texts, final=False), [A, B], may_fail=True)


def test_no_chunk_of_a_failed_reply_is_final() -> None:
    with pytest.raises(AssertionError, match="is final"):
        assert_transcript(chunks("Alpha begins.", APOLOGY), [B], may_fail=True)
