"""Tokens that open the page's data and nothing else, signed with the owner's key.

Each gateway of several accepts those of the others; a new key ends all of them.
"""

from __future__ import annotations

import hmac
import time

__all__ = ["ADDRESS_SECONDS", "PAGE_ADDRESS", "SESSION", "SESSION_SECONDS", "is_good", "sign"]

# Purposes: an address that `vui-gateway page` prints, and the session that a browser gets for it.
PAGE_ADDRESS, SESSION = "page address", "page session"
ADDRESS_SECONDS, SESSION_SECONDS = 300, 12 * 3600


def sign(key: str, purpose: str, seconds: float) -> str:
    """A token that is good for so long."""
    until = str(int(time.time() + seconds))
    return f"{until}.{_signature(key, purpose, until)}"


def is_good(token: str, key: str, purpose: str) -> bool:
    """Whether a token was signed with the key for this purpose, and its time isn't over."""
    until, _, signature = token.partition(".")
    signed = hmac.compare_digest(signature.encode(), _signature(key, purpose, until).encode())
    return signed and time.time() < int(until)


def _signature(key: str, purpose: str, until: str) -> str:
    return hmac.digest(key.encode(), f"{purpose} {until}".encode(), "sha256").hex()
