"""LiteLLM's record of a stream is the same when it is made from few chunks."""

from __future__ import annotations

from typing import Any

import pytest
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices, Usage
from vui_gateway.litellm_proxy import patches

USAGE = Usage(prompt_tokens=8300, completion_tokens=12, total_tokens=8312)
CALL = {"index": 0, "id": "1", "type": "function", "function": {"name": "add", "arguments": "{"}}
REST = {"index": 0, "function": {"arguments": "}"}}
BLOCK = {"type": "thinking", "thinking": "so", "signature": "x"}


def chunk(finish: str | None = None, usage: Usage | None = None, **delta: Any) -> Any:
    choices = [StreamingChoices(index=0, finish_reason=finish, delta=Delta(**delta))]
    made = ModelResponseStream(id="c", created=7, model="gpt-4.1-mini", choices=choices)
    if usage:
        made.usage = usage
    return made


TEXT = [chunk(content=f"word {n} ") for n in range(40)]
THOUGHTS = [chunk(reasoning_content=f"thought {n} ") for n in range(40)]
LAST = chunk(finish="stop")
BILL = ModelResponseStream(id="c", created=7, model="gpt-4.1-mini", choices=[])
BILL.usage = USAGE

STREAMS = {
    "text": [chunk(role="assistant", content=""), *TEXT, LAST, BILL],
    "text whose first chunk names the role": [chunk(role="assistant", content="A "), *TEXT, LAST],
    "thoughts, then text": [*THOUGHTS, *TEXT, LAST, BILL],
    "text, then a call": [*TEXT, chunk(tool_calls=[CALL]), chunk(tool_calls=[REST]), LAST, BILL],
    "usage with every chunk": [chunk(content="a ", usage=USAGE) for _ in range(9)],
    "usage before the text": [chunk(usage=USAGE, content=""), *TEXT, LAST],
    "nobody says the usage": [*TEXT, LAST],
    "nothing": [LAST],
}


@pytest.mark.parametrize("name", STREAMS)
def test_the_record_of_a_stream_is_the_same_from_few_chunks(name: str) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    whole = patches._stream_chunk_builder(STREAMS[name], messages).model_dump()
    few = patches._build_from_few(STREAMS[name], messages).model_dump()

    assert few == whole


def test_litellm_gets_few_chunks_of_a_long_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(patches, "_stream_chunk_builder", lambda chunks, *_: seen.extend(chunks))
    blocks = [chunk(reasoning_content="so ", thinking_blocks=[BLOCK]) for _ in range(2000)]

    patches._build_from_few([*blocks, *TEXT, LAST, BILL])

    assert len(seen) == 4
    assert [c.choices[0].delta.content for c in TEXT] == [f"word {n} " for n in range(40)]


def test_what_is_no_text_of_the_only_choice_stays_as_it_is() -> None:
    two = chunk(content="a")
    two.choices = [*two.choices, *two.choices]
    counted = chunk(content="a")
    counted._hidden_params = {"usage": USAGE}
    others: list[Any] = [
        two,
        counted,
        LAST,
        BILL,
        chunk(content="a", tool_calls=[CALL]),
        {"usage": 1},
    ]

    assert [patches._text_alone(c) for c in others] == [None] * len(others)
