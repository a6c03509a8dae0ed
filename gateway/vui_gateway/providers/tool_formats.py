"""Formats of tool calls that a model writes as text: where a call begins and ends."""

from __future__ import annotations

import re

from vui_gateway.providers.partial import FOLD, begun, held_back, prefixes
from vui_gateway.providers.tool_calls import FUNCTOOLS

__all__ = ["CLOSINGS", "FINAL", "FIRST", "OPEN", "OPENING", "may_go_on"]

# The formats of https://github.com/vllm-project/vllm/tree/main/vllm/tool_parsers and of Qwen-Agent.
# Where no end is named, all that follows in this turn belongs to the call.
OPENING = {
    "<tool_call>": "</tool_call>", "<tool_calls>": "</tool_calls>", "<toolcall>": "</toolcall>",
    "<function_call>": "</function_call>", "<function_calls>": "</function_calls>",
    "<functioncall>": "</functioncall>", "<tool_use>": "</tool_use>", "<function=": "</function>",
    "<function name=": "</function>", "<invoke": "</invoke>", "<tool_code>": "</tool_code>",
    "<minimax:tool_call>": "</minimax:tool_call>", "<seed:tool_call>": "</seed:tool_call>",
    "<longcat_tool_call>": "</longcat_tool_call>", "<tool_response>": "</tool_response>",
    "<function_results>": "</function_results>", "<execute_tool>": "</execute_tool>",
    "<|tool_call_start|>": "<|tool_call_end|>", "<|action_start|>": "<|action_end|>",
    "<|start_action|>": "<|end_action|>", "<|tool_call>": "<tool_call|>",
    "<|tool_calls_section_begin|>": "<|tool_calls_section_end|>",
    "<|tool_call_begin|>": "<|tool_call_end|>",
    "<|tool_calls_begin|>": "<|tool_calls_end|>",
    "<|dsml|function_calls>": "</|dsml|function_calls>", "[tool_request]": "[end_tool_request]",
    "<|dsml|tool_calls>": "</|dsml|tool_calls>", "<|tools_prefix|>": "<|tools_suffix|>",
    "<|python_start|>": "<|python_end|>", "<|tool_call:begin|>": "<|tool_call:end|>",
    "<|open|>tools<|sep|>": "<|close|>tools<|sep|>", "[unused11]": "[unused12]",
    "<tool_calls:opensource>": "</tool_calls:opensource>", "<call>": "</call>",
    "]<]minimax[>[<tool_call>": "]<]minimax[>[</tool_call>", "✿function✿": "✿return✿",
    "<start_function_call>": "<end_function_call>", "<xai:function_call": "</xai:function_call>",
    "<function(": "</function>", "<tools>": "</tools>",
    "[tool_calls]": "", "<|python_tag|>": "", "<|tool_call|>": "", "<|function_call|>": "",
    "function call<|role_sep|>": "", "```tool_code\n": "```",
}  # fmt: skip
# ReAct's, and what follows a call is a made-up result until here: https://arxiv.org/abs/2210.03629
FINAL = "final answer:"


def _as_written(tag: str) -> str:
    """A pattern for it: DeepSeek has pipes and underscores of its own."""
    return re.escape(tag).replace(r"\|", "[|｜]").replace("_", "[_▁]")


CLOSINGS = {
    tag: re.compile(_as_written(tag), re.ASCII | re.IGNORECASE)
    for tag in (*OPENING.values(), FINAL)
    if tag
}
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
    rf"\*{{0,2}}\s{{0,8}})?{_FENCE}(?=[\[{{])"
)
# gpt-oss' without its tokens, and Kimi's: `functions.get_time:0{…}`.
ADDRESSES = ("commentary to=", "functions.")
ADDRESSED = (
    r"(?<!\w)(?P<to>(?:commentary to=(?:functions\.)?|functions\.)[\w.-]{1,64}(?::\d{1,4})?[ \n]?"
    r"(?:<\|constrain\|>)?(?:json|code)?\s{0,4})(?=\{)"
)
ADDRESSED_PARTIAL = re.compile(
    r"(?<!\w)(?:commentary to=(?:functions\.)?|functions\.)[\w.-]{0,64}(?::\d{0,4})?[ \n]?"
    rf"(?:{begun('<|constrain|>')})?(?:{begun('json')}|{begun('code')})?\s{{0,4}}\Z"
)
OPEN = re.compile(
    "|".join([*map(_as_written, OPENING), JSON_CALL, PYTHON_CALL, LABELLED, ADDRESSED]),
    re.ASCII | re.IGNORECASE,
)
OPENING_PREFIXES = prefixes((*OPENING, f"{FUNCTOOLS}[", *(f"{one}x" for one in ADDRESSES)))
CALL_BEGINS = re.compile(r"[<\[✿`]|(?<!\w)[cf\]]")
LONGEST_OPENING = max(map(len, OPENING))
# What begins with a letter, which no other stands before. It is looked at behind that letter: so
# the search is five times as fast.
WORDS = ("Action", FUNCTOOLS, "function call<", *ADDRESSES)
FIRST = re.compile(
    "|".join(
        (
            r"[<\[{\]✿`]|\*(?<!\w\*)\Z",
            *(
                rf"{word[0]}(?<!\w{word[0]})(?:{re.escape(word[1:])}|(?:{begun(word[1:])})?\Z)"
                for word in WORDS
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
MOST_PARTIAL, MOST_LABEL = 60, 160  # characters


def may_go_on(rest: str) -> int:
    """How many characters at the end may be the beginning of a call."""
    tail = rest[-MOST_PARTIAL:]
    marks = (mark.start() for mark in JSON_BEGINS.finditer(tail))
    json_at = next((at for at in marks if JSON_PARTIAL.fullmatch(tail, at)), len(tail))
    tail_of_label = rest[-MOST_LABEL:]
    label = LABEL_PARTIAL.search(tail_of_label) or ADDRESSED_PARTIAL.search(tail_of_label)
    return max(
        len(tail) - json_at,
        len(label[0]) if label else 0,
        held_back(rest[-LONGEST_OPENING:].translate(FOLD), OPENING_PREFIXES, CALL_BEGINS),
    )
