"""A sentence is spoken when the next one begins, and nothing else about vui's chunks changes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vui.serving.stream import llm, llm_backend

from tests.matrix.conversations import HELLO
from tests.support.report import LONG
from tests.unit.test_backend import answering, stream_of
from vui_litellm import install
from vui_litellm.errors import APOLOGY, GatewayError
from vui_litellm.patches.speech import speak_sooner
from vui_litellm.stream import LONE_STOP, WHOLE_SENTENCES
from vui_litellm.tools.preflight import is_known

# The module's own, as it is before anybody patches it.
VUIS_OWN = getattr(llm.llm_stream_chunks, "__wrapped__", llm.llm_stream_chunks)
Chunks = list[tuple[str, bool]]


class Says(llm_backend.LLMBackend):
    """A backend that says these tokens, and notes what was asked of it."""

    promises_more = False

    def __init__(self, *tokens: str, pause: float = 0, error: Exception | None = None) -> None:
        super().__init__("m", "http://gateway")
        self.tokens, self.pause, self.error = tokens, pause, error
        self.said = 0
        self.closed = False

    async def stream(self, messages: list[dict], **_: Any) -> AsyncGenerator[str]:
        try:
            for token in self.tokens:
                if self.pause:
                    await asyncio.sleep(self.pause)
                self.said += 1
                yield token
            if self.error:
                raise self.error
        finally:
            self.closed = True


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_backend, "_BACKEND", None)
    monkeypatch.setattr(llm_backend, "make_backend", llm_backend.make_backend)
    monkeypatch.setattr(llm, "llm_stream_chunks", VUIS_OWN)
    speak_sooner()


async def heard(backend: Any, chunker: Any = None, **options: Any) -> Chunks:
    llm_backend.set_backend(backend)
    chunks: Chunks = []
    with suppress(httpx.HTTPError):
        async for chunk in (chunker or llm.llm_stream_chunks)(HELLO, "soul", **options):
            chunks.append(chunk)
    return chunks


def events(backend: Says, chunker: Any) -> list[Any]:
    """How many tokens had been said when each chunk came."""

    async def listen() -> list[Any]:
        llm_backend.set_backend(backend)
        return [(backend.said, chunk) async for chunk in chunker(HELLO)]

    return asyncio.run(listen())


# ---- the same chunks

PIECES = st.sampled_from(
    ["Hello", " there", " 3.14", ".", "!", "?", "...", "。", '"', "'", ")", "]", "[laugh]", "[",
     " ", "\n", "  ", ",", ";", ":", "-", "—", "😀", "Dr.", " e.g.", " U.S.", "a b c d e f", ". ",
     "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=80)


@st.composite
def replies(draw: st.DrawFn) -> list[str]:
    """A text, cut into tokens anywhere."""
    text = draw(TEXTS).replace("\u2060", "")
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=len(text))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]


@settings(max_examples=1500 if LONG else 500, deadline=None)
@given(replies(), st.sampled_from([1, 2, 5, 20, 60]))
@example(["One.", '"', " Two"], 20)
@example(["First. Second. ", "Third"], 20)
@example(["Hmm.", ".", " ", ",", " So."], 20)
@example(["Pi is 3.", "14", "."], 20)
@example(["One. ", "-,;: "], 20)
def test_the_chunks_are_vuis_own_and_none_comes_later(tokens: list[str], words: int) -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        told = []
        for chunker in (VUIS_OWN, llm.llm_stream_chunks):
            llm_backend.set_backend(backend := Says(*tokens))
            chunks = chunker(HELLO, "soul", words)
            told.append([(backend.said, chunk) async for chunk in chunks])
        return told[0], told[1]

    own, ours = asyncio.run(both())
    assert [chunk for _, chunk in ours] == [chunk for _, chunk in own]
    assert all(ours[i][0] <= own[i][0] for i in range(len(own)))
    assert [final for _, (_, final) in ours] == [False] * (len(ours) - 1) + [True] * bool(ours)
    assert not any(LONE_STOP in chunk for _, (chunk, _) in ours)


def test_a_sentence_is_handed_out_at_the_first_token_of_the_next() -> None:
    tokens = ["One", " two", ".", " Three", " four", ".", " Five", "!"]
    assert events(Says(*tokens), VUIS_OWN) == [
        (6, ("One two.", False)), (8, ("Three four.", False)), (8, ("Five!", True)),
    ]  # fmt: skip
    assert events(Says(*tokens), llm.llm_stream_chunks) == [
        (4, ("One two.", False)), (7, ("Three four.", False)), (8, ("Five!", True)),
    ]  # fmt: skip


async def test_the_first_chunk_comes_by_the_clock_a_sentence_sooner() -> None:
    tokens = ["One", " two", ".", *[" more"] * 12, "."]
    for chunker, least, most in ((VUIS_OWN, 0.3, 9.0), (None, 0.0, 0.25)):
        llm_backend.set_backend(Says(*tokens, pause=0.02))
        began = time.perf_counter()
        async with aclosing((chunker or llm.llm_stream_chunks)(HELLO)) as chunks:
            assert await anext(chunks) == ("One two.", False)
        assert least < time.perf_counter() - began < most


@pytest.mark.parametrize(
    ("tokens", "at"),
    [
        (["One. Two", " three", "."], [1, 3]),  # in one token
        (["One. Two. Three"], [1, 1, 1]),
        (["One.", '" ', "Two", "."], [2, 4]),  # the quotation mark is the next one's, to vui
        (["One.", " \n ", "-", " two"], [4, 4]),  # it could be the end as long as only that came
        (["It is 3.14", ".", " [laugh]", " Yes", "."], [3, 5]),
    ],
)
def test_it_is_the_first_sign_of_a_next_one_that_tells(tokens: list[str], at: list[int]) -> None:
    assert [said for said, _ in events(Says(*tokens), llm.llm_stream_chunks)] == at


# ---- behind our gateway


class Promises(Says):
    promises_more = True


def test_a_gateway_that_promises_more_is_believed_at_the_space() -> None:
    tokens = ["One two. ", "Three four. ", "Five."]
    told = [(1, ("One two.", False)), (2, ("Three four.", False)), (3, ("Five.", True))]
    assert events(Promises(*tokens), llm.llm_stream_chunks) == told
    later = [(2, told[0][1]), (3, told[1][1]), (3, told[2][1])]
    assert events(Says(*tokens), llm.llm_stream_chunks) == later


def test_the_last_sentence_of_such_a_gateway_is_final() -> None:
    for tokens in (
        ["One."],
        ["One. ", "Two"],
        ["One. ", "Two.\n"],
        ["It has ", "3. "],
        ["a " * 30],
    ):
        for words in (5, 20, 60):
            own = asyncio.run(heard(Promises(*tokens), VUIS_OWN, max_words=words))
            if tokens[-1] != "3. ":  # which breaks its promise
                assert asyncio.run(heard(Promises(*tokens), max_words=words)) == own


async def test_the_promise_is_a_header_of_the_gateways() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        response = stream_of("One. ", "Two.")
        response.headers[WHOLE_SENTENCES] = "1"
        return response

    backend, _ = answering(answer)
    assert not backend.promises_more
    assert await heard(backend) == [("One.", False), ("Two.", True)]
    assert backend.promises_more
    backend, _ = answering(lambda _: stream_of("One. ", "Two."))
    assert await heard(backend) == [("One.", False), ("Two.", True)]
    assert not backend.promises_more


# ---- a filler

FILLER = "Hmm, let me think. "


def filling(*later: str, pause: float = 0.2, done: bool = True) -> Any:
    """A gateway that says a filler at once, and the rest after a pause."""

    async def arriving() -> AsyncGenerator[bytes]:
        async for part in stream_of(FILLER, done=False).aiter_raw():
            yield part
        await asyncio.sleep(pause)
        async for part in stream_of(*later, done=done).aiter_raw():
            yield part

    headers = {"content-type": "text/event-stream", WHOLE_SENTENCES: "1"}
    return answering(lambda _: httpx.Response(200, content=arriving(), headers=headers))[0]


@pytest.mark.parametrize(
    ("later", "done", "chunks"),
    [
        (["One."], True, [("One.", True)]),
        (["One. ", "Two."], True, [("One.", False), ("Two.", True)]),
        (
            ["One. ", FILLER, "Two. ", "Three."],
            True,
            [("One.", False), (FILLER.strip(), False), ("Two.", False), ("Three.", True)],
        ),
        ([], False, [(APOLOGY, False)]),
        (["One. ", FILLER], False, [("One.", False), (FILLER.strip(), False), (APOLOGY, False)]),
    ],
)
async def test_a_filler_is_spoken_at_once_and_is_never_the_last(
    later: list[str], done: bool, chunks: Chunks
) -> None:
    llm_backend.set_backend(filling(*later, done=done))
    began, found, at = time.perf_counter(), [], []
    with suppress(httpx.HTTPError):
        async for chunk in llm.llm_stream_chunks(HELLO):
            found.append(chunk)
            at.append(time.perf_counter() - began)
    assert found == [(FILLER.strip(), False), *chunks]
    assert at[0] < 0.15
    assert at[1] > 0.19


async def test_a_barge_in_during_a_filler_ends_the_reply() -> None:
    llm_backend.set_backend(backend := filling("Never heard.", pause=30))
    asyncio.get_running_loop().call_later(0.1, backend.barge_in)
    async with asyncio.timeout(1):
        assert [chunk async for chunk in llm.llm_stream_chunks(HELLO)] == [(FILLER.strip(), False)]


# ---- how a reply ends


@pytest.mark.parametrize("stop", ["One sec.", "hold on.", "[Results"])
async def test_what_follows_may_be_a_stop_phrase_and_the_sentence_is_still_the_last(
    stop: str,
) -> None:
    pieces = [stop[:2], stop[2:5], stop[5:]]
    backend, _ = answering(lambda _: stream_of("Let me look.", " ", *pieces, " Never."))
    assert await heard(backend) == [("Let me look.", True)]


@pytest.mark.parametrize(
    ("said", "before"),
    [
        (["One. ", "Two three"], [("One.", False), ("Two three.", False)]),
        (["One.", " "], [("One.", False)]),
        (["One.", " Two."], [("One.", False), ("Two.", False)]),
        (["One", " four"], [("One four.", False)]),
        ([], []),
    ],
)
async def test_a_failures_sentence_comes_last_and_alone(said: list[str], before: Chunks) -> None:
    backend, _ = answering(lambda _: stream_of(*said, done=False))
    assert await heard(backend) == [*before, (APOLOGY, False)]


async def test_a_failure_is_still_raised() -> None:
    backend, _ = answering(lambda _: stream_of("One. ", "Two", done=False), speak_errors=False)
    llm_backend.set_backend(backend)
    with pytest.raises(GatewayError):
        _ = [chunk async for chunk in llm.llm_stream_chunks(HELLO)]


async def test_a_barge_in_between_two_sentences_closes_the_stream() -> None:
    llm_backend.set_backend(backend := Says("One.", " Two", ".", " Three", "."))
    async with aclosing(llm.llm_stream_chunks(HELLO)) as chunks:
        assert await anext(chunks) == ("One.", False)
    for _ in range(5):  # the event loop closes what vui leaves open
        await asyncio.sleep(0)
    assert backend.closed
    assert backend.said == 2


async def test_what_isnt_for_the_chunker_has_no_lone_stop() -> None:
    backend, _ = answering(lambda _: stream_of("One.", " Two."))
    llm_backend.set_backend(backend)
    tokens = llm_backend.get_backend().stream(HELLO, max_tokens=9)  # as vui's speculation does
    assert "".join([token async for token in tokens]) == "One. Two."


# ---- an unknown vui


get_backend = llm_backend.get_backend


async def gathers(messages: list[dict], *_: Any) -> AsyncGenerator[tuple[str, bool]]:
    yield "".join([token async for token in get_backend().stream(messages)]), True


async def looks_ahead(messages: list[dict], *_: Any) -> AsyncGenerator[tuple[str, bool]]:
    sentence = ""
    async for token in get_backend().stream(messages):
        if token.startswith(" "):
            yield sentence, False
            sentence = ""
        sentence += token
    yield sentence, True


async def waits(*_: Any) -> AsyncGenerator[tuple[str, bool]]:
    await asyncio.sleep(0)
    yield "One.", True


async def has_ones_own(_: list[dict], *, prompt: str) -> AsyncGenerator[tuple[str, bool]]:
    yield prompt, True


def plain(*_: Any) -> list[tuple[str, bool]]:
    return [("One.", True)]


@pytest.mark.parametrize("chunker", [gathers, looks_ahead, waits, has_ones_own, plain, None])
def test_a_chunker_that_isnt_the_known_one_stays(
    chunker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_known(chunker)
    monkeypatch.setattr(llm, "llm_stream_chunks", chunker)
    install()
    assert llm.llm_stream_chunks is chunker


def test_it_is_installed_once() -> None:
    assert is_known(VUIS_OWN)
    installed = llm.llm_stream_chunks
    assert installed is not VUIS_OWN
    install()
    assert llm.llm_stream_chunks is installed


def test_what_is_spoken_needs_no_numpy() -> None:
    without = "import sys; sys.modules['numpy'] = None; import importlib.util as u; u.find_spec = "
    without += "lambda name, find=u.find_spec: None if name == 'numpy' else find(name); "
    without += "from vui_litellm.patches.speech import spoken; print(spoken('**Hi** `there`.'))"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
    assert done.stdout == "Hi there.\n", done.stderr
