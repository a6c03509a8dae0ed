"""Signs in to a subscription on a device, at a terminal."""

from __future__ import annotations

import importlib

__all__ = ["sign_in"]


def sign_in(provider: str) -> None:
    """Show an address and a code, and keep the token once they have been used.

    provider: a name of `SUBSCRIPTIONS`, which is LiteLLM's name of its package, too.

    Raises:
        Exception: whatever LiteLLM raises for a login that failed.
    """
    module = importlib.import_module(f"litellm.llms.{provider}.authenticator")
    module.Authenticator().get_access_token()
