"""Everything that a vui turn needs of a provider: a point raises where it doesn't hold."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.matrix.arms import Arm
from tests.matrix.conversations import (
    CONVERSATIONS,
    EFFORTS,
    EVALUATE,
    HEARD,
    HELLO,
    KNOBS,
    STOPS,
    heard,
    heard_of,
    tools,
)
from tests.matrix.families import FAMILIES, Family
from tests.support.poll import until
from vui_litellm.errors import SENTENCES

MANY = {"temperature": 0.3, "top_p": 0.9, "presence_penalty": 0.3}


async def reply(lab: Arm, family: Family) -> None:
    """The streamed reply arrives whole, with usage for the context gauge."""
    lab.stand_ins[family.name].clear(text="Ça va très bien. And you — how's it going?")
    async with lab.backend(family):
        stats: dict = {}
        chunks = await heard(lab.hello, stats)
        assert chunks == ["Ça va très bien.", "And you — how's it going?"], chunks
        assert stats.get("ctx_used") == 1212, f"usage is {stats}"
        assert stats.get("ctx_max"), "the context gauge has no end"


async def stops(lab: Arm, family: Family) -> None:
    """All ten stops hold, split or not; a false start is released; the provider's call ends."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for stop in STOPS:
            middle = len(stop) // 2
            pieces = ["Yeah, ", stop[:middle], stop[middle:], " never", " heard."]
            stand_in.clear(pieces=pieces)
            text = " ".join(await heard(lab.hello))
            assert "never" not in text, f"{stop!r} didn't hold: {text!r}"
        stand_in.clear(pieces=["Hold", " on", " to that", " thought."])
        assert await heard(lab.hello) == ["Hold on to that thought."]
        stand_in.clear(pieces=["Yeah, one sec."] + [" More and more."] * 300, pace=0.01)
        await heard(lab.hello)
        await backend.aclose()
        await until(lambda: stand_in.seen[0].closed_at, 3, "the call ends")
        assert stand_in.seen[0].sent < 100


async def thoughts(lab: Arm, family: Family) -> None:
    """A tool is picked and its arguments are a dict, whatever the model wrote."""
    stand_in = lab.stand_ins[family.name]
    if not family.tools:
        await no_thoughts(lab, family)
        return
    async with lab.backend(family) as backend:
        for raw, expected in (('{"text": "Name is Ada"}', {"text": "Name is Ada"}),
                              ("", {}), ('{"text": ', {})):  # fmt: skip
            stand_in.clear(tool="add_memory", arguments=raw)
            # vui's thoughts send the time of each turn along.
            turns = [*HELLO[:-1], {**HELLO[-1], "ts": 1.5}, *EVALUATE[len(HELLO) :]]
            result = await backend.complete(turns, tools=tools(), temperature=0.0)
            function = result["tool_calls"][0]["function"]
            assert function["name"] == "add_memory"
            assert function["arguments"] == expected, function
        stand_in.clear(tool="no_action")
        result = await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
        assert result["tool_calls"][0]["function"]["name"] == "no_action"
        assert "pasta timer" in json.dumps(stand_in.seen[-1].body), "the tasks were lost"


async def no_thoughts(lab: Arm, family: Family) -> None:
    """A model without tools isn't asked for thoughts: they are answered, and cost nothing."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        stand_in.clear()
        result = await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
        assert not result.get("tool_calls")
        assert not stand_in.seen, "a call that no tool can come of was paid for"


async def conversations(lab: Arm, family: Family) -> None:
    """Any conversation that vui has is accepted, in the reply and in the thoughts call."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for name, messages in CONVERSATIONS.items():
            stand_in.clear()
            assert await heard(messages), name
            await backend.complete(messages, tools=tools(), temperature=0.0)
            sent = json.dumps(stand_in.seen[-1].body)
            assert messages[-1]["content"] in sent, name
            assert "pasta timer" in sent or "pasta timer" not in json.dumps(messages), name
            assert {seen.status for seen in stand_in.seen} == {200}, name


async def one_request(lab: Arm, family: Family) -> None:
    """The provider sees one request for a call, and accepts it."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        stand_in.clear()
        assert await heard(HELLO) == HEARD
        await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
        assert [seen.status for seen in stand_in.seen] == [200, 200][: 1 + family.tools]


async def knobs(lab: Arm, family: Family) -> None:
    """A knob that is named arrives where it is taken, and nowhere else."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        for knob, value in KNOBS.items():
            stand_in.clear()
            async for _ in backend.stream(HELLO, **{knob: value}):
                pass
            assert [seen.status for seen in stand_in.seen] == [200], knob
            got = stand_in.knob(stand_in.seen[0].body, knob)
            assert got == (value if knob in family.takes else None), f"{knob}: {got}"
        stand_in.clear()
        async for _ in backend.stream(HELLO, **MANY):
            pass
        assert [seen.status for seen in stand_in.seen] == [200], "all three together"
        stand_in.clear()
        async for _ in backend.stream(HELLO):
            pass
        left = {knob for knob in KNOBS if stand_in.knob(stand_in.seen[0].body, knob) is not None}
        assert not left, f"nobody named {left}"


async def thinking(lab: Arm, family: Family) -> None:
    """No thinking before a spoken reply; none of it is spoken; a named effort is accepted."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family) as backend:
        stand_in.clear(reasoning="Hmm pondering aloud")
        text = " ".join(await heard(HELLO))
        await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
        for seen in stand_in.seen:
            assert family.learned or not stand_in.thinks(seen.body), seen.body
        assert "pondering" not in text
    for effort in EFFORTS:
        async with lab.backend(family, reasoning_effort=effort) as backend:
            stand_in.clear(reasoning="Hmm pondering aloud")
            text = " ".join(await heard(HELLO))
            assert "doing alright" in text, f"{effort}: {text}"
            assert "pondering" not in text, effort
            await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
            statuses = [seen.status for seen in stand_in.seen]
            assert statuses == [200, 200][: 1 + family.tools], effort


async def switching(lab: Arm, family: Family) -> None:
    """In mid-conversation to the next family and back; a model that is gone keeps this one."""
    following = FAMILIES[(FAMILIES.index(family) + 1) % len(FAMILIES)]
    conversation = list(HELLO)
    await lab.learn(following, following.name)
    async with lab.backend(family) as backend:
        for member in (family, following, family):
            lab.stand_ins[member.name].clear()
            await backend.set_model(member.name)
            chunks = await heard(conversation)
            assert chunks
            assert len(lab.stand_ins[member.name].seen) == 1
            conversation += [
                {"role": "assistant", "content": " ".join(chunks)},
                {"role": "user", "content": "Go on"},
            ]
        with pytest.raises(ValueError, match="gone/model"):
            await backend.set_model("gone/model")
        assert backend.model == family.name


async def errors(lab: Arm, family: Family) -> None:
    """Each failure raises with the provider's message and ends in one spoken sentence."""
    stand_in = lab.stand_ins[family.name]
    words = "fell over" if family.error_is_told else ""
    faults: list[tuple[str | int, str]] = [(500, "not well"), ("error-frame", words)]
    # Whoever notices these says it in words of its own.
    faults += [("reset", "")] + ([("end", "")] if family.end_is_told else [])
    for fault, message in faults:
        async with lab.backend(family) as backend:
            stand_in.clear(fault=fault, text="This reply never gets to its proper end at all.")
            chunks, raised = await heard_of(HELLO)
            assert raised, f"{fault}: the reply just stops: {chunks}"
            assert message in str(raised), f"{fault}: {raised}"
            assert chunks, f"{fault}: nothing was said"
            assert chunks[-1] in SENTENCES, f"{fault}: {chunks}"
            if fault == 500 and family.tools:
                with pytest.raises(httpx.HTTPError, match=message):
                    await backend.complete(HELLO, tools=tools())


LEAKY = (
    "<think>Hmm pondering aloud.</think>\n\n**Oh**, good [question](http://a.b/c).\n\n"
    "- The *moon* pulls.<|im_end|>\n<|im_start|>user\nNever heard."
)


async def leaks(lab: Arm, family: Family) -> None:
    """Thoughts, control tokens, the user's made-up turn and Markdown in the text aren't heard."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family):
        stand_in.clear(text=LEAKY)
        chunks = await heard(HELLO)
        assert chunks == ["Oh, good question.", "The moon pulls."], chunks


async def refused_fields(lab: Arm, family: Family) -> None:
    """A field that the gateway adds and a model refuses: taken back unheard, and for good."""
    stand_in = lab.stand_ins[family.name]
    taken_back: list[str] = []
    while True:
        # Each with a backend of its own, which has learned nothing.
        async with lab.backend(family, family.choosy) as backend:
            stand_in.clear(refuses=taken_back[-1] if taken_back else None)
            assert await heard(HELLO) == HEARD, taken_back
            await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
            statuses = [seen.status for seen in stand_in.seen]
            assert statuses == [200, 200][: 1 + family.tools], taken_back
            sent = stand_in.optional(stand_in.seen[0].body)
        assert not set(sent) & set(taken_back), "what was refused once is sent again"
        if not sent:
            break
        async with lab.backend(family, family.choosy):
            taken_back.append(sent[0])
            stand_in.clear(refuses=sent[0])
            assert await heard(HELLO) == HEARD, taken_back
            first, second = (set(stand_in.optional(seen.body)) for seen in stand_in.seen[:2])
            # Bedrock's gpt-oss: LiteLLM sends stops only without an effort, and they are refused.
            refused = [400, 400] if len(stand_in.seen) == 3 and second - first else [400]
            assert [seen.status for seen in stand_in.seen] == [*refused, 200], taken_back


async def chance(lab: Arm, family: Family) -> None:
    """A failure that a second request doesn't have: it is asked once more, and nobody hears it."""
    stand_in = lab.stand_ins[family.name]
    async with lab.backend(family):
        # The connection breaks before the first byte of an answer, and of its body.
        scripts = ({"fault": "hang-up"}, *stand_in.chances, {"fault": "reset", "after": 0})
        for script in scripts:
            stand_in.clear(times=1, **script)
            assert await heard(HELLO) == HEARD, script
            assert len(stand_in.seen) == 2, script


async def broken_off(lab: Arm, family: Family) -> None:
    """An end that says it is none, in mid-reply: what was said stands, a sentence says the rest."""
    stand_in = lab.stand_ins[family.name]
    for reason in stand_in.breaks:
        async with lab.backend(family):
            stand_in.clear(text="Well, the tide comes in. And then the", finish=reason)
            chunks, raised = await heard_of(HELLO)
            assert chunks[0] == "Well, the tide comes in.", f"{reason}: {chunks}"
            assert raised, f"{reason}: the reply just stops: {chunks}"
            assert chunks[-1] in SENTENCES, f"{reason}: {chunks}"


Point = Callable[[Arm, Family], Awaitable[None]]
POINTS: dict[str, Point] = {
    "reply, usage": reply,
    "ten stops": stops,
    "thoughts": thoughts,
    "conversations": conversations,
    "one request": one_request,
    "knobs": knobs,
    "no thinking aloud": thinking,
    "no leaks heard": leaks,
    "switching": switching,
    "errors heard": errors,
    "a field refused": refused_fields,
    "chance": chance,
    "broken off": broken_off,
}


async def refused_knobs(lab: Arm, family: Family) -> None:
    """A proxy without our hooks lets a knob through that is refused: the call is repeated once."""
    stand_in = lab.stand_ins[family.name]
    for knob, value in KNOBS.items():
        async with lab.backend(family) as backend:
            for _ in range(2):
                stand_in.clear()
                assert [token async for token in backend.stream(lab.hello, **{knob: value})], knob
                requests = len(stand_in.seen)
            assert requests == 1, "what was refused once is not sent again"


# What our backend does alone, before somebody else's LiteLLM.
FOREIGN_POINTS: dict[str, Point] = {
    "reply, usage": reply,
    "ten stops": stops,
    "a refused knob": refused_knobs,
}
