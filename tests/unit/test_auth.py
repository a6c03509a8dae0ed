"""Who is let in, and to which routes."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from vui_gateway.api.auth import CLIENT, ExactPath, RequireKey
from vui_gateway.errors import Code, RequestError
from vui_gateway.keys.clients import CLIENTS, THE_OWNER, USED, Keys
from vui_gateway.state.entries import State

OWNER_KEY, KITCHEN_KEY = "sk-owner-0123456789", "sk-kitchen-0123456789"
GOOD = {"digest": sha256(KITCHEN_KEY.encode()).hexdigest()}
CHUNK = {"type": "http.request", "body": b"", "more_body": False}


class Door:
    """Routes behind a key, and who came through."""

    def __init__(self, *, owner: bool = False, path: str = "/v1/models") -> None:
        self.state = State()
        self.state.put(CLIENTS, "kitchen", GOOD, 1.0, 1e9)
        self.door = RequireKey(self.app, Keys(OWNER_KEY, self.state), owner)
        self.came: list[Any] = []

    async def app(self, scope: Any, receive: Any, _: Any) -> None:
        await receive()
        self.came.append(scope[CLIENT])

    def take_back(self) -> None:
        self.state.put(CLIENTS, "kitchen", {**GOOD, "revoked": 5.0}, 2.0, 1e9)

    async def knock(self, *authorization: bytes, revoked_meanwhile: bool = False) -> None:
        async def receive() -> dict:
            if revoked_meanwhile:
                self.take_back()
            return CHUNK

        headers = [(b"authorization", value) for value in authorization]
        await self.door({"type": "http", "headers": headers}, receive, None)  # type: ignore


def bearer(key: str) -> bytes:
    return f"Bearer {key}".encode()


async def test_the_owner_and_a_client_come_in_each_as_themselves() -> None:
    door = Door()
    await door.knock(bearer(OWNER_KEY))
    await door.knock(b"bearer   " + KITCHEN_KEY.encode())
    owner, client = door.came
    assert owner is THE_OWNER
    assert client.name == "kitchen"
    assert door.state.rank(USED, "kitchen") > 0
    assert door.state.rank(USED, "owner") <= 0


@pytest.mark.parametrize(
    "authorization",
    [(), (b"",), (b"Basic " + OWNER_KEY.encode(),), (OWNER_KEY.encode(),), (bearer("sk-wrong"),),
     (bearer(OWNER_KEY[:-1]),), (b"Bearer \xff\xfe",), (b"Bearer",)],
)  # fmt: skip
async def test_without_a_key_of_this_gateway_nobody_comes_in(authorization: tuple) -> None:
    with pytest.raises(RequestError) as refused:
        await (door := Door()).knock(*authorization)
    assert (refused.value.status, refused.value.code) == (401, Code.INVALID_KEY)
    assert door.came == []


async def test_a_key_that_was_taken_back_is_told_apart_from_a_wrong_one() -> None:
    door = Door()
    door.take_back()
    with pytest.raises(RequestError, match="This key of kitchen was taken back") as refused:
        await door.knock(bearer(KITCHEN_KEY))
    assert refused.value.code == Code.KEY_REVOKED


async def test_a_key_that_is_taken_back_while_its_request_arrives_opens_nothing() -> None:
    door = Door()
    with pytest.raises(RequestError) as refused:
        await door.knock(bearer(KITCHEN_KEY), revoked_meanwhile=True)
    assert refused.value.code == Code.KEY_REVOKED
    assert door.came == []


async def test_for_a_client_the_owners_routes_are_not_there() -> None:
    door = Door(owner=True)
    with pytest.raises(HTTPException) as refused:
        await door.knock(bearer(KITCHEN_KEY))
    assert refused.value.status_code == 404
    await door.knock(bearer(OWNER_KEY))
    assert door.came == [THE_OWNER]


@pytest.mark.parametrize(
    ("raw", "path"),
    [(b"/v1/models", "/v1/models"), (b"/v1/%6dodels", ""), (b"/v1/models%20", "")],
)
async def test_a_route_has_one_spelling(raw: bytes, path: str) -> None:
    asked = []

    async def app(scope: Any, *_: Any) -> None:
        asked.append(scope["path"])

    decoded = "/v1/models" + " " * raw.endswith(b"%20")
    scope = {"type": "http", "path": decoded, "raw_path": raw}
    await ExactPath(app)(scope, None, None)  # type: ignore
    assert asked == [path]
