"""Which models answer a chat."""

from __future__ import annotations

import pytest
from vui_gateway.litellm_proxy.modes import talks


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4.1-mini"), ("openai", "gpt-5-pro"), ("openai", "nobody-knows-it"),
        ("ollama", "qwen3.5:4b"), ("huggingface", "meta-llama/Llama-3.3-70B-Instruct"),
        ("groq", "openai/gpt-oss-20b"), ("openai", "gpt-3.5-turbo-instruct"),
    ],
)  # fmt: skip
def test_a_chat_model_and_one_that_nobody_knows_talk(provider: str, model: str) -> None:
    assert talks(provider, model)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "text-embedding-3-small"), ("openai", "whisper-1"), ("openai", "dall-e-3"),
        ("openai", "gpt-image-1"), ("ollama", "nomic-embed-text"), ("ollama", "bge-m3"),
        ("huggingface", "BAAI/bge-reranker-v2-m3"), ("huggingface", "intfloat/e5-large"),
        ("openai", "TTS-1"), ("together_ai", "black-forest-labs/FLUX-1-schnell"),
        ("openrouter", "openai/gpt-image-1"),
    ],
)  # fmt: skip
def test_a_model_that_draws_embeds_or_listens_does_not(provider: str, model: str) -> None:
    assert not talks(provider, model)
