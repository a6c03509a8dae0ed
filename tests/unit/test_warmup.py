"""The first call is paid for before: in every wire format, by a provider of our own."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import litellm
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from vui_gateway.litellm_proxy.warmup import MODELS, WARM_UP, WARM_UP_CALLS, _provider, warm_up

from tests.providers.base import serving

HELLO = [{"role": "user", "content": "."}]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("asked", WARM_UP_CALLS, ids=["reply", "thoughts"])
async def test_litellm_understands_each_formats_answer(model: str, asked: dict) -> None:
    async with _provider() as base:
        answer: Any = await litellm.acompletion(
            model, HELLO, api_base=base, api_key="none", max_retries=0, drop_params=True, **asked
        )
        if asked.get("stream"):
            choices = [c.choices[0] async for c in answer if c.choices]
            assert "".join(choice.delta.content or "" for choice in choices)
            assert choices[-1].finish_reason
        else:
            assert answer.choices[0].message.tool_calls or answer.choices[0].message.content


async def test_a_turns_two_requests_are_sent_for_every_model_and_a_failure_is_named() -> None:
    asked: list[dict] = []

    async def chat(request: Request) -> Response:
        asked.append(await request.json())
        assert request.headers["authorization"] == "Bearer sk-own"
        body: dict = {"error": "no"} if "anthropic" in asked[-1]["model"] else {"choices": []}
        return Response(json.dumps(body), media_type="application/json")

    put: list[Any] = []
    router: Any = SimpleNamespace(
        build=lambda *parts: parts[0], use=lambda *parts: put.append(parts)
    )
    with (
        serving(Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])) as url,
        pytest.raises(RuntimeError, match="warm-up of anthropic/claude-haiku-4-5 failed: "),
    ):
        await warm_up(url, "sk-own", router, [{"model_name": "mine"}])
    ((models, _),) = put
    assert [one["model_name"] for one in models] == ["mine", *(WARM_UP + m for m in MODELS)]
    first = [body for body in asked if body["model"] == WARM_UP + MODELS[0]]
    assert {bool(body.get("stream")) for body in first} == {True, False}
