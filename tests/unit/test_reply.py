"""From raw text to sentences, held against vui's own chunker."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterable
from unittest.mock import patch

import pytest
from vui.serving.stream import llm
from vui_gateway.turns.reply import Reply

from tests.support.said import cuts, heard

TEXTS = [
    "It is sunny. It stays so all day.",
    "Really?! Yes. No... maybe. [laugh] Well!",
    'She said "go." Then she went. (He did not.) So it is.',
    "It is 3.5 degrees. At 10 a.m. it rains",
    "Wait, what? I mean: no! [sigh] Fine.",
    "One.\nTwo!\n\nThree",
]
LONG = " ".join(f"word{n}" for n in range(55)) + ". And then?"


def chunks(tokens: Iterable[str]) -> list[tuple[str, bool]]:
    """The sentences that vui speaks, when a backend gives these tokens."""

    class Backend:
        async def stream(self, *_: object, **__: object) -> AsyncIterator[str]:
            for token in tokens:
                yield token

    async def run() -> list[tuple[str, bool]]:
        chunker = inspect.unwrap(llm.llm_stream_chunks)  # others may have made it speak sooner
        return [chunk async for chunk in chunker([], "")]

    with patch.object(llm, "get_backend", Backend):
        return asyncio.run(run())


def released(text: str, size: int) -> list[str]:
    """The pieces that a gateway sends of a reply which comes in so many characters at a time."""
    reply = Reply()
    pieces = []
    for at in range(0, len(text), size):
        reply.feed(text[at : at + size])
        pieces.append(reply.release())
    reply.feed("", final=True)
    return [piece for piece in [*pieces, reply.release(final=True)] if piece]


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("text", TEXTS)
def test_vui_makes_the_same_sentences_of_our_pieces_as_of_the_whole_reply(
    text: str, size: int
) -> None:
    assert chunks(released(text, size)) == chunks([text])


def test_a_sentence_without_an_end_is_cut_where_vui_cuts_it() -> None:
    assert chunks(released(LONG, 1)) == chunks(f"{word} " for word in LONG.split())


@pytest.mark.parametrize("text", [*TEXTS, LONG])
def test_each_piece_but_the_last_ends_in_a_space_which_promises_more(text: str) -> None:
    *before, last = released(text, 3)
    assert all(piece.endswith(" ") for piece in before)
    assert last == last.rstrip()


def test_a_sentence_is_whole_when_the_next_begins_as_a_stop_phrase_might() -> None:
    reply = Reply(stops=("one sec.",), plain=True)
    reply.feed("It came back.")
    reply.feed(" So")  # "o" may become "one sec."
    assert reply.release() == "It came back. "


@pytest.mark.parametrize(
    "text",
    ["Dear friend, I am leaving due to [reason]. Thanks a lot for all.", "It is a [thought].",
     "<analysis-result>It is good.</analysis-result>", "It is so.\n\n### Response:\nThank you.",
     'The config is {"method": "GET", "params": {"q": 1}}. Good.'],
)  # fmt: skip
def test_a_text_that_looks_like_a_tag_loses_no_word(text: str) -> None:
    for pieces in cuts(text, 2):
        reply = Reply()
        for piece in pieces:
            reply.feed(piece)
        reply.feed("", final=True, cut_off=True)
        assert reply.release(final=True).split() == text.split(), pieces


def test_code_of_a_tool_is_not_heard() -> None:
    code = "<|python_tag|>from datetime import datetime\nprint(datetime.now())"
    for pieces in cuts(code, 2):
        assert heard(pieces) == "", pieces
