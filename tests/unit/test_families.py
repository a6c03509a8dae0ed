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
    assert sent["reasoning_effort"] == "none"


def test_the_callers_own_request_stays_as_it_was() -> None:
    messages = [*GREETED, {"role": "assistant", "content": ""}]
    request = {"messages": messages, "stop": ["."], "presence_penalty": 1.0}
    apply(request, "xai", "grok-4.7", ())
    apply(request, "anthropic", "claude-haiku-4-5", ())
    assert request == {"messages": messages, "stop": ["."], "presence_penalty": 1.0}
    assert len(messages) == 4


def test_every_family_has_its_source() -> None:
    assert all(family.source.startswith("https://") for family in FAMILIES)


@pytest.mark.parametrize("provider", ["ollama", "ollama_chat"])
def test_ollama_gets_vuis_context_and_keeps_the_model_loaded(provider: str) -> None:
    call = apply({"messages": []}, provider, "qwen3.5:4b", (), context=8192)
    assert (call["num_ctx"], call["keep_alive"]) == (8192, "30m")
    own = {"messages": [], "num_ctx": 32768, "keep_alive": -1}
    call = apply(own, provider, "qwen3.5:4b", (), context=8192)
    assert (call["num_ctx"], call["keep_alive"]) == (32768, -1)


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm", "lm_studio", "llamafile"])
def test_nobody_else_gets_it(provider: str) -> None:
    call = apply({"messages": []}, provider, "m", (), context=8192)
    assert not {"num_ctx", "keep_alive"} & set(call)
