"""The keys of clients."""

import pytest
from vui_gateway.keys.clients import Client, Keys
from vui_gateway.keys.owner import new_key
from vui_gateway.state.entries import State


def test_a_client_is_known_by_the_hash_of_its_key_and_the_owner_by_the_key() -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    made = {}
    for name in ("attic", "kitchen"):
        made[name], digest = new_key()
        state.put("clients", name, Client(name=name, digest=digest).value(), 1)
    found = {name: keys.find(f"Bearer {key}") for name, key in made.items()}
    assert {name: client and client.name for name, client in found.items()} == dict(
        zip(made, made, strict=True)
    )
    owner = keys.find("bearer sk-owner-0123456789")
    assert owner
    assert owner.name == "owner"
    for wrong in ("", "Bearer", "Bearer ", f"Basic {made['attic']}", made["attic"], "Bearer sk-x"):
        assert keys.find(wrong) is None
    digest = state.get("clients", "attic")["digest"]
    assert keys.find(f"Bearer {digest}") is None


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, {"digest": "0"}, {"digest": "0" * 64, "calls": 0}]
)
def test_what_is_no_client_opens_nothing(value: object) -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", "x", value, 1)
    assert keys.clients == []


@pytest.mark.parametrize(
    "name", ["owner", "", "a\nb", "\x1b[2J", "{x}", "x" * 33, "Küche", "\ud800", "a b"]
)
def test_a_client_of_a_name_that_is_never_made_opens_nothing(name: str) -> None:
    key, digest = new_key()
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", name, {"digest": digest}, 1)
    assert keys.clients == []
    assert keys.find(f"Bearer {key}") is None


def test_a_clients_models_that_no_command_writes_open_nothing() -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", "x", {"digest": new_key()[1], "models": ["a\x1b[2J"]}, 1)
    assert keys.clients == []
