"""What vui asks of a model: conversations, stops, tools; and what is heard of the reply."""

from __future__ import annotations

from contextlib import aclosing

import httpx
from vui.serving.stream import tools as registry
from vui.serving.stream.llm import llm_stream_chunks

# fmt: off
STOPS = (
    "[Results", "[You asked", "\nUser:", "\nYou:", "one sec.", "One sec.", "hold on.", "Hold on.",
    "give me a sec.", "Give me a sec.",
)
# fmt: on
SYSTEM = {"role": "system", "content": "You are Vui."}
# A session begins with vui's greeting; a text chat doesn't.
GREETING = {"role": "assistant", "content": "Hey there, it's Vui, what can I help with?"}
HELLO = [SYSTEM, GREETING, {"role": "user", "content": "Hello"}]
# What vui's thoughts get of it while a task runs: `_evaluate` of vui/serving/stream/thoughts.py.
TASKS = {"role": "system", "content": "CURRENT TASKS:\n- [running] pasta timer"}
EVALUATE = [*HELLO, TASKS, {"role": "user", "content": "[evaluate]"}]
TEXT_CHAT = [SYSTEM, {"role": "user", "content": "Hello"}]
CONVERSATIONS = {
    "text chat": TEXT_CHAT,
    "two user turns": [*HELLO, {"role": "user", "content": "Are you there?"}],
    "empty assistant turn": [
        *HELLO,
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Hello again"},
    ],
    "system in the middle": [
        *HELLO,
        {"role": "assistant", "content": "Hi."},
        TASKS,
        {"role": "user", "content": "[evaluate]"},
    ],
    "a task that came later": [
        *HELLO,
        TASKS,
        {"role": "user", "content": "[evaluate]"},
        {"role": "assistant", "content": "Your pasta is done."},
        {"role": "system", "content": "CURRENT TASKS:\n- [done] pasta timer"},
        {"role": "user", "content": "[evaluate]"},
    ],
}


KNOBS = {"temperature": 0.0, "top_p": 0.9, "presence_penalty": 0.3}
EFFORTS = ("none", "minimal", "low", "high")
# Of a stand-in's reply, unless its script says otherwise.
HEARD = ["Yeah, doing alright.", "What about you?"]


async def heard(conversation: list[dict], stats: dict | None = None) -> list[str]:
    """What reaches speech synthesis of one reply, through vui's own chunker."""
    system, *turns = conversation
    chunks = llm_stream_chunks(turns, system["content"], stats=stats)
    async with aclosing(chunks):
        return [chunk async for chunk, _final in chunks]


async def heard_of(conversation: list[dict]) -> tuple[list[str], Exception | None]:
    """The same of a reply that may break off: what was heard, and what was raised then."""
    system, *turns = conversation
    chunks: list[str] = []
    try:
        async for chunk, _final in llm_stream_chunks(turns, system["content"]):
            chunks.append(chunk)
    except httpx.HTTPError as error:
        return chunks, error
    return chunks, None


def tools() -> list[dict]:
    """The tools that vui offers in its thoughts call."""
    if not registry.has_tool("no_action"):
        registry.load_tools()
    return registry.tools_list()
