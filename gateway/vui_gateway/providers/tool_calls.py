"""From text to tool calls: names and arguments, as models write them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from vui_gateway.providers.written_values import BROKEN, decoded, expression, mended

__all__ = ["FUNCTOOLS", "calls_in", "is_call", "tool_arguments", "tool_name"]

NAME_KEYS = (
    "name", "function", "function_name", "tool", "tool_name", "action", "recipient_name",
)  # fmt: skip
ARGUMENT_KEYS = (
    "arguments", "parameters", "args", "input", "kwargs", "params", "action_input", "tool_input",
    "tool_args", "function_args",
)  # fmt: skip
ARGUMENTS = re.compile(
    r'["\'](?:arguments|parameters|params|args|kwargs|input|(?:action|tool|function)_(?:input|args))["\']'
    r"\s{0,8}:"
)
FUNCTOOLS = "functools"  # Phi-4-mini's, before its list of calls
# A control token in a name, and all after it: "get_time<|channel|>commentary".
LEAKED = re.compile(r"(?:<[|｜]|[|｜]>|<|\[(?:ARGS|CALL_ID)\]).*", re.DOTALL)
# And what stands before or behind an offered one: "commentary to=functions.get_time".
SPACES, BEHIND_NAME = re.compile(r"[.:/=>]"), re.compile(r"(?:\.call|\(\)|\s(?:json|code))\Z")
# A name, what may stand between it and its arguments, and these: as JSON, in tags of their own, or
# in parentheses.
# A template's namespace: DeepSeek's, Step's, LongCat's.
_SPACE = r"(?:[|｜]DSML[|｜]|[a-z]{1,16}[:_])?"
NAMED_CALL = re.compile(
    r"(?<![\w.-])(?:(?:functions?|default_api)[.:])?(?P<name>[A-Za-z_][\w.-]{0,63})(?::\d{1,4})?"
    r"(?:\s|[\"'>`*)|]|[\[,](?=\{)|</(?:tool_|function_)?name>|<(?:arguments|parameters|args|input)>"
    r"|:(?!\w)|\[ARGS\]|\[CALL_ID\]\w{1,40}|<[|｜][^<>]{1,40}[|｜]>|```(?:json)?|json(?=\s)"
    r"|<tool_sep[^<>]{0,20}>|Action[ _]?Input\b|✿ARGS✿"
    rf"){{0,12}}(?P<opens>[{{(]|<{_SPACE}param|<{_SPACE}arg_key|</function>|</invoke>|</tool_call>|\Z)"
)
PARAMETER = re.compile(
    rf"<{_SPACE}param(?:eter)?(?:=| name=)[\"']?([^\"'<>\s]{{1,64}})[\"']?[^<>]{{0,40}}>(.*?)"
    rf"</{_SPACE}param(?:eter)?>"
    rf"|<{_SPACE}arg_key[^<>]{{0,20}}>([^<>]{{1,64}})</{_SPACE}arg_key[^<>]{{0,20}}>\s*"
    rf"<{_SPACE}arg_value[^<>]{{0,20}}>(.*?)</{_SPACE}arg_value[^<>]{{0,20}}>",
    re.DOTALL,
)
CALL_ENDS = re.compile(r"</[^<>]{0,16}(?:function|invoke|tool_call)(?::\w{1,20})?>")
# MiniMax-M3 has a tag for each argument: `<zone>UTC</zone>`.
MINIMAX, TAGGED = "]<]minimax[>[", re.compile(r"<([\w.-]{1,64})>([^<>]*)</\1>")
# Gemma's arguments: keys without quotes, and quotes of its own.
QUOTED_ARGUMENT = re.compile(r'(?:<escape>|<\|"\|>)(.*?)(?:<escape>|<\|"\|>)', re.DOTALL)
BARE_KEY = re.compile(r"(?<=[{,])\s*([A-Za-z_]\w*)\s*(?=:)")
# https://cookbook.openai.com/articles/openai-harmony: a call is addressed to its tool.
RECIPIENT_NAME = re.compile(r"to=(?:functions\.)?([\w.-]{1,64})[^{]{0,80}(?=\{)")
MOST_TOOL_CALLS, MOST_TRIES = 16, 200
MOST_TEXT, MOST_ARGUMENTS, MOST_CLOSING = 100_000, 16_000, 60  # characters


def tool_name(name: str, offered: Collection[str] = ()) -> str:
    """A tool's name without control tokens and the namespace of a template."""
    bare = LEAKED.sub("", name).strip().strip("\"'")
    short = re.sub(r"^functions?[.:]|:\d+$", "", bare)
    if bare not in offered and (short in offered or not offered):
        return short
    tails = (SPACES.split(BEHIND_NAME.sub("", one))[-1] for one in (bare, name))
    return bare if bare in offered else next((one for one in tails if one in offered), bare)


def tool_arguments(text: Any) -> Any:
    """A call's arguments without what leaked around them; what isn't JSON stays."""
    if not isinstance(text, str) or isinstance(_value(text), dict):
        return text
    value, _ = decoded(text, max(0, text.find("{")))
    return _as_text(value) if isinstance(value, dict) else text


def is_call(text: str, *, named: bool = False, cut_off: bool = False) -> bool:
    """Whether an object is a call, and not one that somebody asked for.

    named: its tool's name stands before it. cut_off: the text has ended within it.
    """
    text = text.removeprefix(FUNCTOOLS).strip()
    value, end = decoded(text, 0)
    if end != len(text) and (value := mended(text) if "'" in text else None) is None:
        return (cut_off and bool(ARGUMENTS.search(text))) or _is_python_call(text)
    return isinstance(value, dict | list) and (named or _calls_a_tool(value))


def _calls_a_tool(value: Any) -> bool:
    """Whether a value has a tool's name and arguments, side by side."""
    if isinstance(value, list):
        return any(map(_calls_a_tool, value))
    if not isinstance(value, dict):
        return False
    named = any(isinstance(value.get(key), str) for key in NAME_KEYS)
    called = named and any(key in value for key in ARGUMENT_KEYS)
    return called or any(map(_calls_a_tool, value.values()))


def _is_python_call(text: str) -> bool:
    value = expression(text)
    calls = value.elts if isinstance(value, ast.List) else []
    return bool(calls) and all(
        isinstance(one, ast.Call) and all(map(_is_text, one.args)) for one in calls
    )


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def calls_in(text: str, offered: Collection[str]) -> list[dict]:
    """The calls of offered tools in a text, in OpenAI's format."""
    found: list[tuple[str, Any]] = []
    for name, arguments in _calls(text[:MOST_TEXT], offered):
        if (name := tool_name(name, offered)) in offered:
            found.append((name, arguments))
        if len(found) == MOST_TOOL_CALLS:
            break
    return [
        {
            "id": f"call_{number}", "type": "function", "index": number,
            "function": {"name": name, "arguments": _as_text(arguments)},
        }
        for number, (name, arguments) in enumerate(found)
    ]  # fmt: skip


def _calls(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    if MINIMAX in text:
        text = TAGGED.sub(r"<parameter=\1>\2</parameter>", text.replace(MINIMAX, ""))
    at = tries = found_any = 0
    for found in re.finditer(r"[{\[]", text):
        if found.start() < at or tries >= MOST_TRIES:
            continue
        tries += 1
        value, end = decoded(text, found.start())
        if tries == 1 and not end:
            value = mended(text[found.start() :])
        for name, arguments in _of_json(value, offered):
            at = end
            found_any += tool_name(name, offered) in offered
            yield name, arguments
    if not found_any:  # a name in the arguments is none of a call
        yield from _named(text, offered)


def _of_json(value: Any, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The calls in a JSON value."""
    if isinstance(value, list):
        for one in value[:MOST_TOOL_CALLS]:
            yield from _of_json(one, offered)
    elif isinstance(value, dict):
        arguments: Any = next((value[key] for key in ARGUMENT_KEYS if key in value), {})
        for key in NAME_KEYS:
            if isinstance(name := value.get(key), str):
                yield name, arguments
                return
            if isinstance(name, dict):  # OpenAI's own format
                yield from _of_json(name, offered)
                return
        for key in ("tool_calls", "function_call", "tool_call"):
            if key in value:
                yield from _of_json(value[key], offered)
        if len(value) == 1 and (only := next(iter(value))) in offered:  # Apertus'
            yield only, value[only]


def _named(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The calls that are a name and then its arguments."""
    for found in RECIPIENT_NAME.finditer(text):
        yield found[1], decoded(text, found.end())[0] or {}
    tries = 0  # braces that may be a call's
    for found in NAMED_CALL.finditer(text):
        name, opens = found["name"], found["opens"]
        if tries == MOST_TOOL_CALLS and opens == "{":
            continue
        if tool_name(name, offered) not in offered or f"to={name}" in text:
            continue
        if opens == "{":
            tries += 1
            value, end = decoded(text, found.start("opens"))
            if end or (value := _of_gemma(text[found.start("opens") :])):
                yield name, value
        elif opens == "(":
            at = found.end()
            value = decoded(text, at)[0] or _keywords(text, at - 1)
            if value is not None:
                yield name, value
        else:
            yield name, _parameters(text, found.end("name"))


def _keywords(text: str, at: int) -> dict | None:
    """The arguments of a call in Python's syntax; None where one has no name."""
    ends = re.finditer(r"\)", text[at : at + MOST_ARGUMENTS])  # one may stand in an argument
    tries = (expression(f"f{text[at : at + end.end()]}") for end in islice(ends, MOST_TOOL_CALLS))
    call = next((one for one in tries if isinstance(one, ast.Call)), None)
    keywords = call.keywords if call else []
    try:
        if call and len(call.args) == 1 and isinstance(call.args[0], ast.Dict):
            return ast.literal_eval(call.args[0])
        if call and call.args:
            return None
        return {one.arg: ast.literal_eval(one.value) for one in keywords if one.arg}
    except BROKEN:
        return {}


def _of_gemma(text: str) -> Any:
    """The arguments in Gemma's format; None for none."""
    parts = QUOTED_ARGUMENT.split(text)
    parts[::2] = [BARE_KEY.sub(r'"\1"', part) for part in parts[::2]]
    parts[1::2] = map(json.dumps, parts[1::2])
    return decoded("".join(parts), 0)[0]


def _parameters(text: str, at: int) -> dict:
    """The arguments that have a tag each, until the call's end."""
    end = CALL_ENDS.search(text, at)
    stop = min(end.start() if end else len(text), at + MOST_ARGUMENTS)
    stop = min(stop, text.rfind("</", at, stop) + MOST_CLOSING)  # without one there is no argument
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
