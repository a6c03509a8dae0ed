"""The table of provider families, row by row where the matrix doesn't reach."""

from typing import Any

import pytest
from vui_gateway.litellm_proxy.catalogue import known_efforts
from vui_gateway.providers.families import FAMILIES, apply

HELLO = {"role": "user", "content": "Hello"}
GREETED = [{"role": "system", "content": "s"}, {"role": "assistant", "content": "Hi there"}, HELLO]


def call(provider: str, model: str, **fields: Any) -> dict:
    efforts = known_efforts(provider, model)
    return apply({"messages": [HELLO], **fields}, provider, model, efforts)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-opus-4-6"),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("vertex_ai", "claude-haiku-4-5@20251001"),
        ("azure_ai", "claude-sonnet-4-6"),
        ("anthropic", "claude-something-new"),
    ],
)
def test_claude_is_claude_wherever_it_runs(provider: str, model: str) -> None:
    sent = call(provider, model, temperature=0.3, top_p=0.9, messages=GREETED)
    assert "top_p" not in sent
    assert sent["temperature"] == 0.3
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert sent.get("reasoning_effort") is None


@pytest.mark.parametrize(
    ("provider", "model", "wanted", "sent"),
    [
        ("openai", "gpt-4.1-mini", None, None),
        ("openai", "gpt-5-mini", None, "minimal"),
        ("openai", "gpt-5.4-mini", None, "none"),
        ("openai", "gpt-5.4-mini", "high", "high"),
        ("openai", "gpt-5.99-new", None, "none"),
        ("openai", "gpt-7-new", None, "none"),
        ("openai", "o9-new", None, "low"),
        ("azure", "gpt-5-mini", None, "minimal"),
        ("groq", "openai/gpt-oss-999b", None, "low"),
        ("groq", "openai/gpt-oss-20b", "xhigh", "high"),
        ("gemini", "gemini-2.5-flash", None, "none"),
        ("gemini", "gemini-9-flash", None, "minimal"),
        ("xai", "grok-9", "high", None),
        ("xai", "grok-4.3", None, "low"),
        ("mistral", "mistral-small-latest", "low", "high"),
        ("deepseek", "deepseek-v9", "low", "low"),
        ("anthropic", "claude-haiku-4-5", "medium", "medium"),
        ("cohere", "command-x", None, None),
    ],
)
def test_the_least_thinking_that_the_family_takes(
    provider: str, model: str, wanted: str | None, sent: str | None
) -> None:
    fields = {"reasoning_effort": wanted} if wanted else {}
    assert call(provider, model, **fields).get("reasoning_effort") == sent


def test_what_the_configuration_says_in_the_providers_own_words_stays() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert call("anthropic", "claude-haiku-4-5", thinking=thinking)["thinking"] == thinking
    extra = {"reasoning": {"max_tokens": 100}}
    assert call("openrouter", "qwen/qwen3-8b", extra_body=extra)["extra_body"] == extra


def test_a_users_own_extra_body_is_kept_beside_ours() -> None:
    sent = call("hosted_vllm", "qwen", extra_body={"min_p": 0.1})
    assert sent["extra_body"] == {
        "min_p": 0.1,
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_thinking_claude_takes_no_knobs() -> None:
    sent = call("anthropic", "claude-haiku-4-5", reasoning_effort="low", temperature=0.0)
    assert "temperature" not in sent


def test_the_callers_own_request_stays_as_it_was() -> None:
    messages = [*GREETED, {"role": "assistant", "content": ""}]
    request = {"messages": messages, "stop": ["."], "presence_penalty": 1.0}
    apply(request, "xai", "grok-4.7", ())
    apply(request, "anthropic", "claude-haiku-4-5", ())
    assert request == {"messages": messages, "stop": ["."], "presence_penalty": 1.0}
    assert len(messages) == 4


def test_every_family_has_its_source() -> None:
    assert all(family.source.startswith("https://") for family in FAMILIES)
