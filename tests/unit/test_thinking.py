"""How much thinking is asked for: LiteLLM's whole model table, and our own rules, row by row."""

from __future__ import annotations

import re
from typing import Any

import litellm
import pytest
from vui_gateway.litellm_proxy.catalogue import known_efforts, resolve_model
from vui_gateway.providers.families import apply
from vui_gateway.providers.thinking import LEVELS, thinks
from vui_gateway.providers.thinking_rules import RULES

DISABLED = {"thinking": {"type": "disabled"}}
OFF = {"extra_body": DISABLED}
OPENROUTER_OFF = {"extra_body": {"reasoning": {"effort": "none"}}}
NO_QWEN = {"extra_body": {"enable_thinking": False}}
TEMPLATE_OFF = {
    "extra_body": {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
}
MESSAGES = [{"role": "user", "content": "Hello"}]


def effort(level: str) -> dict:
    return {"reasoning_effort": level}


def sent(name: str, **fields: Any) -> dict:
    """What a call gets in addition, or what it keeps of `fields`."""
    provider, _, model = name.partition("/")
    call = {"messages": MESSAGES, **fields}
    found = apply(call, provider, model, known_efforts(provider, model))
    return {k: v for k, v in found.items() if k not in ("messages", "allowed_openai_params")}


# The table of https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
TABLE = {
    name: row
    for name, row in litellm.model_cost.items()
    if row.get("mode") in ("chat", "responses")
    and (
        row.get("reasoning_effort_levels") is not None
        or row.get("supports_none_reasoning_effort") is False
        or row.get("thinking_always_on")
    )
    and row["litellm_provider"] not in ("chatgpt", "github_copilot")  # they sign in
}
# It has more levels for these than they take: https://github.com/anomalyco/models.dev/pull/2351
TOO_MANY = re.compile(r"gpt-5(\.\d)?-pro")
FLAGS = ("none", "minimal", "low", "xhigh", "max")


def refused(row: dict) -> set[str]:
    """The levels that a row of the table forbids."""
    if row.get("reasoning_effort_levels") is not None:
        return set(LEVELS) - set(row["reasoning_effort_levels"])
    no = {level for level in FLAGS if row.get(f"supports_{level}_reasoning_effort") is False}
    return no | {"none"} if row.get("thinking_always_on") else no


def wrong(name: str, row: dict) -> str:
    """What is wrong with the effort that a model of the table gets."""
    maker = {} if "/" in name else {"custom_llm_provider": row["litellm_provider"].split("-")[0]}
    model, provider, _ = resolve_model({"model": name, **maker})
    found = sent(f"{provider}/{model}")
    level = found.get("reasoning_effort")
    if row.get("reasoning_effort_levels") == [] or row.get("supports_reasoning") is False:
        return f"gets {level}" if level else ""
    if found == {"thinking": {"type": "between_tools"}}:
        return "" if "claude-sonnet" in name else "isn't Sonnet"  # its row doesn't say
    if level is None or level in refused(row):
        return f"gets {level}"
    less = {lv for lv in LEVELS[: LEVELS.index(level)] if lv not in refused(row)}
    if row.get("thinking_always_on"):
        less -= {"minimal"}  # no Claude has it: LiteLLM sends `low`
    return f"gets {level}, and takes {less}" if less and not TOO_MANY.search(name) else ""


def test_each_model_of_litellms_table_gets_the_least_that_it_allows() -> None:
    assert len(TABLE) > 250, "the table has other names now"
    found = {name: wrong(name, row) for name, row in TABLE.items()}
    assert not {name: what for name, what in found.items() if what}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4.1-mini", {}),
        ("openai/gpt-5-mini", effort("minimal")),
        ("openai/gpt-5.4-mini", effort("none")),
        ("openai/gpt-6.1-sol", effort("low")),
        ("openai/chat-latest", effort("medium")),
        ("openai/gpt-5.3-chat-latest", effort("medium")),
        ("azure/us/gpt-5.2-chat", effort("medium")),
        ("openai/gpt-5.4-pro", effort("medium")),
        ("openai/gpt-5.1-codex", effort("low")),
        ("openai/gpt-5.99-new", effort("none")),
        ("openai/gpt-7-new", effort("none")),
        ("openai/o9-new", effort("low")),
        ("openai/claude-sonnet-5", {}),  # somebody's own address: who knows what it takes
        ("azure/gpt-5-mini", effort("minimal")),
        ("azure/azure/gpt-5-mini", effort("minimal")),  # as people write base_model
        ("azure/voice-prod", {}),
        ("azure_ai/gpt-oss-120b", effort("low")),
        ("anthropic/claude-haiku-4-5", effort("none")),
        ("anthropic/claude-haiku-5-5", effort("none")),
        ("anthropic/claude-opus-5-5", effort("low")),
        ("anthropic/claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        ("bedrock/us.anthropic.claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        ("bedrock/openai.gpt-oss-20b-1:0", effort("low")),
        ("vertex_ai/claude-haiku-4-5@20251001", effort("none")),
        ("databricks/databricks-claude-sonnet-5-5", effort("low")),
        ("gemini/gemini-2.5-pro", effort("minimal")),
        ("vertex_ai/gemini-2.5-pro", effort("minimal")),
        ("gemini/gemini-2.5-flash-lite", effort("none")),
        ("gemini/gemini-3.5-flash", effort("minimal")),
        ("gemini/gemini-3.7-flash", effort("low")),
        ("gemini/gemini-pro-latest", effort("minimal")),
        ("xai/grok-4", {}),
        ("xai/grok-4.20-reasoning", {}),
        ("xai/grok-4.3", effort("none")),
        ("xai/grok-4.7", effort("low")),
        ("groq/openai/gpt-oss-20b", effort("low")),
        ("groq/qwen/qwen3.8-27b", effort("none")),
        ("mistral/mistral-small-latest", effort("none")),
        ("mistral/zai-glm-5-3", effort("low")),
        ("deepseek/deepseek-v4-flash", {"extra_body": DISABLED}),
        *((f"zai/glm-{v}", OFF) for v in ("4.5", "4.5-air", "4.6", "4.7", "5", "5.1", "5.2")),
        ("zai/glm-5v-turbo", OFF),
        ("zai/glm-4-32b-0414-128k", {}),
        *((f"zai/glm-{v}", effort("low")) for v in ("5.3", "5.3-flash", "latest", "6")),
        ("bigmodel/glm-5.3", effort("low")),
        ("moonshot/kimi-k2.5", OFF),
        ("moonshot/kimi-k2.6", OFF),
        ("moonshot/kimi-k2.7-code", {}),
        ("moonshot/kimi-k3", effort("low")),
        ("moonshot/kimi-k2-0905-preview", {}),
        ("dashscope/qwen3-8b", NO_QWEN),
        ("dashscope/qwen3.5-plus", NO_QWEN),
        ("dashscope/qwen-plus-latest", NO_QWEN),
        ("dashscope/glm-5.1", NO_QWEN),
        ("dashscope/qwq-plus", {}),
        ("dashscope/qwen3-next-80b-a3b-thinking", {}),
        ("dashscope/qwen3-next-80b-a3b-instruct", {}),
        ("minimax/MiniMax-M2.5", {}),
        ("minimax/MiniMax-M3", OFF),
        ("minimax/MiniMax-M3.1-Flash", effort("low")),
        ("volcengine/doubao-seed-2-0-pro-260215", OFF),
        ("cerebras/gpt-oss-120b", effort("low")),
        ("cerebras/qwen-3.8-27b", effort("none")),
        ("fireworks_ai/accounts/fireworks/models/glm-5p1", effort("none")),
        ("fireworks_ai/accounts/fireworks/models/kimi-k3", effort("low")),
        ("together_ai/moonshotai/Kimi-K3", effort("low")),
        ("nvidia_nim/nvidia/nemotron-3-nano-30b-a3b", TEMPLATE_OFF),
        ("hosted_vllm/Qwen/Qwen3-8B", TEMPLATE_OFF),
        ("hosted_vllm/openai/gpt-oss-20b", effort("low")),
        ("ollama_chat/qwen3.5:4b", effort("none")),
        ("ollama_chat/gpt-oss:20b", effort("low")),
        ("ollama/gpt-oss:120b-cloud", effort("low")),
        ("perplexity/openai/gpt-5.1", {}),
        ("cohere/command-x", {}),
    ],
)
def test_the_least_thinking_that_a_model_takes(name: str, expected: dict) -> None:
    fields = {field: value for field, value in sent(name).items() if field != "store"}
    assert fields == expected


@pytest.mark.parametrize(
    "model",
    [
        "qwen/qwen3-235b-a22b-2507", "moonshotai/kimi-k2.6", "x-ai/grok-4-fast",
        "x-ai/grok-4.1-fast", "nvidia/nemotron-3-nano-30b-a3b:free", "z-ai/glm-4.6", "z-ai/glm-5.2",
        "deepseek/deepseek-v4-flash", "anthropic/claude-sonnet-5", "anthropic/claude-haiku-5.5",
        "openai/gpt-5.4-mini", "google/gemini-2.5-flash", "somebody/something-new",
        "meta-llama/llama-3.3-70b-instruct",
    ],
)  # fmt: skip
def test_openrouters_reasoners_are_switched_off_by_one_rule(model: str) -> None:
    assert sent(f"openrouter/{model}") == OPENROUTER_OFF


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("minimax/minimax-m2.5", "low"), ("moonshotai/kimi-k2-thinking", "low"),
        ("moonshotai/kimi-k3", "low"), ("google/gemini-2.5-pro", "low"),
        ("google/gemini-3.7-flash", "low"), ("openai/gpt-5-mini", "minimal"),
        ("openai/gpt-oss-120b:nitro", "low"), ("openai/o4-mini", "low"),
        ("openai/gpt-6.1-sol", "low"), ("openai/gpt-5.5-pro", "medium"),
        ("openai/gpt-5.1-codex", "low"), ("minimax/minimax-m3", "low"),
        ("anthropic/claude-opus-5.5", "low"), ("z-ai/glm-5.3", "low"), ("x-ai/grok-4", "low"),
        ("deepseek/deepseek-r1-0528", "low"), ("stepfun/step-3.5-flash:free", "low"),
    ],
)  # fmt: skip
def test_openrouters_mandatory_reasoners_get_their_least(model: str, level: str) -> None:
    assert sent(f"openrouter/{model}") == effort(level)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "openai/gpt-4.1-mini", "openai/gpt-5-chat"])
def test_openrouters_models_of_openai_that_dont_reason_hear_nothing_of_it(model: str) -> None:
    assert sent(f"openrouter/{model}") == {}


@pytest.mark.parametrize(
    ("name", "wanted", "level"),
    [
        ("openai/gpt-5.4-mini", "high", "high"),
        ("groq/openai/gpt-oss-20b", "xhigh", "high"),
        ("mistral/mistral-small-latest", "low", "high"),
        ("xai/grok-4", "high", None),
        ("deepseek/deepseek-v9", "low", "low"),
        ("anthropic/claude-sonnet-5-5", "medium", "medium"),
        ("openrouter/qwen/qwen3-8b", "high", "high"),
        ("zai/glm-5.3", "medium", "high"),
        ("moonshot/kimi-k3", "max", "max"),
        ("openai/gpt-5.4-mini", "ultra-own-word", "ultra-own-word"),
        ("together_ai/somebody/something", "low", "low"),  # nobody knows what it takes
        ("cohere/command-x", "none", None),
        ("databricks/databricks-meta-llama-3-3-70b-instruct", "none", None),
    ],
)
def test_a_named_effort_is_sent_or_the_next_that_the_model_takes(
    name: str, wanted: str, level: str | None
) -> None:
    assert sent(name, reasoning_effort=wanted).get("reasoning_effort") == level


WRITTEN = [
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"extra_body": {"reasoning": {"max_tokens": 100}}},
    {"extra_body": {"thinking": {"type": "enabled"}}},
    {"extra_body": {"enable_thinking": True}},
    {"extra_body": {"reasoning_effort": "high"}},
    {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}},
    {"chat_template_kwargs": {"thinking": True}},
    {"enable_thinking": True},
    {"reasoning": {"effort": "high"}},
]


@pytest.mark.parametrize("written", WRITTEN, ids=str)
@pytest.mark.parametrize(
    "name",
    ["anthropic/claude-haiku-4-5", "zai/glm-4.6", "moonshot/kimi-k2.6", "dashscope/qwen3-8b",
     "openrouter/qwen/qwen3-8b", "hosted_vllm/qwen", "openai/gpt-5-mini",
     "ollama_chat/gpt-oss:20b"],
)  # fmt: skip
def test_what_the_file_says_in_the_providers_own_words_stays(name: str, written: dict) -> None:
    assert sent(name, **written) == written


@pytest.mark.parametrize(
    "name",
    ["anthropic/claude-haiku-4-5", "zai/glm-4.6", "dashscope/qwen3-8b", "gemini/gemini-2.5-pro",
     "hosted_vllm/qwen", "openai/gpt-5-mini", "ollama_chat/gpt-oss:20b", "groq/qwen/qwen3-32b"],
)  # fmt: skip
def test_thinking_that_the_file_switches_off_is_off_in_words_that_the_model_takes(
    name: str,
) -> None:
    assert sent(name, thinking={"type": "disabled"}) == sent(name)
    assert sent(name, reasoning_effort="disable") == sent(name)


def test_a_word_for_off_stays_where_nobody_knows_another() -> None:
    assert sent("newcomer/model", **DISABLED) == DISABLED


def test_the_files_other_template_words_are_kept_beside_ours() -> None:
    own = {"min_p": 0.1, "chat_template_kwargs": {"tools_in_user_message": True}}
    found = sent("hosted_vllm/qwen", extra_body=own)["extra_body"]
    assert found["min_p"] == 0.1
    assert found["chat_template_kwargs"] == {
        "tools_in_user_message": True, "enable_thinking": False, "thinking": False,
    }  # fmt: skip
    assert own["chat_template_kwargs"] == {"tools_in_user_message": True}


@pytest.mark.parametrize("name", ["moonshot/kimi-k2.6", "moonshot/kimi-k2.9", "moonshot/kimi-k3"])
def test_kimi_takes_one_temperature_only_so_none_is_sent(name: str) -> None:
    knobs = {"temperature": 0.7, "top_p": 0.9, "presence_penalty": 0.2}
    assert not set(sent(name, **knobs)) & set(knobs)


def test_qwen_on_dashscope_thinks_in_streams_only() -> None:
    name, asked = "dashscope/qwen3-8b", {"reasoning_effort": "high"}
    thinks = {"extra_body": {"enable_thinking": True}}
    assert sent(name, stream=True, **asked) == {"stream": True, **thinks}
    assert sent(name, **asked) == NO_QWEN


def test_a_claude_that_doesnt_think_keeps_its_temperature() -> None:
    assert sent("anthropic/claude-haiku-4-5", temperature=0.3)["temperature"] == 0.3
    thinking = sent("anthropic/claude-haiku-4-5", temperature=0.3, reasoning_effort="low")
    assert "temperature" not in thinking


@pytest.mark.parametrize(
    "name",
    ["zai/glm-5.3", "bigmodel/glm-5.3", "minimax/MiniMax-M3.1-Flash", "cerebras/qwen-3.8-27b",
     "fireworks_ai/accounts/fireworks/models/qwen3p8-27b", "azure_ai/gpt-oss-120b",
     "lm_studio/openai/gpt-oss-20b", "bedrock/openai.gpt-oss-20b-1:0", "groq/openai/gpt-oss-20b",
     "openrouter/minimax/minimax-m2.5", "moonshot/kimi-k3", "together_ai/moonshotai/Kimi-K3"],
)  # fmt: skip
def test_litellm_sends_the_effort_that_we_ask_for(name: str) -> None:
    provider, _, model = name.partition("/")
    call = apply({"messages": MESSAGES}, provider, model, known_efforts(provider, model))
    fields = {k: v for k, v in call.items() if k != "messages"}
    found = litellm.get_optional_params(
        model=model, custom_llm_provider=provider, drop_params=True, **fields
    )
    assert found["reasoning_effort"] == fields["reasoning_effort"]


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "between_tools"}},
        {"thinking": False},
        {"reasoning_effort": "none"},
        {"reasoning_effort": {"effort": "none", "summary": "auto"}},
        {"reasoning_effort": "minimal"},
        {"reasoning_effort": None},
        {"extra_body": {"reasoning": {"effort": "none"}}},
        {"extra_body": {"reasoning": {"enabled": False}}},
        {"extra_body": {"enable_thinking": False}},
        {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}},
        {"enable_thinking": False},
        {"think": False},
        {"extra_body": None},
        {},
    ],
    ids=str,
)
def test_thinking_that_is_switched_off_isnt_thinking(fields: dict) -> None:
    assert not thinks(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"thinking": {"type": "adaptive"}},
        {"reasoning_effort": "low"},
        {"extra_body": {"reasoning": {"effort": "high"}}},
        {"extra_body": {"reasoning": {"max_tokens": 100}}},
        {"extra_body": {"reasoning": {"enabled": True}}},
        {"extra_body": {"enable_thinking": True}},
        {"extra_body": {"chat_template_kwargs": {"thinking": True}}},
        {"enable_thinking": True},
        {"think": "high"},
    ],
    ids=str,
)
def test_thinking_that_is_switched_on_is_thinking(fields: dict) -> None:
    assert thinks(fields)


def test_every_rule_has_its_source() -> None:
    assert all(rule.source.startswith("https://") for rule in RULES)
