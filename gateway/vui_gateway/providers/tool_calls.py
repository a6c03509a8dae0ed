"""From text to tool calls: names and arguments, as models write them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

__all__ = ["calls_in", "tool_name"]

NAME_KEYS = ("name", "function", "function_name", "tool", "tool_name", "action", "recipient_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "kwargs", "action_input", "params")
# A control token in a name, and all after it: "get_time<|channel|>commentary".
LEAKED = re.compile(r"(?:<[|｜]|[|｜]>|<|\[(?:ARGS|CALL_ID)\]).*", re.DOTALL)
# A name, what may stand between it and its arguments, and these: as JSON, in tags of their own, or
# in parentheses.
NAMED = re.compile(
    r"(?<![\w.-])(?:functions?[.:])?(?P<name>[A-Za-z_][\w.-]{0,63})(?::\d{1,4})?"
    r"(?:\s|[\"'>]|:(?!\w)|\[ARGS\]|\[CALL_ID\]\w{1,40}|<[|｜][^<>]{1,40}[|｜]>|```(?:json)?|json(?=\s)"
    r"){0,12}(?P<opens>[{(]|<parameter|<arg_key>|</function>|</invoke>|</tool_call>|\Z)"
)
PARAMETER = re.compile(
    r"<parameter(?:=| name=)[\"']?([^\"'<>\s]{1,64})[\"']?[^<>]{0,40}>(.*?)</parameter>"
    r"|<arg_key>([^<>]{1,64})</arg_key>\s*<arg_value>(.*?)</arg_value>",
    re.DOTALL,
)
# https://cookbook.openai.com/articles/openai-harmony: a call is addressed to its tool.
RECIPIENT = re.compile(r"to=(?:functions\.)?([\w.-]{1,64})[^{]{0,80}(?=\{)")
MOST_CALLS, MOST_TRIES = 16, 200
MOST_TEXT = 100_000  # characters
DECODER = json.JSONDecoder()


def tool_name(name: str, offered: Collection[str] = ()) -> str:
    """A tool's name without control tokens and the namespace of a template."""
    bare = LEAKED.sub("", name).strip().strip("\"'")
    short = re.sub(r"^functions?[.:]|:\d+$", "", bare)
    return short if bare not in offered and (short in offered or not offered) else bare


def calls_in(text: str, offered: Collection[str]) -> list[dict]:
    """The calls of offered tools in a text, in OpenAI's format."""
    found: list[tuple[str, Any]] = []
    for name, arguments in _calls(text[:MOST_TEXT], offered):
        if (name := tool_name(name, offered)) in offered:
            found.append((name, arguments))
        if len(found) == MOST_CALLS:
            break
    return [
        {
            "id": f"call_{number}", "type": "function", "index": number,
            "function": {"name": name, "arguments": _as_text(arguments)},
        }
        for number, (name, arguments) in enumerate(found)
    ]  # fmt: skip


def _calls(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    at = tries = 0
    for found in re.finditer(r"[{\[]", text):
        if found.start() < at or tries >= MOST_TRIES:
            continue
        tries += 1
        value, end = _decoded(text, found.start())
        if end and (calls := list(_of_json(value))):
            at = end
            yield from calls
    if not at:
        yield from _named(text, offered)


def _of_json(value: Any) -> Iterator[tuple[str, Any]]:
    """The calls in a JSON value."""
    if isinstance(value, list):
        for one in value[:MOST_CALLS]:
            yield from _of_json(one)
    elif isinstance(value, dict):
        arguments: Any = next((value[key] for key in ARGUMENT_KEYS if key in value), {})
        for key in NAME_KEYS:
            if isinstance(name := value.get(key), str):
                yield name, arguments
                return
            if isinstance(name, dict):  # OpenAI's own format
                yield from _of_json(name)
                return
        for key in ("tool_calls", "function_call", "tool_call"):
            if key in value:
                yield from _of_json(value[key])


def _named(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The calls that are a name and then its arguments."""
    for found in RECIPIENT.finditer(text):
        yield found[1], _decoded(text, found.end())[0] or {}
    for found in NAMED.finditer(text):
        name, opens = found["name"], found["opens"]
        if tool_name(name, offered) not in offered or f"to={name}" in text:
            continue
        if opens == "{":
            value, end = _decoded(text, found.start("opens"))
            if end:
                yield name, value
        elif opens == "(":
            yield name, _keywords(text, found.start("opens"))
        else:
            yield name, _parameters(text, found.end("name"))


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins there, and its end; 0 for none."""
    try:
        return DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, 0


def _keywords(text: str, at: int) -> dict:
    """The arguments of a call in Python's syntax."""
    try:
        call = ast.parse(f"f{text[at : text.index(')', at) + 1]}", mode="eval").body
        assert isinstance(call, ast.Call)
        return {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    except (
        ValueError, TypeError, SyntaxError, AssertionError, RecursionError, MemoryError,
    ):  # fmt: skip
        return {}


def _parameters(text: str, at: int) -> dict:
    """The arguments that have a tag each, until the call's end."""
    ends = (end for tag in ("</function>", "</invoke>", "</tool_call>")
            if (end := text.find(tag, at)) >= 0)  # fmt: skip
    stop = min(ends, default=len(text))
    pairs = (found.groups() for found in PARAMETER.finditer(text, at, stop))
    return {(a or c).strip(): _value((b if a else d).strip()) for a, b, c, d in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _as_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments if arguments.strip() else "{}"
    return json.dumps(arguments if isinstance(arguments, dict) else {}, ensure_ascii=False)
