"""Warm-up: real requests to a provider inside the container, before the first call."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vui_gateway.litellm_proxy.router import RouterInForce

__all__ = ["warm_up"]

TOOL = {
    "type": "function",
    "function": {"name": "no_action", "parameters": {"type": "object", "properties": {}}},
}
# Its models are counted nowhere: no client can guess the name.
WARM_UP = f"warm-up-{secrets.token_hex(8)}/"
# One model for each wire format of LiteLLM's that the common providers speak.
MODELS = ("openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash")
# A reply and vui's thoughts; CPython specialises code that has run a few times.
WARM_UP_CALLS = ({"stream": True, "stop": ["."]}, {"tools": [TOOL], "temperature": 0.0})
ROUNDS = 4

# By the path's last part a format's whole answer, and the events of its streamed one: with the
# fields that the real ones have, since LiteLLM builds its models of them as they first appear.
WARM_UP_ANSWERS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


async def _answer(request: Request) -> Response:
    # LITELLM_ANTHROPIC_DISABLE_URL_SUFFIX takes the path away.
    scripted = WARM_UP_ANSWERS[request.url.path.rsplit("/")[-1] or "messages"]
    if scripted["answer"] and not (await request.json()).get("stream"):
        return JSONResponse(scripted["answer"])
    texts = (e if isinstance(e, str) else json.dumps(e) for e in scripted["events"])
    events = (f"data: {text}\n\n" for text in texts)
    return StreamingResponse(events, media_type="text/event-stream")


@asynccontextmanager
async def _provider() -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/{path:path}", _answer, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def warm_up(url: str, key: str, router: RouterInForce, model_list: list[dict]) -> None:
    """Send a turn's two requests in every wire format through the running gateway at `url`.

    The first request after a start takes over a second, most of it lazy imports on the way to a
    real provider; a mock one doesn't take that way. Its models stay in force, beside `model_list`.

    Raises:
        RuntimeError: the gateway doesn't answer one of them as it should.
    """
    async with _provider() as base, httpx.AsyncClient(timeout=30) as client:
        params = {"api_base": base, "api_key": "none", "max_retries": 0}
        models = [
            {"model_name": WARM_UP + model, "litellm_params": {**params, "model": model}}
            for model in MODELS
        ]
        router.use(router.build([*model_list, *models], {"num_retries": 0}, {}), {})
        for model in MODELS:
            for call in WARM_UP_CALLS * ROUNDS:
                body = {
                    "model": WARM_UP + model,
                    "messages": [{"role": "user", "content": "."}],
                    **call,
                }
                headers = {"Authorization": f"Bearer {key}"}
                url_chat = f"{url}/v1/chat/completions"
                answer = await client.post(url_chat, json=body, headers=headers)
                if not answer.is_success or '"error"' in answer.text:
                    raise RuntimeError(f"warm-up of {model} failed: {answer.text[:300]}")
