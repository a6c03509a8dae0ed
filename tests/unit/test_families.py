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
