"""Providers' addresses, and the pool of LiteLLM's that each call takes its connection from."""

from __future__ import annotations

__all__ = ["HOSTS", "MODULE_CLIENT", "OUT_OF_REACH"]

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
