"""A whole answer, such as vui's thoughts get: thoughts and tool calls out of its text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from vui_gateway.providers.bare_roles import RoleFilter
from vui_gateway.providers.content import whole_characters
from vui_gateway.providers.control_tokens import ControlTokenFilter
from vui_gateway.providers.harmony import CHANNEL, RECIPIENT
from vui_gateway.providers.tags import ThinkingFilter
from vui_gateway.providers.tool_calls import calls_in, tool_arguments, tool_name
from vui_gateway.providers.tool_text import ToolTextFilter
from vui_gateway.turns.call import Event

__all__ = ["called", "cleaned", "offered"]


def offered(body: dict) -> frozenset[str]:
    """The names of the tools that a request offers."""
    functions = (tool.get("function") or {} for tool in body.get("tools") or ())
    return frozenset(name for one in functions if isinstance(name := one.get("name"), str))


def cleaned(answer: dict, names: Collection[str], *, thinks: bool = False) -> dict:
    """The answer with its calls of these tools, and without what its server should have taken out.

    thinks: its text begins in thinking.
    """
    choice, *others = answer.get("choices") or [{}]
    choice, message = dict(choice), dict(choice.get("message") or {})
    finish = choice.get("finish_reason")
    calls = [_named(call, names) for call in message.get("tool_calls") or ()]
    if isinstance(text := message.get("content"), str):
        thinks = thinks and not message.get("reasoning_content")
        text, written = _read(text, thinks=thinks, cut_off=finish == "length")
        if not calls:
            calls = [call for one in written for call in calls_in(one, names)]
            if calls:
                choice["finish_reason"] = "tool_calls"
        message["content"] = whole_characters(text.strip()) or (None if calls else "")
    if calls:
        for number, call in enumerate(calls):
            call.pop("index", None)
            call["id"] = call.get("id") or f"call_{number}"
        message["tool_calls"] = calls
    return {**answer, "choices": [{**choice, "message": message}, *others]}


def called(calls: list[dict], *, streamed: bool) -> Event:
    """An answer that is nothing but these calls."""
    if streamed:
        return Event(tool_calls=calls, finish_reason="tool_calls")
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return Event(answer={"object": "chat.completion", "choices": [choice]})


def _read(text: str, *, thinks: bool, cut_off: bool) -> tuple[str, list[str]]:
    """The rest of the text, and the calls in it."""
    tools = ToolTextFilter()
    rest = ThinkingFilter(opened=thinks).feed(text, final=True, lost=cut_off)
    rest = ControlTokenFilter().feed(tools.feed(rest, final=True), final=True)
    rest = RoleFilter().feed(rest, final=True)
    # A call in harmony's format stands in a channel of its own.
    return rest, tools.taken or [text] * (CHANNEL in text or RECIPIENT in text)


def _named(call: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    if isinstance(name := function.get("name"), str):
        function["name"] = tool_name(name, names)
    if "arguments" in function:
        function["arguments"] = tool_arguments(function["arguments"])
    return {**call, "function": function}
