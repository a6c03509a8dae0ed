"""The keys in force: the owner's, and those of clients, known by their hashes."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vui_gateway.state.entries import State
from vui_gateway.state.files import CLIENTS
from vui_gateway.turns.call import OWNER
from vui_gateway.turns.candidates import is_like
from vui_gateway.usage.labels import PLAIN

__all__ = ["CLIENTS", "CLIENT_NAME", "THE_OWNER", "USED", "Client", "Keys", "bearer"]

CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")  # of a client
USED = "used"  # subject of the state, beside CLIENTS: when a key was used
USED_EVERY, USED_KEPT = 60.0, 400 * 86400.0  # seconds


class Client(BaseModel):
    """The holder of a key, and its limits; the owner has none.

    Attributes:
        digest: SHA-256 of the key, in hexadecimal.
        made, revoked: wall clock; a key that was taken back stays known as such.
        budget: US dollars per day. models: names, `*` for any characters. calls: at once.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    made: float = 0.0
    revoked: float | None = None
    budget: Annotated[float, Field(ge=0)] | None = None
    models: tuple[str, ...] = ()
    calls: Annotated[int, Field(ge=1)] | None = None

    @classmethod
    def read(cls, name: str, value: Any) -> Self | None:
        """A client as the state has it; None when that is none, or none that was ever made."""
        try:
            client = cls.model_validate({**value, "name": name}) if value else None
        except (ValidationError, TypeError):
            return None
        sane = client and CLIENT_NAME.fullmatch(name) and all(map(PLAIN.fullmatch, client.models))
        return client if sane and name != OWNER else None

    def value(self) -> dict[str, Any]:
        """The client as the state stores it."""
        return self.model_dump(exclude={"name"}, exclude_defaults=True)

    def may_ask(self, model: str) -> bool:
        """Whether its key may ask for a model."""
        return not self.models or any(is_like(model, pattern) for pattern in self.models)


class Keys:
    """The keys in force: `owner`, and those of the state's clients.

    Attributes:
        on_revoked: called with the name of each client whose key was taken back.
    """

    def __init__(self, owner: str, state: State | None = None) -> None:
        self.owner = owner
        self.on_revoked: Callable[[str], None] = lambda _: None
        self._state = state or State()
        # Clients are looked up by a hash under a key that nobody knows: how long that takes says
        # nothing of how much of a guess was right.
        self._blind = secrets.token_bytes(32)
        self._clients: dict[bytes, Client] = {}
        self._by_name: dict[str, Client] = {}
        for name, value in self._state.items(CLIENTS):
            self._on_changed(name, None, value)
        self._state.watch(CLIENTS, self._on_changed)

    @property
    def clients(self) -> list[Client]:
        """The clients whose keys are good."""
        return [client for client in self._by_name.values() if not client.revoked]

    def budget(self, client: str) -> float | None:
        """A client's budget in US dollars per day, by its name."""
        found = self._by_name.get(client)
        return found.budget if found else None

    def find(self, authorization: str) -> Client | None:
        """The client whose key is in an Authorization header; the key may be revoked."""
        key = bearer(authorization).encode()
        is_owner = hmac.compare_digest(key, self.owner.encode())
        digest = sha256(key).hexdigest()
        client = self._clients.get(self._blinded(digest), NOBODY)
        is_client = hmac.compare_digest(digest, client.digest)
        if is_owner:
            return THE_OWNER
        return client if is_client else None

    def good(self, client: Client) -> bool:
        """Whether a client's key hasn't been taken back since it was found."""
        now = self._by_name.get(client.name, NOBODY)
        return client is THE_OWNER or (now.digest == client.digest and not now.revoked)

    def used(self, client: Client) -> None:
        """Note when a client's key was used, to the minute."""
        now = self._state.clock()
        if client.name != OWNER and now - self._state.rank(USED, client.name) > USED_EVERY:
            self._state.put(USED, client.name, None, now, USED_KEPT)

    def _blinded(self, digest: str) -> bytes:
        return hmac.digest(self._blind, digest.encode(), "sha256")

    def _on_changed(self, name: str, _: Any, after: Any) -> None:
        before, now = self._by_name.pop(name, None), Client.read(name, after)
        if before:
            self._clients.pop(self._blinded(before.digest), None)
        if now:
            self._by_name[name] = now
            self._clients[self._blinded(now.digest)] = now
        same = now and not now.revoked and before and now.digest == before.digest
        if before and not before.revoked and not same:
            self.on_revoked(before.name)


def bearer(authorization: str) -> str:
    """The secret in the value of an Authorization header; empty for another scheme."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


NOBODY, THE_OWNER = (Client(name=name, digest="0" * 64) for name in ("", OWNER))
