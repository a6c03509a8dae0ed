"""Tool calls that a model writes as text: where they begin and end, and a filter for them."""

from __future__ import annotations

import re

from vui_gateway.providers.control_tokens import TOKEN, Kind, kind
from vui_gateway.providers.mentions import last_before, mention
from vui_gateway.providers.tags import FOLD, held_back, prefixes
from vui_gateway.providers.tool_calls import FUNCTOOLS, is_call

__all__ = ["ToolTextFilter"]

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
CALLS = (
    r'"(?:name|function|function_name|tool|tool_name|tool_calls?|function_call|action|type'
    r'|recipient_name)"'
)
JSON_CALL = rf"(?:(?<!\w){FUNCTOOLS}\s{{0,2}})?(?:\[\s{{0,8}})?\{{\s{{0,8}}" + CALLS + r"\s{0,8}:"
# Llama 4's and Olmo's list: `[get_time(zone="UTC")]`.
PYTHON_CALL = r"\[\s{0,4}[A-Za-z_][\w.]{0,40}\("
_FENCE = r"(?:```(?:json)?\s{0,4})?"
LABELLED = (
    r"(?-i:(?P<label>\*{0,2}(?<!\w)Action)\*{0,2}:\*{0,2})\s{0,4}"
    r"(?:[`\"']?(?P<name>[\w.-]{1,64})[`\"']?[ \t]{0,4}\n\s{0,4}\*{0,2}Action[ _]?Input\*{0,2}:"
    rf"\*{{0,2}}\s{{0,8}})?{_FENCE}(?=[\[{{])"
)
OPEN = re.compile(
    "|".join([*map(_as_written, OPENING), JSON_CALL, PYTHON_CALL, LABELLED]),
    re.ASCII | re.IGNORECASE,
)
OPENING_PREFIXES = prefixes((*OPENING, f"{FUNCTOOLS}["))
CALL_BEGINS = re.compile(r"[<\[✿`]|(?<!\w)[f\]]")
LONGEST_OPENING = max(map(len, OPENING))


def _begun(text: str) -> str:
    """A pattern for a text or a beginning of it."""
    return "(?:".join(map(re.escape, text)) + ")?" * (len(text) - 1)


FIRST = re.compile(
    rf"[<\[{{\]✿`]|(?<!\w)(?:Action\b|function call<|(?:\*|{_begun('Action')}|{_begun(FUNCTOOLS)}"
    rf"|{_begun('function call')})\Z)"
)
JSON_PARTIAL = re.compile(
    rf"(?:{FUNCTOOLS}\s{{0,2}})?(?:\[\s{{0,8}})?(?:\{{\s{{0,8}}(?:\"\w{{0,16}}(?:\"\s{{0,8}})?)?"
    r"|(?<=[\[\s])[A-Za-z_][\w.]{0,40})?\Z"
)
JSON_BEGINS = re.compile(rf"(?:{FUNCTOOLS}\s{{0,2}})?[\[{{]")
LABEL_PARTIAL = re.compile(
    rf"\*{{0,2}}(?<!\w)(?:{_begun('Action')}|Action\*{{0,2}}(?::\*{{0,2}}\s{{0,4}}(?:[`\"']?[\w.-]{{0,64}}"
    r"[`\"']?[ \t]{0,4}(?:\n[\w *]{0,20}(?::\*{0,2}\s{0,8})?)?)?`{0,3}(?:j?s?o?n?)\s{0,4})?)\Z"
    r"|\*{1,2}\Z"
)
# A tag that somebody speaks of: words follow, and nothing ends it.
SPOKEN_OF = re.compile(r"<[^<>{}=|]{1,60}>(?:[ \t]++[^\s{}\[\]()=<>]++){3}+[^{}\[\]()=<>]*+")
MOST_PARTIAL, MOST_LABEL = 60, 160
NESTING = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
MOST_TAKEN, MOST_JSON = 100_000, 8_000  # characters
JSON = "json"


class ToolTextFilter:
    """Takes out what is a tool call, or its made-up result.

    Attributes:
        taken: the texts that were taken out.
    """

    ended = False

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._held = self._before = ""  # _before: the last characters before what is held
        self._inside: str | None = None  # what ends the call under way; JSON by its brackets
        self._depth, self._quoted = 0, False
        self._label, self._named = "", False  # ReAct's, before the JSON of a call; it has the name
        self._part, self._size = list[str](), 0

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text without calls; a piece that may become one is held back."""
        text, self._held = self._held + text, ""
        heard: list[str] = []
        if self._inside is None and not FIRST.search(text):
            heard.append(text)
        else:
            self._take_out(text, heard, final=final)
        self._before = last_before(self._before, text, len(text) - len(self._held))
        return "".join(heard)

    def _take_out(self, text: str, heard: list[str], *, final: bool) -> None:
        at = begin = 0
        while at < len(text):
            if self._inside is not None:
                at = begin = self._skip(text, at, heard, final=final)
                continue
            if not (found := OPEN.search(text, begin)):
                rest = text[at:]
                keep = 0 if final else _may_go_on(rest)
                heard.append(rest[: len(rest) - keep])
                self._held = rest[len(rest) - keep :]
                break
            inside, (start, begin) = OPENING.get(found[0].translate(FOLD), JSON), found.span()
            tagged = inside is not JSON
            spoken_of = tagged and mention(self._before, text, start, begin, final=final)
            if spoken_of:
                continue
            heard.append(text[at:start])
            at = start
            if spoken_of is None:
                self._held = text[at:]
                break
            self._inside = inside
            self._label, self._named = "", bool(found["name"])
            if found["label"]:
                self._label, at = found[0], begin
            elif tagged:
                self._keep(found[0])
                at = begin
            self._depth, self._quoted = 0, False
        if final and self._inside is not None:
            heard.append(self._close(final=True))

    def _skip(self, text: str, at: int, heard: list[str], *, final: bool) -> int:
        """Take what belongs to the call; where the text goes on."""
        if self._inside is JSON:
            return self._skip_json(text, at, heard, final=final)
        inside = self._inside or ""
        end = CLOSINGS[inside].search(text, at) if inside else None
        stop = end.end() if end else len(text)
        for token in TOKEN.finditer(text, at, stop):
            if kind(token[0]) in (Kind.END, Kind.OTHERS) and token[0].translate(FOLD) != inside:
                self._keep(text[at : token.start()])
                self._close()
                return token.start()
        if end:
            self._keep(text[at:stop])
            self._close()
            return stop
        keep = 0 if final else _tail(text[at:], inside)
        self._keep(text[at : len(text) - keep])
        self._held = text[len(text) - keep :]
        return len(text)

    def _skip_json(self, text: str, at: int, heard: list[str], *, final: bool) -> int:
        for mark in NESTING.finditer(text, at):
            char = mark[0]
            if char == '"':
                self._quoted = not self._quoted
            elif not self._quoted and len(char) == 1:
                self._depth += 1 if char in "{[" else -1
                if self._depth <= 0:
                    self._keep(text[at : mark.end()])
                    heard.append(self._close())
                    return mark.end()
        keep = int(not final and text.endswith("\\") and not _escaped(text))
        self._keep(text[at : len(text) - keep])
        self._held = text[len(text) - keep :]
        if self._size > MOST_JSON:
            heard.append(self._close())
        return len(text)

    def _keep(self, text: str) -> None:
        self._size += len(text)
        if self._size <= MOST_TAKEN:
            self._part.append(text)

    def _close(self, *, final: bool = False) -> str:
        """The call is over: what of it is none after all."""
        part, inside, label = "".join(self._part), self._inside, self._label
        self._part, self._inside, self._size, self._label = [], None, 0, ""
        if inside is JSON and not is_call(part, named=self._named, cut_off=final):
            return label + part
        if final and SPOKEN_OF.fullmatch(part):
            return part
        self.taken.append(label + part)
        self._inside = FINAL if label else None
        return ""


def _tail(text: str, end: str) -> int:
    """Characters at the end that may be the beginning of an end: a tag or a token."""
    if end and end[0] not in "<[":
        return min(len(text), len(end) - 1)
    at = max(text.rfind("<", -64), text.rfind("[", -64))
    return len(text) - at if at >= 0 and len(text) - at < 64 and ">" not in text[at:] else 0


def _escaped(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 0


def _may_go_on(rest: str) -> int:
    """How many characters at the end may be the beginning of a call."""
    tail = rest[-MOST_PARTIAL:]
    marks = (mark.start() for mark in JSON_BEGINS.finditer(tail))
    json_at = next((at for at in marks if JSON_PARTIAL.fullmatch(tail, at)), len(tail))
    label = LABEL_PARTIAL.search(rest[-MOST_LABEL:])
    return max(
        len(tail) - json_at,
        len(label[0]) if label else 0,
        held_back(rest[-LONGEST_OPENING:].translate(FOLD), OPENING_PREFIXES, CALL_BEGINS),
    )
