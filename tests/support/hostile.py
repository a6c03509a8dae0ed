"""Answers of a hostile provider: bombs, floods, and what no server would send."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

from tests.providers.base import sse
from tests.providers.raw import Answer, head

__all__ = ["JSON", "MB", "PROVIDER_ATTACKS", "USAGE_FRAME", "WHOLE", "Attack", "chunk", "once"]

MB = 1_000_000


def chunk(text: str) -> bytes:
    delta = {"role": "assistant", "content": text}
    shared = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return sse({**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def page(size: int, status: int = 500) -> Iterator[bytes]:
    yield head(status, "text/html")
    yield from [b"<p>Some error, please try again.</p>\n" * (MB // 37)] * (size // MB)


def answers(*pieces: bytes, status: int = 200, kind: str = "", **headers: str) -> Answer:
    """These pieces, and the last one for ever."""
    kind = kind or ("text/event-stream" if status == 200 else "application/json")
    return lambda _: chain([head(status, kind, **headers), *pieces], repeat(pieces[-1]))


def once(*pieces: bytes, status: int = 200, kind: str = "", **headers: str) -> Answer:
    kind = kind or ("text/event-stream" if status == 200 else "application/json")
    return lambda _: iter([head(status, kind, **headers), *pieces])


def bomb(encode: Callable[[], Any]) -> bytes:
    """200 MB, compressed."""
    encoder = encode()
    return b"".join(encoder.compress(b"x" * MB) for _ in range(200)) + encoder.flush()


# LiteLLM's search for secrets begins anew at each beginning, and looks for each end.
CHOSEN = json.dumps({"error": {"message": ("-----BEGIN PRIVATE KEY-----" * 200)[:5000]}}).encode()

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}

USAGE_FRAME = sse({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": USAGE})

JSON = "application/json"

WHOLE = (
    b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"finish_reason":"stop","message":{"role":"assistant","content":"a"}}]'
)


def gzipped() -> Any:
    return zlib.compressobj(9, zlib.DEFLATED, 31)


class Attack(NamedTuple):
    """What was measured before, what the provider answers, and whether to a streamed call."""

    before: str
    answer: Answer
    stream: bool = True


PROVIDER_ATTACKS = {
    "error page of 1 MB": Attack("stalled 4.7 s", lambda _: page(MB)),
    "error page of 10 MB": Attack("stalled 29 s", lambda _: page(10 * MB)),
    "error of 5 KB, chosen pattern": Attack("stalled 7.3 s", once(CHOSEN, status=500)),
    "the same in mid-stream": Attack(
        "stalled 11.8 s", once(chunk("Hello. "), b"data: " + CHOSEN + b"\n\n")
    ),
    "the same to thoughts": Attack("stalled 11.2 s", once(CHOSEN, status=500), False),
    "error frame of 900 KB": Attack(
        "stalled 2.3 s", once(chunk("Hello. "), sse({"error": {"message": "<p>no</p>" * 100_000}}))
    ),
    "gzip bomb as an error, 200 MB": Attack(
        "stalled 4 minutes", once(bomb(gzipped), status=500, content_encoding="gzip")
    ),
    "gzip bomb as a reply, 200 MB": Attack(
        "+395 MB, stalled 0.5 s", once(bomb(gzipped), content_encoding="gzip")
    ),
    "deflate bomb as a reply, 200 MB": Attack(
        "no bound", once(bomb(zlib.compressobj), content_encoding="deflate")
    ),
    "gzip within gzip": Attack(
        "no bound", once(gzip.compress(gzip.compress(b"x" * MB)), content_encoding="gzip, gzip")
    ),
    "brotli, zstd": Attack("no bound", once(b"\x0b\x02", content_encoding="br")),
    "error body of a byte each 50 ms": Attack(
        "no end of its own",
        lambda _: chain([head(500)], chain.from_iterable(repeat((b"x", 0.05)))),
    ),
    "line of 50 MB": Attack("+820 MB", once(b"data: ", *[b"x" * MB] * 50)),
    "endless reply": Attack(
        "+800 MB a minute", answers(b"".join(chunk(f"and {n} more, " * 16) for n in range(1000)))
    ),
    "usage frames without end": Attack("stalled 1 s, +256 MB", answers(USAGE_FRAME * 1000)),
    "comments without end": Attack("stalled 63 s, +290 MB, for ever", answers(b":\n" * 100_000)),
    "empty lines without end": Attack("no end", answers(b"\n" * 100_000)),
    "carriage returns without end": Attack("no end", answers(b"\r" * 100_000)),
    "empty events without end": Attack("no end", answers(b"data:\r\n\r\n" * 10_000)),
    "headers without end": Attack(
        "a clean failure already",
        lambda _: chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"a: b\r\n" * 999)),
    ),
    "`100 Continue` without end": Attack(
        "stalled 2.7 s, +146 MB", lambda _: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    ),
    "trailers without end": Attack(
        "a clean failure already",
        lambda _: chain(
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n"],
            repeat(b"a: b\r\n" * 1000),
        ),
    ),
    "JSON 100,000 levels deep": Attack(
        "a clean failure already", once(b"data: " + b"[" * 100_000 + b"\n\n")
    ),
    "thoughts 100,000 levels deep": Attack(
        "stalled 0.5 s", once(b'{"choices":' + b"[" * 100_000, kind=JSON), False
    ),
    "thoughts of 100 MB": Attack(
        "ended at 1 MB", once(b'{"choices":"', *[b"x" * MB] * 100, kind=JSON), False
    ),
    "thoughts with 60,000 keys": Attack(
        "stalled 0.4 s",
        once(WHOLE, *(b',"k%d":1' % n for n in range(60_000)), b"}", kind=JSON),
        False,
    ),
    "numbers of 4,000 digits": Attack(
        "a clean failure",
        once(WHOLE + b',"usage":{"prompt_tokens":' + b"9" * 4000 + b"}}", kind=JSON),
        False,
    ),
}  # fmt: skip
