"""Pays for a first turn before the first turn: real requests to a provider inside the container."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from litellm.types.router import Deployment, LiteLLM_Params
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

__all__ = ["PREFIX", "warm_up"]

PREFIX = "warm-up/"

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
TOOL = {
    "type": "function",
    "function": {"name": "no_action", "parameters": {"type": "object", "properties": {}}},
}


def _openai(stream: bool) -> list[dict]:
    shared = {"id": "w", "created": 1, "model": "warm"}
    if not stream:
        message = {"role": "assistant", "content": "ok"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return [{**shared, "object": "chat.completion", "choices": [choice], "usage": USAGE}]
    choice = {"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunk = {**shared, "object": "chat.completion.chunk"}
    return [
        {**chunk, "choices": [choice]},
        {**chunk, "choices": [end]},
        {**chunk, "choices": [], "usage": USAGE},
    ]


def _anthropic(stream: bool) -> list[dict]:
    message = {
        "id": "w", "type": "message", "role": "assistant", "model": "warm", "stop_sequence": None,
        "content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    if not stream:
        return [message]
    return [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 1},
        },
        {"type": "message_stop"},
    ]


def _gemini(_stream: bool) -> list[dict]:
    content = {"role": "model", "parts": [{"text": "ok"}]}
    return [
        {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 1,
                "candidatesTokenCount": 1,
                "totalTokenCount": 2,
            },
        }
    ]


# One model for each wire format of LiteLLM's that the common providers speak.
MODELS = ("openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash")


async def _answer(request: Request) -> Response:
    path = request.url.path
    asked = json.loads(await request.body())
    stream = bool(asked.get("stream")) or "streamGenerateContent" in path
    form = _gemini if "enerateContent" in path else _anthropic if "messages" in path else _openai
    parts = form(stream)
    if not stream:
        return Response(json.dumps(parts[0]), media_type="application/json")
    frames = [
        (f"event: {part['type']}\n" if "type" in part else "") + f"data: {json.dumps(part)}\n\n"
        for part in parts
    ]
    if form is _openai:
        frames.append("data: [DONE]\n\n")
    return StreamingResponse(iter(frames), media_type="text/event-stream")


@asynccontextmanager
async def _upstream() -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/{path:path}", _answer, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def warm_up(url: str, key: str) -> None:
    """Send a turn's two requests in every wire format through the running gateway at `url`.

    The first request after a start takes over a second, most of it lazy imports on the way to a
    real provider; a mock one doesn't take that way.

    Raises:
        RuntimeError: the gateway doesn't answer one of them as it should.
    """
    from litellm.proxy import proxy_server

    router = proxy_server.llm_router
    assert router is not None
    async with _upstream() as upstream, httpx.AsyncClient(timeout=30) as client:
        for model in MODELS:
            params = LiteLLM_Params(model=model, api_base=upstream, api_key="none", max_retries=0)
            deployment = Deployment(model_name=PREFIX + model, litellm_params=params)
            router.add_deployment(deployment)
            try:
                for call in (
                    {"stream": True, "stop": ["."]},
                    {"tools": [TOOL], "temperature": 0.0},
                ):
                    body = {"model": PREFIX + model, "messages": [{"role": "user", "content": "."}]}
                    answer = await client.post(
                        f"{url}/v1/chat/completions",
                        json={**body, **call},
                        headers={"Authorization": f"Bearer {key}"},
                    )
                    if not answer.is_success or '"error"' in answer.text:
                        raise RuntimeError(f"warm-up of {model} failed: {answer.text[:300]}")
            finally:
                router.delete_deployment(deployment.model_info.id)
