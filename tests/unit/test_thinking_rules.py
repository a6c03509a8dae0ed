"""Rules for models that LiteLLM's table lacks or has wrong, row by row."""

from __future__ import annotations

import pytest
from vui_gateway.providers.thinking_hosts import HOST_RULES
from vui_gateway.providers.thinking_rules import RULES

from tests.unit.test_thinking import DISABLED, NO_QWEN, sent

OFF = {"extra_body": DISABLED}
OPENROUTER_OFF = {"extra_body": {"reasoning": {"effort": "none"}}}
TEMPLATE_OFF = {
    "extra_body": {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
}


def effort(level: str) -> dict:
    return {"reasoning_effort": level}


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
        ("volcengine/glm-4-7-251222", OFF),
        ("volcengine/deepseek-v3-2-251201", OFF),
        ("volcengine/kimi-k2-250905", {}),
        ("xiaomi_mimo/mimo-v2.5-pro", OFF),
        ("xiaomi_mimo/mimo-v2-flash", {}),
        ("deepinfra/zai-org/GLM-4.6", effort("none")),
        ("deepinfra/Qwen/Qwen3-32B", effort("none")),
        ("deepinfra/openai/gpt-oss-120b", effort("low")),
        ("novita/zai-org/glm-4.6", NO_QWEN),
        ("novita/qwen/qwen3-235b-a22b-instruct-2507", {}),
        ("novita/deepseek/deepseek-v3.1-terminus", NO_QWEN),
        ("siliconflow/Pro/zai-org/GLM-5", NO_QWEN),
        ("siliconflow/Qwen/Qwen3-Next-80B-A3B-Thinking", {}),
        ("vercel_ai_gateway/zai/glm-4.6", OPENROUTER_OFF),
        ("vercel_ai_gateway/alibaba/qwen-3-32b", OPENROUTER_OFF),
        ("vercel_ai_gateway/deepseek/deepseek-v3.2-thinking", {}),
        ("vercel_ai_gateway/openai/gpt-4.1", {}),
        ("together_ai/zai-org/GLM-4.6", {"extra_body": {"reasoning": {"enabled": False}}}),
        ("sambanova/Qwen3-32B", {}),  # no page of theirs names a switch
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


@pytest.mark.parametrize("name", ["moonshot/kimi-k2.6", "moonshot/kimi-k2.9", "moonshot/kimi-k3"])
def test_kimi_takes_one_temperature_only_so_none_is_sent(name: str) -> None:
    knobs = {"temperature": 0.7, "top_p": 0.9, "presence_penalty": 0.2}
    assert not set(sent(name, **knobs)) & set(knobs)


def test_every_rule_has_its_source() -> None:
    assert all(rule.source.startswith("https://") for rule in (*RULES, *HOST_RULES))
