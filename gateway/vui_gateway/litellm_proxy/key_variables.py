"""The variables that may hold a provider's key."""

from __future__ import annotations

from litellm.llms.openai_like.json_loader import JSONProviderRegistry

from vui_gateway.providers.usual_keys import USUAL

__all__ = ["key_variables"]


def key_variables(provider: str) -> tuple[str, ...]:
    """One of them is enough, the first is the one to name; none where nobody knows them."""
    listed = JSONProviderRegistry.get(provider)
    return USUAL.get(provider) or ((listed.api_key_env,) if listed else ())
