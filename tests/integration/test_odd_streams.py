"""Streams in shapes that servers have and OpenAI hasn't: each reply is heard whole, asked once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.matrix.conversations import HELLO, tools
from tests.providers.raw import RawProvider, head, raw_provider
from tests.support.harness import gateway
from tests.support.turns import Turns

TEXT = "Yeah, doing alright. What about you? Ça va très bien € 😀 merci."
REPLY = ["Yeah, doing alright.", "What about you?", "Ça va très bien € 😀 merci."]
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def chunk(delta: Any = None, finish: str | None = None, **fields: Any) -> dict:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    made = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**made, "choices": choices, **fields}


def data(*chunks: dict, end: bytes = b"\n\n", done: bool = True) -> bytes:
    lines = [json.dumps(one, ensure_ascii=False).encode() for one in chunks]
    return b"".join(b"data: " + line + end for line in [*lines, *[b"[DONE]"] * done])


STOP = chunk({}, "stop")
SAID = [*(chunk({"content": word}) for word in TEXT.replace(" ", " \0").split("\0")), STOP]
PLAIN = data(*SAID)
MESSAGE = {"role": "assistant", "content": TEXT}
WHOLE = {**STOP, "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
COMMENT = b"\n\n: OPENROUTER PROCESSING\n\n"
LAST = [chunk({}, "stop", usage=USAGE | {"prompt_tokens_details": None, "cost": 0.1})]
STREAMS: dict[str, list[bytes]] = {
    "CRLF": [data(*SAID, end=b"\r\n\r\n")],
    "a byte order mark": [b"\xef\xbb\xbf" + PLAIN],
    "no DONE": [data(*SAID, done=False)],
    "comments": [COMMENT[2:] * 3 + PLAIN.replace(b"\n\n", COMMENT)],
    "other lines": [b"retry: 10\n" + PLAIN.replace(b"data: {", b"event: message\nid: 7\ndata: {")],
    "no space": [PLAIN.replace(b"data: ", b"data:")],
    "one byte at a time": [bytes([byte]) for byte in PLAIN],
    "a role first": [data(chunk({"role": "assistant", "content": None}), *SAID)],
    "no choices first": [data(chunk(choices=[], prompt_filter_results=[]), *SAID)],
    "delta null first": [data(chunk(None), *SAID)],
    "delta null last": [data(*SAID[:-1], chunk(None, "stop"))],
    "usage last": [data(*SAID, chunk(choices=[], usage=USAGE))],
    "usage in each": [data(*({**one, "usage": USAGE} for one in SAID))],
    "usage with more": [data(*SAID[:-1], *LAST)],
    "another end": [data(*SAID[:-1], chunk({}, "eos"))],
    "nulls": [data(*({**one, "id": None, "created": None, "model": None} for one in SAID))],
    "a time with a fraction": [data(*({**one, "created": 1757876416.566} for one in SAID))],
    "a whole answer": [json.dumps(WHOLE).encode()],
    "a whole answer of many lines": [json.dumps(WHOLE, indent=2).encode()],
    "a whole answer as an event": [data(WHOLE)],
}


@dataclass
class Odd(Turns):
    """Groups `openai SHAPE`, and `azure SHAPE`, which LiteLLM asks by OpenAI's SDK."""

    raw: RawProvider


def answer(request: bytes) -> Iterator[object]:
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    pieces = STREAMS[body["model"].replace("_", " ")]
    if body.get("stream"):
        whole = not pieces[0].strip().startswith((b"{", b"["))
        yield head(kind="text/event-stream" if whole else "application/json")
        yield from pieces
    else:
        yield head(kind="application/json") + json.dumps(WHOLE | {"created": 1.5}).encode()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    with ExitStack() as stack:
        raw = stack.enter_context(raw_provider(answer))
        at = {"openai": f"{raw.url}/v1", "azure": raw.url}
        models = []
        for provider, name in [(one, name) for one in at for name in STREAMS]:
            params = {"model": f"{provider}/{name.replace(' ', '_')}", "api_key": "k"}
            params |= {"api_base": at[provider], "api_version": "2024-10-21"}
            models += [{"model_name": f"{provider} {name}", "litellm_params": params}]
        folder, env = tmp_path_factory.mktemp("odd"), {"VUI_LITELLM_HEDGE": "0"}
        yield Odd(stack.enter_context(gateway(folder, {"model_list": models}, env)), raw)


@pytest.mark.parametrize("provider", ["openai", "azure"])
@pytest.mark.parametrize("shape", STREAMS)
async def test_a_stream_of_another_shape_is_heard_whole(
    odd: Odd, shape: str, provider: str
) -> None:
    odd.raw.seen.clear()
    assert await odd.reply(f"{provider} {shape}") == (REPLY, None)
    # A connection is opened beforehand by a HEAD, which costs nothing.
    assert sum(seen.startswith(b"POST") for seen in odd.raw.seen) == 1


async def test_thoughts_with_a_time_with_a_fraction_are_read(odd: Odd) -> None:
    backend = odd.backend("openai no DONE")
    assert (await backend.complete(HELLO, tools=tools()))["content"] == TEXT
    await backend.aclose()
