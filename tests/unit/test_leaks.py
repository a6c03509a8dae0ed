"""What `check` says of a server that leaves thoughts or control tokens in its text."""

from __future__ import annotations

import pytest

from vui_litellm.tools.leaks import leak


@pytest.mark.parametrize(
    ("provider", "taken", "said"),
    [
        ("hosted_vllm/x", ["thoughts"], ["its server leaks its thoughts", "--reasoning-parser"]),
        ("llamafile/x", ["tokens"], ["its server leaks control tokens", "--jinja"]),
        ("ollama_chat/x", ["tokens"], ["its server leaks control tokens", "Ollama's Modelfile"]),
        ("openai/x", ["thoughts"], ["--reasoning-parser", "--jinja", "Ollama's Modelfile"]),
    ],
)
def test_the_setting_that_mends_it_is_named(
    provider: str, taken: list[str], said: list[str]
) -> None:
    sentence = leak(provider, [{}, {"taken_out": taken}])
    assert all(part in sentence for part in said)


def test_a_server_that_leaks_nothing_is_not_mentioned() -> None:
    assert leak("openai/x", [{}, {"total_tokens": 5}]) == ""
