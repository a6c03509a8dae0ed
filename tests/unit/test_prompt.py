"""vui's system messages, taken apart: on vui's own installed texts."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from vui.serving.stream import prompts

from tests.unit.test_backend import answering, stream_of
from vui_litellm.patches.prompts import prompt_templates
from vui_litellm.prompt import ANY, MEMORIES, NAME, Prompt, Template, clock_field

with contextlib.redirect_stdout(io.StringIO()):  # vui lists its tools as it loads them
    from vui.serving.stream import tasks, thoughts

NOON = datetime(2031, 3, 4, 12, 5)
CLOCK = "Today is Tuesday, March 04, 2031, current time is 12:05."
MEMORY = ["(2h ago) Name is Ada.", "Lives in York.\n\nHas two dogs. Likes: the sea | rain."]
OWN = "Today is Friday, current time is 11:00. You are a pirate. Talk like one."


def host(*memories: str, capabilities: list[str] | None = None, server: bool = True) -> Any:
    return SimpleNamespace(
        _memories=list(memories),
        _task_server_capabilities=capabilities or [],
        _task_server_available=server,
    )


def soul(*memories: str, with_claude: bool = True, name: str = "Vui") -> str:
    """What vui sends with a reply."""
    texts = [prompts.build_soul(with_claude, name), prompts.build_memory_context(host(*memories))]
    return "\n\n".join(filter(None, texts))


def preamble(*memories: str, **options: Any) -> str:
    """What vui's thoughts begin with."""
    return thoughts.ThoughtsStream(host(*memories, **options))._build_system_prompt()


def relay() -> str:
    """What vui lets the model tell a task's result with."""
    constants = tasks.deliver_pending_task_results.__code__.co_consts
    return max((text for text in constants if isinstance(text, str)), key=len)


def sent(text: str, *, parts: bool = True, now: Callable[[], datetime] = lambda: NOON) -> Any:
    message = {"role": "system", "content": text}
    return Prompt(prompt_templates, now).arrange([message], parts=parts)[0]["content"]


def texts(content: list[dict]) -> list[str]:
    assert {part["type"] for part in content} == {"text"}
    return [part["text"] for part in content]


def sentences(text: str) -> set[str]:
    """Every sentence and line, without the clock."""
    found = {piece.strip() for piece in re.split(r"(?<=[.!?])\s+|\n+", text)}
    return {piece for piece in found if not piece.startswith("Today is ")}


EVERY = {
    "soul": soul(),
    "soul with memories": soul(*MEMORY),
    "soul without a task server": soul(*MEMORY, with_claude=False),
    "soul under another name": soul(*MEMORY, name="Dr. {Who}, the 2nd?"),
    "thoughts": preamble(),
    "thoughts with memories": preamble(*MEMORY),
    "thoughts with a task server": preamble(*MEMORY, capabilities=["mail", "files: a. b"]),
    "thoughts without a task server": preamble(*MEMORY, server=False),
}


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("name", EVERY)
def test_every_sentence_that_goes_in_comes_out_once(name: str, parts: bool) -> None:
    content = sent(EVERY[name], parts=parts)
    assert isinstance(content, list) == parts
    out = "\n\n".join(texts(content)) if parts else content
    assert sentences(out) == sentences(EVERY[name])
    clocks = [line for line in re.split(r"(?<=[.!?])\s+|\n+", out) if line.startswith("Today is ")]
    assert clocks == ([CLOCK] if "soul" in name else [])
    # And nothing is said twice: without white space it is as long as it was.
    sizes = [len("".join(text.split())) for text in (out.replace(CLOCK, ""), EVERY[name])]
    clock = len("".join(prompts.build_soul().split(" You are")[0].split()))
    assert sizes[0] == sizes[1] - (clock if "soul" in name else 0)


def test_what_never_changes_is_first_then_the_memories_then_the_clock() -> None:
    stable, memories, clock = texts(sent(soul(*MEMORY)))
    assert stable.startswith("You are ")
    assert not any(text in stable for text in ("Ada", "Today is", "current time"))
    assert memories == prompts.build_memory_context(host(*MEMORY))
    assert clock == CLOCK
    stable, memories = texts(sent(preamble(*MEMORY)))
    assert "Ada" not in stable
    assert memories.endswith(f"[2] {MEMORY[1]}")


def test_what_never_changes_is_the_same_bytes_whatever_else_changes() -> None:
    later = sent(soul("Has a cat."), now=lambda: datetime(2032, 1, 1, 0, 0))
    assert texts(later)[0] == texts(sent(soul(*MEMORY)))[0] == texts(sent(soul()))[0]
    assert texts(sent(preamble("Has a cat.")))[0] == texts(sent(preamble()))[0]


def test_the_clock_is_that_of_the_call() -> None:
    times = iter([NOON, datetime(2031, 12, 31, 23, 59)])
    prompt = Prompt(prompt_templates, lambda: next(times))
    message = {"role": "system", "content": soul()}
    clocks = [prompt.arrange([message], parts=True)[0]["content"][-1]["text"] for _ in range(2)]
    assert clocks == [CLOCK, "Today is Wednesday, December 31, 2031, current time is 23:59."]


def test_vui_saved_its_own_persona_days_ago_and_the_clock_is_right_all_the_same() -> None:
    stale = re.sub(r"^Today is .*?\d\d:\d\d\.", "Today is Monday, May 01, 2023, at 07:00.", soul())
    assert sent(stale) == stale  # another wording isn't vui's
    stale = re.sub(r"(?<=Today is ).*?(?=, current)", "Monday, May 01, 2023", soul())
    assert texts(sent(stale))[-1] == CLOCK


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        f"{OWN}\n\n{prompts.build_memory_context(host(*MEMORY))}",
        soul().replace("RULES:", "RULES (mine):"),
        soul() + " ",
        f"Mine.\n\n{soul()}",
        soul(*MEMORY).replace("[MEMORIES", "[MY MEMORIES"),
        preamble().replace("no_action", "nothing", 1),
        soul().replace('"Vui"', '"Ada"', 1),
        relay(),
        "",
    ],
)
def test_whatever_is_not_vuis_own_goes_out_byte_for_byte(text: str) -> None:
    for parts in (True, False):
        assert sent(text, parts=parts) == text


def test_a_vui_with_other_templates_sends_its_prompts_as_they_are() -> None:
    message = {"role": "system", "content": soul(*MEMORY)}
    assert Prompt(list).arrange([message], parts=True) == [message]


def test_only_system_messages_are_taken_apart() -> None:
    messages: list[dict] = [
        {"role": "user", "content": soul(*MEMORY)},
        {"role": "assistant", "content": preamble()},
        {"role": "system", "content": [{"type": "text", "text": soul()}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]
    assert Prompt(prompt_templates).arrange(messages, parts=True) == messages


@pytest.mark.parametrize(
    ("template", "message", "parts"),
    [
        (f"A {NAME} and {NAME}.", "A b and b.", ["A b and b."]),
        (f"A {NAME} and {NAME}.", "A b and c.", None),
        (f"A.\n\nM:\n{MEMORIES}\n\nB.", "A.\n\nM:\n1\n\n2\n\nB.", ["A.\n\nB.", "M:\n1\n\n2"]),
        (f"A.\n\nM: {MEMORIES}", "A.\n\nM: 1", ["A.", "M: 1"]),
        (f"A.\n\nM: {MEMORIES}", "A.\n\nM: ", ["A.", "M:"]),
        (f"A. It is {clock_field('%H.%M')}! B.", "A. It is 07.30! B.", ["A. B."]),
        (f"A {ANY} B.", "A  B.", ["A  B."]),
        (f"A {ANY} B.", "A x B. And more", None),
    ],
)
def test_a_template_fits_a_message_with_its_fields_filled_in(
    template: str, message: str, parts: list[str] | None
) -> None:
    assert Template(template).split(message) == parts


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}, it is {clock_field('%H')}. B.",
        f"It is {clock_field('%H')}. Or {clock_field('%M')}.",
        f"It is {clock_field('%H')}",
    ],
)
def test_a_template_whose_clock_is_no_sentence_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sentence"):
        Template(text)


def test_a_call_takes_well_under_a_millisecond_more() -> None:
    prompt = Prompt(prompt_templates)
    longest = max(EVERY.values(), key=len)
    prompt.arrange([{"role": "system", "content": longest}], parts=True)

    def once(index: int) -> float:
        message = {"role": "system", "content": "".join([longest[:9], longest[9:]])}
        began = time.perf_counter()
        prompt.arrange([message], parts=True)
        return time.perf_counter() - began

    assert sorted(map(once, range(200)))[100] < 0.0005


# ---- which gateway gets parts


def ours(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/preconnect":
        return httpx.Response(202)
    answer = stream_of("hi")
    answer.headers["x-vui-whole-sentences"] = "1"
    return answer


def somebody_elses(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404) if request.url.path == "/v1/preconnect" else stream_of("hi")


SYSTEM = {"role": "system", "content": soul(*MEMORY)}


async def contents(gateway: Any, *, prefill: bool) -> list[Any]:
    """The system message of two replies and of the thoughts between them."""
    backend, seen = answering(gateway)
    backend.prompt.now = lambda: NOON
    if prefill:
        await backend.prefill([SYSTEM])
    messages: list[dict] = [SYSTEM, {"role": "user", "content": "Hello", "ts": 1.0}]
    for _ in range(2):
        _ = [token async for token in backend.stream(messages)]
    bodies = [json.loads(request.content) for request in seen if "chat" in request.url.path]
    assert all(body["messages"][1] == {"role": "user", "content": "Hello"} for body in bodies)
    return [body["messages"][0]["content"] for body in bodies]


async def test_our_gateway_gets_parts_once_it_is_known() -> None:
    parts, joined = sent(SYSTEM["content"]), sent(SYSTEM["content"], parts=False)
    assert await contents(ours, prefill=True) == [parts, parts]
    assert await contents(ours, prefill=False) == [joined, parts]
    assert joined == "\n\n".join(texts(parts))


async def test_somebody_elses_gateway_gets_one_text_in_the_same_order() -> None:
    joined = sent(SYSTEM["content"], parts=False)
    for prefill in (True, False):
        assert await contents(somebody_elses, prefill=prefill) == [joined, joined]
    assert joined.endswith(f"\n\n{CLOCK}")


async def test_a_gateway_that_refuses_the_key_is_not_taken_for_ours() -> None:
    def refusing(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401) if "preconnect" in request.url.path else stream_of("hi")

    assert all(isinstance(text, str) for text in await contents(refusing, prefill=True))


async def test_the_thoughts_are_taken_apart_like_the_reply() -> None:
    backend, seen = answering(
        lambda request: (
            ours(request)
            if request.url.path == "/v1/preconnect"
            else httpx.Response(200, json={"choices": []})
        )
    )
    await backend.prefill([])
    tools = [{"type": "function", "function": {"name": "no_action"}}]
    running = {"role": "system", "content": thoughts._TASKS_CONTEXT.format(tasks="- [running] tea")}
    evaluate = {"role": "user", "content": "[evaluate]"}
    asked = [{"role": "system", "content": preamble(*MEMORY)}, running, evaluate]
    await backend.complete(asked, tools=tools)
    body = json.loads(seen[-1].content)
    assert texts(body["messages"][0]["content"]) == texts(sent(preamble(*MEMORY)))
    assert body["messages"][1:] == [running, evaluate]
    assert body["tools"] == tools
