"""The variables that LiteLLM takes a provider's key from, where a configuration names none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["NO_KEY", "USUAL", "usual_key"]

# Sent in place of OpenAI's key, which LiteLLM would send.
NO_KEY = "none"

# As LiteLLM 1.110.2 reads them; one of them is enough. The first is the one to name. Providers
# that sign in by other means (Vertex, Bedrock, Databricks, …) and servers at home aren't in it.
USUAL = {
    "openai": ("OPENAI_API_KEY",),
    "text-completion-openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "azure": (
        "AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID", "AZURE_CREDENTIAL", "AZURE_USERNAME",
    ),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"),
    "codestral": ("CODESTRAL_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "together_ai": (
        "TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN",
    ),
    "fireworks_ai": (
        "FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN",
    ),
    "perplexity": ("PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "zai": ("ZAI_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "hyperbolic": ("HYPERBOLIC_API_KEY",),
    "volcengine": ("VOLCENGINE_API_KEY", "ARK_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "ai21": ("AI21_API_KEY",),
    "ai21_chat": ("AI21_API_KEY",),
    "litellm_proxy": ("LITELLM_PROXY_API_KEY",),
    "text-completion-inception": ("INCEPTION_API_KEY",),
    "voyage": ("VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"),
}  # fmt: skip
# Fields of a deployment by which it may be let in, or ask another server than the provider's.
ANOTHER_WAY = re.compile(r"key|token|credential|secret|auth|password|headers|proxy|mock_response")
ADDRESS_NAME = re.compile(r"base|url|endpoint")
NEEDS_ADDRESS = ("azure",)
# LiteLLM's module has a key for all, and one for each of several providers.
ALL_PROVIDERS = "*"  # LiteLLM takes each call's provider from the model that is asked for
MODULE_KEY = re.compile(r"(.+_)?key|enable_azure_ad_token_refresh")


def usual_key(
    provider: str, params: Mapping[str, Any], settings: Mapping[str, Any], env: Mapping[str, str]
) -> str:
    """The variable of a deployment's key; empty where it has its key or address by itself, is let
    in by another variable, or nobody knows the variable.

    Args:
        params: its `litellm_params`.
        settings: the file's `litellm_settings`, which may hold a key for all.
    """
    given = [name for name, value in params.items() if value not in (None, "")]
    address = provider not in NEEDS_ADDRESS and any(map(ADDRESS_NAME.search, given))
    known = USUAL.get(provider, ())
    if params["model"] == ALL_PROVIDERS:
        return ""
    if not known or address or any(map(ANOTHER_WAY.search, given)):
        return ""
    if any(MODULE_KEY.fullmatch(name) and value for name, value in settings.items()):
        return ""
    prefix = known[0].removesuffix("_KEY").removesuffix("_API")
    addresses = (f"{prefix}{end}" for end in ("_API_BASE", "_BASE_URL"))
    if provider not in NEEDS_ADDRESS and any(map(env.get, addresses)):
        return ""
    found = next((name for name in known if env.get(name)), known[0])
    return found if found.endswith("_API_KEY") else ""
