"""Tool calls that a model writes as text."""

from __future__ import annotations

import json

import pytest
from vui_gateway.providers.tool_calls import calls_in
from vui_gateway.providers.tool_text import ToolTextFilter

from tests.support.said import GOOD, cuts, heard

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
    "ReAct": f"Action: get_time\nAction Input: {ZONE}",
    "ReAct, made-up result": f"Action: get_time\nAction Input: {ZONE}\nObservation: It is nine.",
    "ReAct, Markdown": f"**Action:** `get_time`\n**Action Input:**\n```json\n{ZONE}\n```",
    "Command R": f'Action: ```json\n[{{"tool_name": "get_time", "parameters": {ZONE}}}]\n```',
    "LangChain": f'Action:\n```\n{{"action": "get_time", "action_input": {ZONE}}}\n```',
    "Qwen-Agent": f"✿FUNCTION✿: get_time\n✿ARGS✿: {ZONE}\n✿RESULT✿: It is nine.",
    "Phi-4-mini": f'functools[{{"name": "get_time", "arguments": {ZONE}}}]',
    "Python": '[get_time(zone="UTC")]',
    "Llama 4": '<|python_start|>[get_time(zone="UTC")]<|python_end|>',
    "Olmo": '<function_calls>get_time(zone="UTC")</function_calls>',
    "Step": "<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>"
    '<steptml:invoke name="get_time"><steptml:parameter name="zone">UTC</steptml:parameter>'
    "</steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>",
    "Granite 20B": f'<function_call> {{"name": "get_time", "arguments": {ZONE}}}',
    "Granite": f'<|tool_call|>[{{"name": "get_time", "arguments": {ZONE}}}]',
    "GigaChat": f'function call<|role_sep|>\n{{"name": "get_time", "arguments": {ZONE}}}',
    "GigaChat, newer": f'<|function_call|>{{"name": "get_time", "arguments": {ZONE}}}',
    "Hunyuan": f'<tool_calls>[{{"name": "get_time", "arguments": {ZONE}}}]</tool_calls>',
    "Hunyuan, newer": "<tool_calls:opensource>\n<tool_call:opensource>get_time"
    "<tool_sep:opensource>\n<arg_key:opensource>zone</arg_key:opensource>\n<arg_value:opensource>"
    "UTC</arg_value:opensource>\n</tool_call:opensource>\n</tool_calls:opensource>",
    "Apertus": f'<|tools_prefix|>[{{"get_time": {ZONE}}}]<|tools_suffix|>',
    "Cohere": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get_time", '
    f'"parameters": {ZONE}}}]<|END_ACTION|>',
    "Gemma": "<start_function_call>call:get_time{zone:<escape>UTC<escape>}<end_function_call>",
    "Gemma 4": '<|tool_call>call:get_time{zone:<|"|>UTC<|"|>}<tool_call|>',
    "InternLM": '<|action_start|><|plugin|>\n{"name": "get_time", '
    f'"parameters": {ZONE}}}<|action_end|>',
    "MiniMax": f'<tool_calls>\n{{"name": "get_time", "arguments": {ZONE}}}\n</tool_calls>',
    "MiniMax M2": '<minimax:tool_call>\n<invoke name="get_time">\n<parameter name="zone">UTC'
    "</parameter>\n</invoke>\n</minimax:tool_call>",
    "MiniMax M3": ']<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="get_time">]<]minimax[>['
    "<zone>UTC]<]minimax[>[</zone>]<]minimax[>[</invoke>\n]<]minimax[>[</tool_call>",
    "MiniCPM": '<function name="get_time"><param name="zone">UTC</param></function>',
    "Seed": "<seed:tool_call>\n<function=get_time>\n<parameter=zone>UTC</parameter>\n</function>\n"
    "</seed:tool_call>",
    "LongCat": "<longcat_tool_call>get_time\n<longcat_arg_key>zone</longcat_arg_key>\n"
    "<longcat_arg_value>UTC</longcat_arg_value>\n</longcat_tool_call>",
    "DeepSeek 3.2": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_time">\n'
    "<｜DSML｜parameter"
    ' name="zone" string="true">UTC</｜DSML｜parameter>\n</｜DSML｜invoke>\n'
    "</｜DSML｜function_calls>",
    "DeepSeek 4": '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_time">\n<｜DSML｜parameter '
    'name="zone" string="true">UTC</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
    "Solar": "<|tool_call:begin|>a1<|tool_call:name|>get_time<|tool_call:args|>"
    f"{ZONE}<|tool_call:end|>",
    "Nemotron": f'<TOOLCALL>[{{"name": "get_time", "arguments": {ZONE}}}]</TOOLCALL>',
    "Gemini": '```tool_code\nprint(default_api.get_time(zone="UTC"))\n```',
    "Gemma 3": '```tool_code\nget_time(zone="UTC")\n```',
    "xLAM": f'[{{"name": "get_time", "arguments": {ZONE}}}]',
    "wrapped": f'{{"tool_call": {{"name": "get_time", "arguments": {ZONE}}}}}',
    "OpenAI, whole": '{"id": "call_1", "type": "function", "function": {"name": "get_time", '
    f'"arguments": {ZONE}}}}}',
    "arguments first": f'{{"arguments": {ZONE}, "name": "get_time"}}',
    "a thought first": f'{{"thought": "So.", "action": "get_time", "action_input": {ZONE}}}',
    "Python's quotes": "{'name': 'get_time', 'arguments': {'zone': 'UTC'}}",
    "Python's list": "[{'id': 'a\"}b', 'x': \"it's\", 'name': 'get_time', 'arguments': "
    "{'zone': 'UTC'}}]",
    "actions": f'{{"actions": [{{"name": "get_time", "arguments": {ZONE}}}]}}',
    "Phi-4-mini, a space": f'functools [{{"name": "get_time", "arguments": {ZONE}}}]',
    "Hermes, attributes": f'<tool_call id="1">{{"name": "get_time", "arguments": {ZONE}}}'
    "</tool_call>",
    "Hermes, a space": f'<tool_call >{{"name": "get_time", "arguments": {ZONE}}}</tool_call >',
    "a tool": f'<tool>{{"name": "get_time", "arguments": {ZONE}}}</tool>',
    "a tool's name": f'<tool name="get_time">{ZONE}</tool>',
    "functions": '<functions><function name="get_time"><parameter name="zone">UTC</parameter>'
    "</function></functions>",
    "an API": f'<api_call>{{"name": "get_time", "arguments": {ZONE}}}</api_call>',
    "in brackets": f'[TOOL_CALL]{{"name": "get_time", "arguments": {ZONE}}}[/TOOL_CALL]',
    "labelled": f'TOOL_CALL: {{"name": "get_time", "arguments": {ZONE}}}',
    "labelled, words": f'Tool call: {{"name": "get_time", "arguments": {ZONE}}}',
    "Claude, its prefix": '<x:function_calls>\n<x:invoke name="get_time">\n<x:parameter name='
    '"zone">UTC</x:parameter>\n</x:invoke>\n</x:function_calls>',
    "Qwen coder, unopened": "<function=get_time>\n<parameter=zone>\nUTC\n</parameter>\n"
    "</function>\n</tool_call>",
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
    assert said.replace("<|eom_id|>", "").rstrip() == "Let me see."
    (call,) = [call for text in texts for call in calls_in(text, {"get_time"})]
    assert call["function"]["name"] == "get_time"
    assert json.loads(call["function"]["arguments"]) == {"zone": "UTC"}
    assert not [call for text in texts for call in calls_in(text, {"another"})]


def test_what_follows_the_calls_of_react_is_heard_from_its_answer_on() -> None:
    text = (
        f"Well.\nAction: x\nAction Input: {ZONE}\nObservation: Nine.\nThought: So.\n"
        f"Action: get_time\nAction Input: {ZONE}\nObservation: Ten.\nFinal Answer: It's ten."
    )
    for size in (1, 5, 1000):
        said, texts = taken(text, size)
        assert said == "Well.\n It's ten."
        calls = [call for one in texts for call in calls_in(one, {"get_time"})]
        assert [call["function"]["arguments"] for call in calls] == [ZONE]


# A sentence, and what somebody may ask to be read out.
SENTENCES = [
    "Action: the best films of 2024 are loud.", "Action: Terminator\nRomance: Titanic",
    "Action: run\nAction: all that you see.", "Action: {your name}.",
    "Action movies. Function calls are fun. An action, a function call", "Functools is fun.",
    'Action: {"a": 1} is no call.', "Action", "Action: ", "A", "functools", "functools[1]",
    "The list [a, b] and [laugh] and [f(x)] and f(x=1), [f(x) for x in y].", "a]<]b [see (that)]",
    "Use ```tool_code``` for it.", "```tool_codes\nx\n``` and ``` and `", "```tool_code",
    "Use <tools> to list them. They are many.", "A <call> begins one, I mean it.",
    "A <function(x)> and so on it goes.", "An <invoke name> is what you write.",
]  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_sentence_that_begins_as_a_call_does_is_heard(text: str, size: int) -> None:
    assert taken(text, size) == (text, [])


@pytest.mark.parametrize(
    "text",
    ["<tool_call>get_ti", "<call>get_time", "<tool_call>get_time\n<arg_key>zone, and so on",
     '{"name": "get_time", "arguments": {"zone": "U'],
)  # fmt: skip
def test_a_call_that_breaks_off_is_not_heard(text: str) -> None:
    assert taken(text, 3) == ("", [text])


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_in_the_arguments_is_none_of_a_call(name: str) -> None:
    inner, outer = ZONE, '{"name": "Bob", "action": "wave"}'
    if inner not in FORMATS[name]:
        return
    (call,) = calls_in(FORMATS[name].replace(inner, outer), {"get_time"})
    assert json.loads(call["function"]["arguments"]) == json.loads(outer)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_call_within_a_sentence_is_one(size: int) -> None:
    call = '{"name": "get_time", "arguments": {}}'
    assert taken(f"I use {call} to see it.", size) == ("I use  to see it.", [call])
    assert taken("I use [get_time()] to see it.", size) == ("I use  to see it.", ["[get_time()]"])
    assert taken("I see. [get_time()]", size) == ("I see. ", ["[get_time()]"])


def test_what_follows_a_call_is_heard() -> None:
    text = 'A {"name": "x", "arguments": {"b": "}\\"{"}} B <tool_call>{}</tool_call> C'
    assert taken(text, 1)[0] == "A  B  C"


@pytest.mark.parametrize(
    "text",
    ['{"title": "Dune", "year": 1965}', "{'a': {'b': 'c'}}", '[{"input": 5, "output": 6}]',
     '{"id": 1, "name": "Bob"} is his.', "functools [a]", "functools  ", '{"a": "b', "{'tis so}",
     '{"params": {"name": "x"}}'],
)  # fmt: skip
def test_an_object_that_names_no_tool_with_arguments_is_heard_wherever_it_is_cut(text: str) -> None:
    for size in (1, 2, 5, 1000):
        assert taken(f"So: {text}", size) == (f"So: {text}", [])


@pytest.mark.parametrize("name", FORMATS)
def test_where_a_call_is_cut_changes_nothing(name: str) -> None:
    text = f"So. {FORMATS[name]}"
    for pieces in cuts(text, 2):
        tools = ToolTextFilter()
        said = "".join(map(tools.feed, pieces)) + tools.feed("", final=True)
        assert said.replace("<|eom_id|>", "").rstrip() == "So.", pieces


@pytest.mark.parametrize("text", ['{"a": 1}', "{x}", "[laugh] {", "a [b] c", "<tooling>", "x[0]{"])
def test_what_is_no_call_stays(text: str) -> None:
    assert taken(text, 1) == (text, [])


@pytest.mark.parametrize(
    "tag", ["<tool_call>", "<tool_calls>\n", "<function_call>", "[TOOL_CALLS] "]
)
@pytest.mark.parametrize("more", ["", "\n</tool_call>", " </tool_call> So it is."])
def test_a_stray_tag_before_prose_is_left_out_and_the_prose_is_heard(tag: str, more: str) -> None:
    text = f"{tag}{GOOD}{more}"
    for pieces in cuts(text, 2):
        tools = ToolTextFilter()
        said = "".join(map(tools.feed, pieces)) + tools.feed("", final=True)
        assert " ".join(said.split()) == GOOD + " So it is." * ("So" in more), pieces
        assert not tools.taken


@pytest.mark.parametrize(
    "text", ["</tool_call>", "\n</function>\n</tool_call>", "</invoke>", "</x:function_calls>"]
)
def test_the_end_of_a_call_that_never_began_is_not_heard(text: str) -> None:
    for pieces in cuts(f"So.{text}", 2):
        tools = ToolTextFilter()
        assert ("".join(map(tools.feed, pieces)) + tools.feed("", final=True)).strip() == "So."


@pytest.mark.parametrize(
    "text",
    ["The </tool_call> tag ends it.", "It's `<tool_call id='1'>` here.", "The <tool> tag is one.",
     "a <b", "x < tool", "<toolbox> is mine.", "Tool calls: they are.", "TOOL"],
)  # fmt: skip
def test_a_sentence_about_tags_is_heard_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        tools = ToolTextFilter()
        assert "".join(map(tools.feed, pieces)) + tools.feed("", final=True) == text, pieces


@pytest.mark.parametrize(
    ("text", "said"),
    [("Thought: I need the time.\nAction: get_time\nAction Input: UTC", ""),
     ("Thought: I need it.\nAction: get_time\nAction Input: UTC\nObservation: Ten.\n"
      f"Thought: I know.\nFinal Answer: {GOOD}", GOOD),
     (f"Thought: I know.\nFinal Answer: {GOOD}", GOOD), (f"Thought: {GOOD}", f"Thought: {GOOD}"),
     (f'{GOOD}\n[get_time("UTC")]', GOOD), ("Though it is so.", "Though it is so."),
     ("<tool_response>It is nine in here.</tool_response>So.", "So.")],
)  # fmt: skip
def test_what_is_for_a_tool_is_not_heard_wherever_it_is_cut(text: str, said: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces, plain=False) == said, pieces
