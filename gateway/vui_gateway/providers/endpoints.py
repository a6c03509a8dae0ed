"""Providers' addresses, and the pool of LiteLLM's that each call takes its connection from."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["HOSTS", "MODULE_CLIENT", "OUT_OF_REACH", "leaves_thoughts"]

# Where LiteLLM asks when neither the configuration nor `get_llm_provider` says it.
# https://docs.litellm.ai/docs/providers
HOSTS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "openrouter": "https://openrouter.ai",
}

# LiteLLM streams these through its module's own client, and most others through one for each
# provider. The pools of Azure (OpenAI's SDK) and Bedrock are out of reach.
MODULE_CLIENT = frozenset({"anthropic", "gemini", "vertex_ai"})
OUT_OF_REACH = frozenset({"azure", "bedrock"})

# Servers that people run themselves, which separate thoughts only when they were told to.
OWN_SERVERS = frozenset(
    ("ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm", "xinference",
     "docker_model_runner", "lemonade", "oobabooga", "openai_like", "custom_openai")
)  # fmt: skip
COMPATIBLE = frozenset({"openai", "text-completion-openai"})
CLOUDS = frozenset(urlsplit(url).hostname for url in HOSTS.values())


def leaves_thoughts(provider: str, base: str) -> bool:
    """Whether a provider's server may leave thoughts in the text.

    base: the address in the configuration; empty for none.
    """
    if provider in COMPATIBLE:
        return bool(base) and urlsplit(base).hostname not in CLOUDS
    return provider in OWN_SERVERS
