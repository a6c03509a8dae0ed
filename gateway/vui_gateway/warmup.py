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
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

__all__ = ["warm_up"]

PREFIX = "warm-up/"

TOOL = {
    "type": "function",
    "function": {"name": "no_action", "parameters": {"type": "object", "properties": {}}},
}
# One model for each wire format of LiteLLM's that the common providers speak.
MODELS = ("openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash")
# A reply and vui's thoughts; CPython specialises what has run a few times.
CALLS = ({"stream": True, "stop": ["."]}, {"tools": [TOOL], "temperature": 0.0})
ROUNDS = 4

USAGE = {
    "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}  # fmt: skip
# With the fields that the real ones have: LiteLLM builds its models of them as they first appear.
OPENAI = {
    "id": "w", "created": 1, "model": "warm", "object": "chat.completion.chunk",
    "service_tier": "default", "system_fingerprint": "fp_w",
}  # fmt: skip
CLAUDE = {
    "id": "w", "type": "message", "role": "assistant", "model": "warm", "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
TEXT = {"type": "text", "text": "ok"}
GEMINI = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "ok"}]},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


def _choice(finish: str | None, **fields: dict | None) -> list[dict]:
    return [{"index": 0, "finish_reason": finish, **fields}]


# A format's whole answer, and the frames of its streamed one.
SAID = {"role": "assistant", "content": "ok"}
ANSWERS: dict[str, tuple[dict, list]] = {
    "completions": (
        {**OPENAI, "choices": _choice("stop", message=SAID), "usage": USAGE},
        [
            {**OPENAI, "choices": _choice(None, delta={**SAID, "content": ""}, logprobs=None)},
            *({**OPENAI, "choices": _choice(None, delta={"content": "ok"})} for _ in range(8)),
            {**OPENAI, "choices": _choice("stop", delta={})},
            {**OPENAI, "choices": [], "usage": USAGE},
            "[DONE]",
        ],
    ),
    "messages": (
        {**CLAUDE, "content": [TEXT], "stop_reason": "end_turn"},
        [
            {"type": "message_start", "message": {**CLAUDE, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {**TEXT, "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {**TEXT, "type": "text_delta"}},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 1},
            },
            {"type": "message_stop"},
        ],
    ),
    "gemini-2.5-flash:generateContent": (GEMINI, []),
    "gemini-2.5-flash:streamGenerateContent": ({}, [GEMINI]),
}


async def _answer(request: Request) -> Response:
    whole, parts = ANSWERS[request.url.path.rsplit("/")[-1]]
    if whole and not (await request.json()).get("stream"):
        return JSONResponse(whole)
    frames = (f"data: {p if isinstance(p, str) else json.dumps(p)}\n\n" for p in parts)
    return StreamingResponse(frames, media_type="text/event-stream")


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
                for call in CALLS * ROUNDS:
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
