"""How a provider falls ill in mid-stream: after so many frames or words, something else goes out.

`stall`, `reset`, `end` and `error-frame` work in every format, the others in OpenAI's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.providers.base import Script, StandIn

__all__ = ["FOREVER", "place", "strike"]

BEAT = 0.05  # seconds between two signs of life without a word
DRIBBLE = 3.0  # seconds between two words
MB = b"x" * 1_000_000

# Signs of life without a word, told for ever: what goes out first, and then again and again.
FOREVER: dict[str, tuple[str, dict[str, str]]] = {
    "keep-alives": ("", {}),
    "role-only": ("", {"role": "assistant"}),
    "empty-deltas": ("", {"content": ""}),
    "reasoning": ("", {"reasoning_content": "hm "}),
    "think": ("<think>", {"content": "hm "}),
    "thinking": ("<thinking>\n", {"content": "hm "}),
    "bracketed think": ("[THINK]", {"content": "hm "}),
}
# What a reply's only frame says of its end.
FINISHES = ("stop", "length", "content_filter")


def place(frames: list[bytes], script: Script) -> int:
    """The index of the frame before which the fault strikes; at the end for none."""
    if not script.fault:
        return len(frames)
    if script.words is None:
        return script.after if script.after >= 0 else len(frames) + script.after
    pieces = script.cut()
    told = 0
    for index, frame in enumerate(frames):
        if told < len(pieces) and json.dumps(pieces[told], ensure_ascii=False).encode() in frame:
            told += 1
        if told > script.words:
            return index
        if told == script.words == len(pieces):
            return index + 1
    return len(frames)


async def strike(
    stand_in: StandIn, body: dict, script: Script, rest: list[bytes]
) -> AsyncIterator[bytes]:
    """What goes out instead of the rest of the frames.

    Raises:
        ConnectionResetError: so that the server drops the connection.
    """
    fault = str(script.fault)
    if fault in FOREVER:
        opening, delta = FOREVER[fault]
        if opening:
            yield stand_in.frame(body, {"content": opening})
        for n in count():
            # LiteLLM ends a reply by itself that repeats one chunk.
            varied = {name: text.replace("hm", f"hm{n}") for name, text in delta.items()}
            yield stand_in.frame(body, varied) if delta else b": keep-alive\n\n"
            await asyncio.sleep(script.pace or BEAT)
    elif fault == "dribble":
        for frame in rest:
            await asyncio.sleep(script.pace or DRIBBLE)
            yield frame
    elif fault in FINISHES:
        yield stand_in.frame(body, {}, fault)
        yield rest[-1]
    elif fault in REWRITTEN:
        for frame in rest:
            yield REWRITTEN[fault](frame)
    elif fault in FLOODS:
        for flood in FLOODS[fault](stand_in, body):
            yield flood
            await asyncio.sleep(0)
        for frame in rest:
            yield frame
    elif fault == "error-frame":
        yield stand_in.error_frame("the model fell over")
    elif fault == "reset":
        raise ConnectionResetError("as told")
    elif fault == "stall":
        await asyncio.sleep(3600)
    else:
        assert fault == "end", f"no such fault: {fault}"


# ---- frames that are changed


def _no_choices(frame: bytes) -> bytes:
    return _changed(frame, lambda choice: [])


def _two_choices(frame: bytes) -> bytes:
    """A second choice, which says something else."""
    other = {"content": "Nonsense. "}
    return _changed(frame, lambda choice: [choice, {**choice, "index": 1, "delta": other}])


def _choices_in_turns(frame: bytes) -> bytes:
    """The second choice in a frame of its own, as OpenAI sends them."""
    other = _changed(frame, lambda choice: [{**choice, "index": 1, "delta": {"content": "Oh. "}}])
    return frame if other == frame else frame + other


def _changed(frame: bytes, change: Any) -> bytes:
    try:
        chunk = json.loads(frame.removeprefix(b"data: "))
        chunk["choices"] = change(chunk["choices"][0])
    except (ValueError, IndexError):  # `[DONE]`, and the usage chunk
        return frame
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


REWRITTEN = {
    "no-choices": _no_choices, "two-choices": _two_choices, "choices-in-turns": _choices_in_turns,
}  # fmt: skip


# ---- floods


def _long_line(stand_in: StandIn, body: dict) -> Iterator[bytes]:
    """50 MB in one line."""
    before, after = stand_in.frame(body, {"content": "CUT"}).split(b"CUT")
    yield before
    for _ in range(50):
        yield MB
    yield after


def _no_full_stop(stand_in: StandIn, body: dict) -> Iterator[bytes]:
    """A million words in one sentence, ten at a time."""
    for hundred in range(1000):
        # LiteLLM ends a reply by itself that repeats one chunk.
        texts = (f"and it went on {hundred} and {n} and more " for n in range(100))
        yield b"".join(stand_in.frame(body, {"content": text}) for text in texts)


def _newlines(stand_in: StandIn, body: dict) -> Iterator[bytes]:
    """20 MB of empty lines."""
    for _ in range(20):
        yield b"\n" * len(MB)


def _tags(stand_in: StandIn, body: dict) -> Iterator[bytes]:
    """200 KB of empty thoughts."""
    yield stand_in.frame(body, {"content": "<think></think>" * 13_000})


FLOODS = {
    "long-line": _long_line, "no-full-stop": _no_full_stop, "newlines": _newlines, "tags": _tags,
}  # fmt: skip
