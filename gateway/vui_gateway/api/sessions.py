"""Who may look at the page: its address for one use, and what a browser gets for it."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any

__all__ = ["TOKEN_SECONDS", "Sessions"]

BYTES = 32
TOKEN_SECONDS = 300  # in which a printed address has to be opened
IDLE_SECONDS = 3600  # without a look, after which a session is over
SESSION_SECONDS = 12 * 3600  # after which it is over in any case
MOST = 32  # of each; past it the oldest goes


class Sessions:
    """Credentials that open the page's data and nothing else; the key itself opens it, too.

    They are kept in memory, as hashes made with the key: a restart or a new key ends all of them.

    Args:
        key: what the owner's key is now.
        now: seconds that only go forward.
    """

    def __init__(self, key: Callable[[], str], now: Callable[[], float] = time.monotonic) -> None:
        self._key, self._now = key, now
        self._tokens: dict[bytes, float] = {}  # hash → its end
        self._sessions: dict[bytes, tuple[float, float]] = {}  # hash → its end when idle, and ever

    def is_owner(self, authorization: str) -> bool:
        """True when the value of an Authorization header carries the key."""
        return hmac.compare_digest(_bearer(authorization).encode(), self._key().encode())

    def token(self) -> str:
        """A token that one browser may exchange for a session."""
        token = secrets.token_urlsafe(BYTES)
        _drop_oldest(self._tokens)
        self._tokens[self._hash(token)] = self._now() + TOKEN_SECONDS
        return token

    def exchange(self, authorization: str) -> str:
        """A session for a token, which is used up, or for the key; "" for anything else."""
        now = self._now()
        if not self.is_owner(authorization) and (
            self._tokens.pop(self._hash(_bearer(authorization)), 0.0) <= now
        ):
            return ""
        session = secrets.token_urlsafe(BYTES)
        _drop_oldest(self._sessions)
        self._sessions[self._hash(session)] = now + IDLE_SECONDS, now + SESSION_SECONDS
        return session

    def accepts(self, authorization: str) -> bool:
        """True when the value of an Authorization header carries the key or a session."""
        if self.is_owner(authorization):
            return True
        now, mark = self._now(), self._hash(_bearer(authorization))
        idle, end = self._sessions.get(mark, (0.0, 0.0))
        if now >= min(idle, end):
            self._sessions.pop(mark, None)
            return False
        self._sessions[mark] = now + IDLE_SECONDS, end
        return True

    def _hash(self, secret: str) -> bytes:
        return hmac.digest(self._key().encode(), secret.encode(), "sha256")


def _bearer(authorization: str) -> str:
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _drop_oldest(kept: dict[bytes, Any]) -> None:
    if len(kept) >= MOST:
        del kept[next(iter(kept))]
