"""The variables in which providers' keys usually are: LiteLLM's `validate_environment`.

Only providers that never answer without a key; a server at home, Vertex and Bedrock may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["KEY_VARIABLES", "unset_key"]

# The first one is named where none is set.
KEY_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "cerebras": ("CEREBRAS_API_KEY",),
}
# With one of these a deployment may have another way in.
OTHER_WAYS = (
    "api_key", "api_base", "base_url", "headers", "extra_headers", "mock_response",
    "litellm_credential_name", "use_litellm_proxy",
)  # fmt: skip
ADDRESSES = ("API_BASE", "BASE_URL")


def unset_key(provider: str, params: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The variable without which a deployment's calls fail; empty where nothing lacks.

    params: its `litellm_params`.
    """
    names = KEY_VARIABLES.get(provider, ())
    elsewhere = any(env.get(f"{provider.upper()}_{end}") for end in ADDRESSES)
    if not names or elsewhere or any(params.get(name) for name in OTHER_WAYS):
        return ""
    return "" if any(map(env.get, names)) else names[0]
