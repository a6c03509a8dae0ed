"""Answers in shapes that LiteLLM can't read, as it reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vui_gateway.providers.error_objects import ErrorFinder
from vui_gateway.providers.odd_events import as_event, mended

MESSAGE = {"role": "assistant", "content": "Hi."}


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b'\xef\xbb\xbfdata: {"a": 1}', b'data: {"a": 1}'),
        (b'{"delta":null}', b'{"delta":{}}'),
        (b'{"delta" : null, "x": null}', b'{"delta" : {}, "x": null}'),
        (b'{"created": 1757876416.5661082}', b'{"created": 1757876416}'),
    ],
)
def test_an_odd_shape_becomes_one_that_litellm_reads(data: bytes, read: bytes) -> None:
    assert mended(data) == read


@pytest.mark.parametrize(
    "text", ['He writes "delta": null.', 'It says "created": 1.5 there.', "\ufeffdata", "1.5"]
)
def test_a_text_that_looks_like_it_stays(text: str) -> None:
    data = json.dumps({"delta": {"content": text}}, ensure_ascii=False).encode()
    assert mended(data) == data


@pytest.mark.parametrize(
    "answer",
    [
        [], {}, {"choices": None}, {"choices": []}, {"choices": [7]},
        {"choices": [{"delta": {"content": "Hi."}}]},
        {"choices": [{"delta": {"content": "Hi."}, "message": MESSAGE}]},  # Perplexity's
        {"choices": [{"message": "Hi."}]},
    ],
)  # fmt: skip
def test_what_is_no_whole_answer_becomes_no_event(answer: Any) -> None:
    assert as_event(answer) == b""


def test_a_whole_answer_is_an_event_where_a_stream_was_asked_for() -> None:
    whole = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
    body = json.dumps(whole).encode()
    event = ErrorFinder(streamed=True).feed(body, final=True)
    (choice,) = json.loads(event.removeprefix(b"data: "))["choices"]
    assert (choice["delta"], choice["finish_reason"]) == (MESSAGE, "stop")
    assert ErrorFinder(streamed=False).feed(body, final=True) == body
