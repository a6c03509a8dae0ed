"""The gateway's front, without a socket."""

import json
from pathlib import Path

import pytest
from vui_gateway.doors import Doors
from vui_gateway.ledger import Ledger
from vui_gateway.line import Line


def doors(app=None, accepts=lambda header: True) -> Doors:
    return Doors(app, accepts, Line(lambda: None), Ledger(Path("/nowhere/spend.json")))


async def ask(
    path: str, method: str = "GET", key: str = "", raw: bytes | None = None, ready: bool = True
):
    reached = []
    sent: list[dict] = []

    async def app(scope, receive, send) -> None:
        reached.append(scope["path"])

    async def send(message: dict) -> None:
        sent.append(message)

    front = doors(app, lambda header: header == "Bearer right")
    front.ready = ready
    headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
    scope = {
        "type": "http",
        "path": path,
        "raw_path": raw or path.encode(),
        "method": method,
        "headers": headers,
    }
    await front(scope, None, send)  # type: ignore[arg-type]
    return (sent[0]["status"], json.loads(sent[1]["body"])) if sent else reached


async def test_an_open_route_is_passed_on_with_the_key_only() -> None:
    assert await ask("/v1/models", key="right") == ["/v1/models"]
    assert (await ask("/v1/models", key="wrong"))[0] == 401
    assert (await ask("/v1/models"))[0] == 401


@pytest.mark.parametrize(
    ("path", "method", "raw"),
    [
        ("/v1/models", "POST", None),
        ("/v1/chat/completions", "GET", None),
        ("/v1/models", "GET", b"/v1/%6dodels"),
        ("/V1/models", "GET", None),
        ("/v1/models/", "GET", None),
        ("/key/generate", "POST", None),
        ("", "GET", None),
    ],
)
async def test_any_other_spelling_is_404_with_the_key(
    path: str, method: str, raw: bytes | None
) -> None:
    assert (await ask(path, method, "right", raw))[0] == 404


async def test_health_needs_no_key_and_tells_nothing() -> None:
    assert await ask("/health/readiness") == (200, {"status": "ok"})
    assert await ask("/health/readiness", ready=False) == (503, {"status": "warming up"})
    assert await ask("/health/liveliness", ready=False) == (200, {"status": "ok"})


async def test_a_websocket_is_closed() -> None:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    await doors()({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
