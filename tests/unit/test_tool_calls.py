"""Tool calls of a text: how many, and of which tool."""

from __future__ import annotations

import json
import time

import pytest
from vui_gateway.providers.tool_calls import calls_in, tool_name


def test_several_calls_have_an_index_each() -> None:
    text = '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": "{\\"c\\": 1}"}]'
    calls = calls_in(text, {"a", "b"})
    assert [(call["index"], call["function"]["name"]) for call in calls] == [(0, "a"), (1, "b")]
    assert calls[1]["function"]["arguments"] == '{"c": 1}'


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("get_time<|channel|>commentary", "get_time"), ("functions.get_time", "get_time"),
        ("get_time", "get_time"), ("get_time<|constrain|>json", "get_time"),
        ("functions.get_time:0", "get_time"), (' "get_time" ', "get_time"),
    ],
)  # fmt: skip
def test_a_name_is_freed_of_control_tokens(name: str, bare: str) -> None:
    assert tool_name(name, {"get_time"}) == tool_name(name) == bare


def test_an_offered_name_stays_as_it_is() -> None:
    assert tool_name("functions.x", {"functions.x", "x"}) == "functions.x"


@pytest.mark.parametrize("mark", ["{", "[", '{"name":', "get_time(", "<parameter=a>", "a:0 "])
def test_a_flood_of_brackets_is_a_bounded_number_of_calls(mark: str) -> None:
    assert len(calls_in(mark * (100_000 // len(mark)), {"get_time"})) <= 16


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("zone", ["Paris (France)", "a) b) c", "x \\(y"])
def test_a_parenthesis_in_an_argument_does_not_end_a_call_in_python(zone: str) -> None:
    (call,) = calls_in(f'[get_time(zone="{zone}")]', {"get_time"})
    assert json.loads(call["function"]["arguments"]) == {"zone": zone}


UTC = {"zone": "UTC"}


@pytest.mark.parametrize(
    "text",
    ['<function=get_time({"zone":"UTC"})</function>', 'get_time({"zone":"UTC"})',
     '<function=get_time({"zone":"UTC"})></function>', "[get_time({'zone': 'UTC'})]",
     '<|python_tag|>get_time.call(zone="UTC")',
     '<tool_use><name>get_time</name><arguments>{"zone":"UTC"}</arguments></tool_use>',
     '<tool_call><name>get_time</name>\n<parameters>{"zone":"UTC"}</parameters></tool_call>',
     '{"name":"get_time","arguments":{"zone":"UTC"}',
     '[{"name":"get_time","arguments":{"zone":"UTC"}',
     '<tool_call>{"name":"get_time","arguments":{"zone":"UTC"}\n</tool_call>',
     '<function(get_time){"zone":"UTC"}</function>', '<function(get_time)>{"zone":"UTC"}',
     '<function=get_time,{"zone":"UTC"}</function>', '<function=get_time [{"zone":"UTC"}]',
     '<function=get_time|{"zone":"UTC"}></function>'],
)  # fmt: skip
def test_a_call_has_its_arguments_however_they_are_wrapped(text: str) -> None:
    (call,) = calls_in(text, {"get_time"})
    assert json.loads(call["function"]["arguments"]) == UTC


def test_a_line_break_in_an_argument_is_part_of_it() -> None:
    (call,) = calls_in('{"name": "note", "arguments": {"text": "a\nb\tc"}}', {"note"})
    assert json.loads(call["function"]["arguments"]) == {"text": "a\nb\tc"}


def test_a_call_that_breaks_off_within_its_arguments_is_none() -> None:
    assert calls_in('{"name": "get_time", "arguments": {"zone": "U', {"get_time"}) == []


@pytest.mark.parametrize(
    "name",
    ["default_api.get_time", "default_api:get_time", "commentary to=functions.get_time",
     "to=functions.get_time", "get_time()", "<|channel|>commentary to=functions.get_time",
     "get_time json", "functions/get_time", "tools.get_time", "<|tool_call|>get_time",
     "function=get_time", "assistant<|channel|>commentary to=get_time"],
)  # fmt: skip
def test_an_offered_tool_is_found_in_what_a_template_made_of_its_name(name: str) -> None:
    assert tool_name(name, {"get_time", "time"}) == "get_time"


@pytest.mark.parametrize(
    "name", ["get time", "forget_time", "get_times", "time.get", "my_get_time"]
)
def test_another_tools_name_is_not_taken_for_an_offered_one(name: str) -> None:
    assert tool_name(name, {"get_time"}) == name


FLOODS = ["t{", "t{a:", 't{<|"|>', "<function=t><parameter=x>", "t<param", "to=t {", 't("']


@pytest.mark.parametrize("mark", FLOODS)
def test_a_flood_of_names_is_read_in_no_time(mark: str) -> None:
    began = time.monotonic()
    calls_in(mark * (60_000 // len(mark)), {"t"})
    assert time.monotonic() - began < 2  # seconds; without a bound it takes ten times as long
