"""Formats of tool calls that a model writes as text: where a call begins and ends."""

from __future__ import annotations

import functools
import re

from vui_gateway.providers.partial import FOLD, begun, held_back, prefixes
from vui_gateway.providers.tool_calls import FUNCTOOLS

__all__ = ["FINAL", "FIRST", "OPENS_CALL", "closing", "end_of", "is_prose", "may_go_on"]

# The formats of https://github.com/vllm-project/vllm/tree/main/vllm/tool_parsers and of Qwen-Agent.
# Where no end is named, all that follows in this turn belongs to the call.
OPENING = {
    "<function=": "</function>", "<function name=": "</function>", "<function(": "</function>",
    "<|tool_call_start|>": "<|tool_call_end|>", "<|action_start|>": "<|action_end|>",
    "<|start_action|>": "<|end_action|>", "<|tool_call>": "<tool_call|>",
    "<|tool_calls_section_begin|>": "<|tool_calls_section_end|>",
    "<|tool_call_begin|>": "<|tool_call_end|>",
    "<|tool_calls_begin|>": "<|tool_calls_end|>",
    "<|dsml|function_calls>": "</|dsml|function_calls>", "[tool_request]": "[end_tool_request]",
    "<|dsml|tool_calls>": "</|dsml|tool_calls>", "<|tools_prefix|>": "<|tools_suffix|>",
    "<|python_start|>": "<|python_end|>", "<|tool_call:begin|>": "<|tool_call:end|>",
    "<|open|>tools<|sep|>": "<|close|>tools<|sep|>", "[unused11]": "[unused12]",
    "]<]minimax[>[<tool_call>": "]<]minimax[>[</tool_call>", "✿function✿": "✿return✿",
    "<start_function_call>": "<end_function_call>", "[tool_call]": "[/tool_call]",
    "[function_call]": "[/function_call]",
    "[tool_calls]": "", "<|python_tag|>": "", "<|tool_call|>": "", "<|function_call|>": "",
    "function call<|role_sep|>": "", "```tool_code\n": "```",
}  # fmt: skip
# XML, with a namespace, attributes and spaces as models add them.
TAG_NAMES = (
    r"(?:\w{1,16}[:_])?(?:tools?(?:_?calls?|_use|_code|_response|_results?)?|api_calls?|call|invoke"
    r"|functions?(?:_?calls?|_results?|_response)?|execute_tool)(?::opensource)?"
)
XML = rf"<(?P<xml>{TAG_NAMES})(?:\s[^<>]{{0,200}})?>"
XML_PARTIAL = re.compile(rf"</?(?:[a-z_][\w:]{{0,40}}|{TAG_NAMES}\s[^<>]{{0,200}})?\Z", re.I | re.A)
# It ends nothing.
STRAY_END = rf"(?P<end></{TAG_NAMES}\s{{0,4}}>)"
# Behind a tag that opens a call: words of a sentence, or what may still become some.
_CHARACTER = r"[^\s{}\[\]()<>=_`\"]"
_WORD = f"{_CHARACTER}+"
PROSE_BEHIND = re.compile(
    rf"\s*(?:{_WORD}[ \t]+){{2}}{_CHARACTER}"
    rf"|\s*(?:{_WORD}[ \t]+){{0,2}}{_WORD}(?<=[.!?])\s*\Z"
)
PROSE_PARTIAL = re.compile(rf"\s*(?:{_WORD}[ \t]+){{0,2}}(?:{_WORD})?\Z")
NO_PROSE = re.compile("response|result|code|python|✿")  # a result or code may look like it
# ReAct's, and what follows a call is a made-up result until here: https://arxiv.org/abs/2210.03629
FINAL = "final answer:"


def _as_written(tag: str) -> str:
    """A pattern for it: DeepSeek has pipes and underscores of its own."""
    return re.escape(tag).replace(r"\|", "[|｜]").replace("_", "[_▁]")


@functools.lru_cache(64)
def closing(tag: str) -> re.Pattern[str]:
    """Finds the end of a call: a tag that models may write with a space."""
    pattern = _as_written(tag)
    pattern = pattern[:-1] + r"\s{0,4}>" if tag.startswith("</") else pattern
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


def end_of(opening: str, xml: str | None) -> str | None:
    """The end of the call that this opens; empty where there is none, None for an object."""
    return f"</{xml.translate(FOLD)}>" if xml else OPENING.get(opening.translate(FOLD))


# An object; whether it is a call its keys tell, once it is whole.
JSON_CALL = (
    rf"(?:(?<!\w){FUNCTOOLS}\s{{0,2}})?(?:\[\s{{0,8}})?\{{\s{{0,8}}"
    r"(?:\"[\w-]{1,32}\"|'[\w-]{1,32}')\s{0,8}:"
)
# Llama 4's and Olmo's list: `[get_time(zone="UTC")]`.
PYTHON_CALL = r"\[\s{0,4}[A-Za-z_][\w.]{0,40}\("
_FENCE = r"(?:```(?:json)?\s{0,4})?"
LABELLED = (
    r"(?-i:(?P<label>\*{0,2}(?<!\w)Action)\*{0,2}:\*{0,2})\s{0,4}"
    r"(?:[`\"']?(?P<name>[\w.-]{1,64})[`\"']?[ \t]{0,4}\n\s{0,4}\*{0,2}Action[ _]?Input\*{0,2}:"
    rf"\*{{0,2}}\s{{0,8}}(?P<line>(?=[^\s\[{{`*]))?)?{_FENCE}(?(line)|(?=[\[{{]))"
)
# gpt-oss' without its tokens, and Kimi's: `functions.get_time:0{…}`.
ADDRESSES = ("commentary to=", "functions.")
NOTED = r"(?P<noted>(?-i:TOOL_CALL|Tool [Cc]all):\s{0,4})(?=[\[{])"
NOTED_PARTIAL = re.compile(r"(?<!\w)(?:TOOL_CALL|Tool [Cc]all):\s{0,4}\Z")
ADDRESSED = (
    r"(?<!\w)(?P<to>(?:commentary to=(?:functions\.)?|functions\.)[\w.-]{1,64}(?::\d{1,4})?[ \n]?"
    r"(?:<\|constrain\|>)?(?:json|code)?\s{0,4})(?=\{)"
)
ADDRESSED_PARTIAL = re.compile(
    r"(?<!\w)(?:commentary to=(?:functions\.)?|functions\.)[\w.-]{0,64}(?::\d{0,4})?[ \n]?"
    rf"(?:{begun('<|constrain|>')})?(?:{begun('json')}|{begun('code')})?\s{{0,4}}\Z"
)
_CALLS = (XML, STRAY_END, JSON_CALL, PYTHON_CALL, LABELLED, ADDRESSED, NOTED)
OPENS_CALL = re.compile("|".join([*map(_as_written, OPENING), *_CALLS]), re.ASCII | re.IGNORECASE)
OPENING_PREFIXES = prefixes(
    (*OPENING, f"{FUNCTOOLS}[", *(f"{one}x" for one in (*ADDRESSES, "tool_call:", "tool call:")))
)
CALL_BEGINS = re.compile(r"[<\[✿`]|(?<!\w)[cft\]]")
LONGEST_OPENING = max(map(len, OPENING))
# Beginnings of a letter, which no other stands before. They are looked at behind that letter: so
# the search is five times as fast.
LETTERED_BEGINS = (
    "Action", FUNCTOOLS, "function call<", *ADDRESSES, "TOOL_CALL:", "Tool call:", "Tool Call:",
)  # fmt: skip
FIRST = re.compile(
    "|".join(
        (
            r"[<\[{\]✿`]|\*(?<!\w\*)\Z",
            *(
                rf"{word[0]}(?<!\w{word[0]})(?:{re.escape(word[1:])}|(?:{begun(word[1:])})?\Z)"
                for word in LETTERED_BEGINS
            ),
        )
    )
)
JSON_PARTIAL = re.compile(
    rf"(?:{FUNCTOOLS}\s{{0,2}})?(?:\[\s{{0,8}})?(?:\{{\s{{0,8}}(?:[\"'][\w-]{{0,32}}(?:[\"']\s{{0,8}})?)?"
    r"|(?<=[\[\s])[A-Za-z_][\w.]{0,40})?\Z"
)
JSON_BEGINS = re.compile(rf"(?<!\w){FUNCTOOLS}\s{{0,2}}(?:[\[{{]|\Z)|[\[{{]")
LABEL_PARTIAL = re.compile(
    rf"\*{{0,2}}(?<!\w)(?:{begun('Action')}|Action\*{{0,2}}(?::\*{{0,2}}\s{{0,4}}(?:[`\"']?[\w.-]{{0,64}}"
    r"[`\"']?[ \t]{0,4}(?:\n[\w *]{0,20}(?::\*{0,2}\s{0,8})?)?)?`{0,3}(?:j?s?o?n?)\s{0,4})?)\Z"
    r"|\*{1,2}\Z"
)
MOST_PARTIAL, MOST_LABEL, MOST_XML = 60, 160, 240  # characters


def is_prose(opening: str, text: str, at: int, *, final: bool) -> bool | None:
    """Whether a sentence stands behind what opens a call; None where more must come first."""
    if opening[-1] not in ">] " or NO_PROSE.search(opening.lower()):
        return False
    if found := PROSE_BEHIND.match(text, at):
        return final or found.end() < len(text) or None
    if len(text) - at > MOST_LABEL:
        return False
    return None if not final and PROSE_PARTIAL.match(text, at) else False


def may_go_on(rest: str) -> int:
    """How many characters at the end may be the beginning of a call."""
    tail = rest[-MOST_PARTIAL:]
    marks = (mark.start() for mark in JSON_BEGINS.finditer(tail))
    json_at = next((at for at in marks if JSON_PARTIAL.fullmatch(tail, at)), len(tail))
    tail_of_label = rest[-MOST_LABEL:]
    label = LABEL_PARTIAL.search(tail_of_label) or ADDRESSED_PARTIAL.search(tail_of_label)
    label = label or NOTED_PARTIAL.search(tail_of_label)
    xml = XML_PARTIAL.match(rest, max(0, rest.rfind("<", -MOST_XML)))
    return max(
        len(tail) - json_at,
        len(label[0]) if label else 0,
        len(xml[0]) if xml else 0,
        held_back(rest[-LONGEST_OPENING:].translate(FOLD), OPENING_PREFIXES, CALL_BEGINS),
    )
