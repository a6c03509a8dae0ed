"""Tool calls that a model writes as text."""

from __future__ import annotations

import json

import pytest
from vui_gateway.providers.tool_calls import calls_in
from vui_gateway.providers.tool_text import ToolTextFilter

ZONE = '{"zone": "UTC"}'
FORMATS = {
    "Hermes": f'<tool_call>\n{{"name": "get_time", "arguments": {ZONE}}}\n</tool_call>',
    "Mistral": f'[TOOL_CALLS][{{"name": "get_time", "arguments": {ZONE}}}]',
    "Mistral, newer": f"[TOOL_CALLS]get_time[ARGS]{ZONE}",
    "Mistral, newest": f"[TOOL_CALLS]get_time[CALL_ID]a1B2c3D4e[ARGS]{ZONE}",
    "Llama": f'{{"name": "get_time", "parameters": {ZONE}}}',
    "Llama, tag": f"<function=get_time>{ZONE}</function>",
    "Llama, Python": f'<|python_tag|>{{"name": "get_time", "parameters": {ZONE}}}<|eom_id|>',
    "Llama, call": '<|python_tag|>get_time(zone="UTC")<|eom_id|>',
    "OpenAI": f'{{"type": "function", "function": {{"name": "get_time", "arguments": {ZONE}}}}}',
    "in harmony": f'{{"recipient_name": "functions.get_time", "parameters": {ZONE}}}',
    "Qwen coder": "<tool_call>\n<function=get_time>\n<parameter=zone>\nUTC\n</parameter>\n"
    "</function>\n</tool_call>",
    "GLM": "<tool_call>get_time\n<arg_key>zone</arg_key>\n<arg_value>UTC</arg_value>\n</tool_call>",
    "Claude": '<function_calls>\n<invoke name="get_time">\n<parameter name="zone">UTC</parameter>\n'
    "</invoke>\n</function_calls>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_time:0"
    f"<|tool_call_argument_begin|>{ZONE}<|tool_call_end|><|tool_calls_section_end|>",
    "DeepSeek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n"
    f"```json\n{ZONE}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "LFM": '<|tool_call_start|>[get_time(zone="UTC")]<|tool_call_end|>',
    "LM Studio": f'[TOOL_REQUEST]{{"name": "get_time", "arguments": {ZONE}}}[END_TOOL_REQUEST]',
    "ReAct's JSON": f'{{"action": "get_time", "action_input": {ZONE}}}',
}


def taken(text: str, size: int) -> tuple[str, list[str]]:
    tools = ToolTextFilter()
    said = "".join(tools.feed(text[at : at + size]) for at in range(0, len(text), size))
    return said + tools.feed("", final=True), tools.taken


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_call_is_taken_out_of_the_text_and_understood(name: str, size: int) -> None:
    said, texts = taken(f"Let me see. {FORMATS[name]}", size)
    assert said.replace("<|eom_id|>", "") == "Let me see. "
    (call,) = [call for text in texts for call in calls_in(text, {"get_time"})]
    assert call["function"]["name"] == "get_time"
    assert json.loads(call["function"]["arguments"]) == {"zone": "UTC"}
    assert not [call for text in texts for call in calls_in(text, {"another"})]


def test_what_follows_a_call_is_heard() -> None:
    text = 'A {"name": "x", "arguments": {"b": "}\\"{"}} B <tool_call>{}</tool_call> C'
    assert taken(text, 1)[0] == "A  B  C"


@pytest.mark.parametrize("text", ['{"a": 1}', "{x}", "[laugh] {", "a [b] c", "<tool>", "x[0]{"])
def test_what_is_no_call_stays(text: str) -> None:
    assert taken(text, 1) == (text, [])
