"""The gateway's front, without a socket."""

import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest
from vui_gateway.api.chat import Chat
from vui_gateway.api.page import Page
from vui_gateway.app import Gateway, create_app
from vui_gateway.keys.clients import Keys
from vui_gateway.litellm_proxy.preconnect import Preconnect
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.fillers import Fillers
from vui_gateway.turns.prefill import Prefill
from vui_gateway.usage.recorder import Recorder


def make_app() -> Any:
    usage = Recorder()
    router: Any = SimpleNamespace(serves=lambda model: model == "vui", model_groups=["vui", "a/*"])
    nothing = cast(Any, None)
    keys = Keys("right")
    parts = {"keys": keys, "router": router, "usage": usage, "preconnect": Preconnect(nothing)}
    chat = Chat(nothing, Admission(), router, nothing, usage, Fillers())

    async def nobody(_: str) -> None:
        return None

    in_force: Any = SimpleNamespace(**parts)
    gateway = Gateway(in_force, chat, Page(keys), Prefill(nothing, nobody))
    return create_app(gateway)


async def ask(
    path: str,
    method: str = "GET",
    key: str = "",
    raw: bytes | None = None,
    ready: bool = True,
    body: bytes = b"",
):
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    front = make_app()
    front.state.ready = ready
    headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
    scope = {
        "type": "http",
        "path": path,
        "raw_path": raw or path.encode(),
        "method": method,
        "headers": headers,
    }
    await front(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_the_models_are_listed_as_written_with_the_key_only() -> None:
    status, body = await ask("/v1/models", key="right")
    assert (status, [model["id"] for model in body["data"]]) == (200, ["vui", "a/*"])
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


async def test_a_model_that_is_not_served_is_told_by_its_code() -> None:
    asked = {"model": "gone", "messages": [{"role": "user", "content": "hi"}]}
    status, body = await ask(
        "/v1/chat/completions", "POST", "right", body=json.dumps(asked).encode()
    )
    assert (status, body["error"]["code"]) == (HTTPStatus.NOT_FOUND, "model_not_served")
