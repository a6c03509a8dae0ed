"""What providers' errors refuse of a call, in their own words, and the call without it."""

from __future__ import annotations

from typing import Any

import pytest
from vui_gateway.providers.refusals import (
    Refusal,
    optional_fields,
    refusal,
    sentence,
    smaller_limit,
    without,
)

EVERYTHING: dict[str, Any] = {
    "stop": ["\nUser:"],
    "top_p": 0.9,
    "presence_penalty": 0.3,
    "temperature": 0.0,
    "reasoning_effort": "none",
    "stream_options": {"include_usage": True},
    "prompt_cache_key": "vui-0123-reply",
    "extra_body.chat_template_kwargs": {"enable_thinking": False},
    "max_tokens": 2048,
    "cache_control": True,
}


def refused(message: str, status: int = 400, param: str = "", **fields: Any) -> tuple | None:
    found = refusal(status, message, param, EVERYTHING | fields)
    return found and tuple(found)


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ("Value error, current model does not support parameter `enable_thinking`.",
         "extra_body.enable_thinking", False),
        ("thinking is not supported by this model", "extra_body.thinking", {"type": "disabled"}),
        ("reasoning is not supported for this model", "extra_body.reasoning", {"effort": "none"}),
    ],
)  # fmt: skip
def test_a_switch_of_thinking_that_is_refused_is_left_out(
    message: str, field: str, value: Any
) -> None:
    assert refusal(400, message, "", {"temperature": 0.7, field: value}) == Refusal(field)


# Sources: linagora/openrag 335, vllm 38560, crewAI 3317, dify-official-plugins 1767,
# litellm 10080, 13714, 13609, 34574, OpenHands 11662, zed 52000, cg-dot/vertexai-cf-workers 21,
# routatic/proxy 53, php-mistral 76, vercel/ai 8027, swarmauri 162, pi 4514, gpustack 429.
@pytest.mark.parametrize(
    ("message", "field"),
    [
        (
            "litellm.BadRequestError: Hosted_vllmException - chat_template is not supported for "
            "Mistral tokenizers.",
            "extra_body.chat_template_kwargs",
        ),
        (
            "Kwargs ['reasoning_effort'] are not supported by "
            "`MistralCommonTokenizer.apply_chat_template`.",
            "reasoning_effort",
        ),
        (
            '{"detail":[{"type":"extra_forbidden","loc":["body","prompt_cache_key"],"msg":"Extra '
            'inputs are not permitted","input":"vui-0123-reply"}]}',
            "prompt_cache_key",
        ),
        (
            "Error code: 400 - Extra inputs are not permitted, field: 'prompt_cache_key', value: "
            "'vui-0123-reply'",
            "prompt_cache_key",
        ),
        ("Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"),
        ("Unrecognized key(s) in object: 'prompt_cache_key'", "prompt_cache_key"),
        ("property prompt_cache_key should not exist", "prompt_cache_key"),
        (
            "Additional properties are not allowed ('prompt_cache_key' was unexpected)",
            "prompt_cache_key",
        ),
        ('json: unknown field "prompt_cache_key"', "prompt_cache_key"),
        (
            "create() got an unexpected keyword argument 'chat_template_kwargs'",
            "extra_body.chat_template_kwargs",
        ),
        ("参数错误：不支持prompt_cache_key参数", "prompt_cache_key"),
        ("property 'prompt_cache_key' is unsupported", "prompt_cache_key"),
        (
            'BedrockException - {"message":"This model doesn\'t support the stopSequences field. '
            'Remove stopSequences and try again."}',
            "stop",
        ),
        ("Malformed input request: extraneous key [stop_sequences] is not permitted", "stop"),
        ("Unsupported parameter: 'stop' is not supported with this model.", "stop"),
        ('Invalid JSON payload received. Unknown name "stop": Cannot find field.', "stop"),
        (
            "Unsupported value: 'temperature' does not support 0.0 with this model. Only the "
            "default (1) value is supported.",
            "temperature",
        ),
        ("invalid temperature: only 1 is allowed for this model", "temperature"),
        ("`temperature` is deprecated for this model.", "temperature"),
        ("`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
        ("`temperature` and `top_p` cannot both be specified for this model.", "top_p"),
        ("Argument not supported on this model: presencePenalty", "presence_penalty"),
        ("Penalty is not enabled for models/gemini-2.5-pro", "presence_penalty"),
        ("Model grok-4 does not support parameter reasoningEffort.", "reasoning_effort"),
        ("Thinking level is not supported for this model.", "reasoning_effort"),
        ("reasoning: Extra inputs are not permitted", "reasoning_effort"),
        (
            "{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs "
            "are not permitted', 'input': {'include_usage': True}}",
            "stream_options",
        ),
        ("system.0.cache_control: Extra inputs are not permitted", "cache_control"),
        (
            "Error from provider: Extra inputs are not permitted, field: "
            "'messages[0].cache_control'",
            "cache_control",
        ),
        (
            "You invoked an unsupported model or your request did not allow prompt caching.",
            "cache_control",
        ),
    ],
)
def test_the_field_that_a_refusal_names(message: str, field: str) -> None:
    for status in (400, 422, 500):
        assert refused(message, status) == (field, ""), status
    assert refused(message, 401) is None
    assert refused(message, 429) is None


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("Budget 0 is invalid. This model only works in thinking mode.", "minimal"),
        ("Reasoning is mandatory for this endpoint and cannot be disabled.", "minimal"),
        ("reasoning_effort: Reasoning cannot be turned off for this model", "minimal"),
        (
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
            "Supported values are: 'minimal', 'low', 'medium', and 'high'.",
            "minimal",
        ),
        ("`reasoning_effort` must be one of `low`, `medium`, or `high`", "low"),
        (
            'Ollama_chatException - {"error":"invalid think value: \\"none\\" (must be \\"high\\", '
            '\\"medium\\", \\"low\\", true, or false)"}',
            "low",
        ),
        ("reasoning_effort: Input should be 'none' or 'high'", "high"),
        ("Invalid value 'none' for reasoning_effort, must be one of low, medium, high", "low"),
        ("reasoning_effort none isn't supported. Allowed values: minimal, low", "minimal"),
        ("'none' is not one of ['medium', 'high'] - 'reasoning_effort'", "medium"),
    ],
)
def test_the_nearest_level_that_a_refusal_names(message: str, level: str) -> None:
    assert refused(message) == ("reasoning_effort=none", level)


def test_a_named_level_is_lowered_where_no_higher_one_is_taken() -> None:
    message = "`reasoning_effort` must be one of `low`, `medium`, or `high`"
    assert refused(message, reasoning_effort="xhigh") == ("reasoning_effort=xhigh", "high")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            "max_tokens",
            "AzureException BadRequestError - Unsupported parameter: 'max_tokens' is not supported "
            "with this model. Use 'max_completion_tokens' instead.",
        ),
        ("max_completion_tokens", "max_completion_tokens: Extra inputs are not permitted"),
        (
            "max_completion_tokens",
            "Unrecognized request argument supplied: max_completion_tokens",
        ),
    ],
)
def test_the_limit_of_tokens_by_its_other_name(sent: str, message: str) -> None:
    fields = {name: value for name, value in EVERYTHING.items() if name != "max_tokens"}
    found = refusal(400, message, "", fields | {sent: 2048})
    (other,) = {"max_tokens", "max_completion_tokens"} - {sent}
    assert found == Refusal(sent, other)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Something went wrong",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(6952 in the messages, 2048 in the completion). Please reduce the length.",
        "'max_tokens' or 'max_completion_tokens' is too large: 2048. This model's maximum context "
        "length is 4096 tokens and your request has 3000 input tokens",
        "max_tokens is too large: 2048. This model supports at most 1024 completion tokens.",
        "Invalid value for 'max_tokens': must be less than or equal to 1024",
        "mistral-tiny does not support tools",
        "Invalid 'messages[3].content': expected a string.",
        "System message must be at the beginning.",
        "Invalid 'messages': the last one must be the user's.",
        "The model has no such stopgap, and 'deepseek/stop' is unknown",
        "deepseek-reasoning-v2 is not available in your region",
        "Invalid API key provided. Stop guessing.",
        "Failed to call a function. See 'failed_generation' for more details. "
        '{"failed_generation": "I can\'t set the temperature, stop is not supported"}',
        '{"type":"missing","loc":["body","messages",2,"content"],"msg":"Field required",'
        '"input":{"prompt_cache_key":"x","why":"unsupported"}}',
    ],
)
def test_errors_of_another_kind_take_nothing_back(message: str) -> None:
    assert refused(message) is None


def test_the_field_that_an_error_names_by_itself() -> None:
    assert refused("Invalid value.", param="temperature") == ("temperature", "")
    assert refused("Invalid value.", param="body.stop") == ("stop", "")
    assert refused("Invalid value.", param="messages") is None
    supported = "Invalid value: 'none'. Supported values are: 'medium'."
    assert refused(supported, param="reasoning_effort") == ("reasoning_effort=none", "medium")


def test_a_huge_error_is_read_as_far_as_it_makes_sense() -> None:
    noise = "unsupported " + "x" * 5000 + " stop is not supported"
    assert refused(noise) is None
    assert refused("stop is not supported. " + "unsupported stop " * 100_000) == ("stop", "")


def test_only_what_nobody_configured_is_optional() -> None:
    before = {"model": "m", "messages": [], "temperature": 0.0, "stop": ["a"], "max_tokens": 9}
    call = {
        **before,
        "reasoning_effort": "none",
        "prompt_cache_key": "k",
        "allowed_openai_params": ["prompt_cache_key"],
        "extra_body": {"mine": 1, "chat_template_kwargs": {}},
        "top_p": None,
    }
    own = {"model": "m", "stop": ["a"], "max_tokens": 9, "extra_body": {"mine": 1}}
    found = optional_fields(before, call, own, marked=False)
    assert found == {
        "temperature": 0.0, "reasoning_effort": "none", "prompt_cache_key": "k",
        "extra_body.chat_template_kwargs": {}, "max_tokens": 9,
    }  # fmt: skip
    assert "cache_control" in optional_fields(before, call, own, marked=True)


def test_the_call_without_what_was_refused() -> None:
    part = {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
    call = {
        "messages": [{"role": "system", "content": [part]}, {"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "cache_control": {"type": "ephemeral"}}],
        "stop": ["a"],
        "reasoning_effort": "none",
        "max_tokens": 9,
        "extra_body": {"mine": 1, "chat_template_kwargs": {}},
    }
    refused = {
        "stop": "", "max_tokens": "max_completion_tokens", "reasoning_effort=none": "low",
        "extra_body.chat_template_kwargs": "", "cache_control": "", "top_p": "",
    }  # fmt: skip
    assert without(call, refused) == {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s"}]},
            {"role": "user", "content": "Hi"},
        ],
        "tools": [{"type": "function"}],
        "reasoning_effort": "low",
        "max_completion_tokens": 9,
        "extra_body": {"mine": 1},
    }
    assert call["stop"] == ["a"]
    assert part["cache_control"]
    assert without(call, {}) == call
    assert without({**call, "reasoning_effort": "high"}, refused)["reasoning_effort"] == "high"


@pytest.mark.parametrize(
    ("call", "own", "sent"),
    [
        ({"max_tokens": 2048}, {"max_tokens": 150}, {"max_tokens": 150}),
        ({"max_tokens": 100}, {"max_tokens": 150}, {"max_tokens": 100}),
        ({"max_tokens": 2048}, {"max_tokens": "150"}, {"max_tokens": 150}),
        (
            {"max_tokens": 2048, "max_completion_tokens": 150},
            {"max_completion_tokens": 150},
            {"max_completion_tokens": 150},
        ),
        ({"max_tokens": 2048}, {}, {"max_tokens": 2048}),
        ({"max_tokens": 2048}, {"max_tokens": "many"}, {"max_tokens": 2048}),
        ({}, {}, {}),
    ],
)
def test_the_smaller_limit_of_tokens_holds(call: dict, own: dict, sent: dict) -> None:
    assert smaller_limit({"model": "m", **call}, own) == {"model": "m", **sent}


def test_the_sentence_names_the_cure() -> None:
    said = sentence("azure/voice-prod", Refusal("max_tokens", "max_completion_tokens"))
    assert "base_model" in said
    assert "base_model" not in sentence("openai/x", Refusal("max_tokens", "max_completion_tokens"))
    left_out = sentence("openai/x", Refusal("extra_body.chat_template_kwargs"))
    assert "refuses chat_template_kwargs: its calls go without it" in left_out
    level = sentence("ollama_chat/x", Refusal("reasoning_effort=none", "low"))
    assert "refuses reasoning_effort none: its calls send low instead" in level
