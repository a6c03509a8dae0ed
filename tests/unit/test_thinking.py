"""How much thinking is asked for: LiteLLM's whole model table, and what a file says itself."""

from __future__ import annotations

import re
from typing import Any

import litellm
import pytest
from vui_gateway.litellm_proxy.catalogue import known_efforts, resolve_model
from vui_gateway.providers.families import apply
from vui_gateway.providers.thinking import LEVELS, thinks

DISABLED = {"thinking": {"type": "disabled"}}
NO_QWEN = {"extra_body": {"enable_thinking": False}}
MESSAGES = [{"role": "user", "content": "Hello"}]


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
