"""Subscriptions that a person signs in to: for want of a token LiteLLM waits for the person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["SUBSCRIPTIONS", "token_file"]

# The variable of the token's folder, and the token's file there.
# https://docs.litellm.ai/docs/providers/github_copilot, https://docs.litellm.ai/docs/providers/chatgpt
SUBSCRIPTIONS = {
    "github_copilot": ("GITHUB_COPILOT_TOKEN_DIR", "access-token"),
    "chatgpt": ("CHATGPT_TOKEN_DIR", "auth.json"),
}


def token_file(provider: str, env: Mapping[str, str]) -> Path:
    """Where the token of one of `SUBSCRIPTIONS` is kept."""
    variable, name = SUBSCRIPTIONS[provider]
    return Path(env.get(variable) or Path("~/.config/litellm", provider).expanduser()) / name
