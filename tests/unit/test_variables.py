"""The variables of `.env`, by what LiteLLM gets to see of them."""

from __future__ import annotations

import os

import pytest
from vui_gateway.variables import hidden, read_at_start, unknown

ENV = {
    "LITELLM_CONFIG_BUCKET_NAME": "x", "HTTPS_PROXY": "http://p", "SSL_VERIFY": "False",
    "DATABASE_URL": "postgresql://x", "REDIS_HOST": "redis", "LITELLM_MASTER_KEY": "sk-1",
    "GROQ_API_KEY": "k", "OLLAMA_API_BASE": "http://o", "VUI_LITELLM_LOG": "debug", "HOME": "/x",
}  # fmt: skip


def test_those_that_litellm_may_read_are_neither_keys_nor_ours_nor_without_effect() -> None:
    found = unknown(ENV, {"HOME": "/x"})
    assert set(found) == {
        "LITELLM_CONFIG_BUCKET_NAME", "HTTPS_PROXY", "SSL_VERIFY", "REDIS_HOST",
        "LITELLM_MASTER_KEY",
    }  # fmt: skip
    assert set(read_at_start(found)) == set(found) - {"REDIS_HOST", "LITELLM_MASTER_KEY"}


def test_litellms_start_sees_what_its_network_needs_and_nothing_to_connect_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="a start that fails"), hidden(unknown(ENV, {})):
        assert "LITELLM_CONFIG_BUCKET_NAME" not in os.environ
        assert os.environ["HTTPS_PROXY"] == "http://p"
        assert os.environ["SSL_VERIFY"] == "False"
        assert os.environ["GROQ_API_KEY"] == "k"
        raise ValueError("a start that fails")
    assert os.environ["LITELLM_CONFIG_BUCKET_NAME"] == "x"
