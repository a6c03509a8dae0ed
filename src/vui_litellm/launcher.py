"""Puts the backend into vui, and starts vui's own server with it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
from vui.serving.stream import frontend, llm_backend

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.settings import Settings

__all__ = ["GatewayUnusable", "install", "make_backend", "preflight", "serve"]

_vui_make_backend = llm_backend.make_backend


class GatewayUnusable(Exception):
    """The gateway can't answer a turn; the message names the variable to change."""


def make_backend(name: str | None = None, model: str | None = None) -> llm_backend.LLMBackend:
    """vui's `make_backend`, whose `litellm` is ours.

    Raises:
        ValueError: an unknown name, or a setting with a bad value.
    """
    if (name or os.environ.get("VUI_LLM_BACKEND", "")).lower() != LiteLLMBackend.name:
        return _vui_make_backend(name, model)
    return LiteLLMBackend.from_settings(Settings.from_env(), model)


def install() -> None:
    """Make vui's own `make_backend` and `get_backend` use ours for `litellm`."""
    llm_backend.make_backend = make_backend


async def preflight(backend: LiteLLMBackend) -> None:
    """Ask the gateway once whether a turn can work.

    Raises:
        GatewayUnusable: it is away, refuses the key, or doesn't serve the model.
    """
    url = backend.base_url
    async with httpx.AsyncClient(timeout=10) as client:
        try:
            response = await client.get(f"{backend._root}/models", headers=backend._headers)
        except httpx.HTTPError as error:
            raise GatewayUnusable(
                f"The gateway at {url} doesn't answer ({error or type(error).__name__}). "
                "Start it with `docker compose up -d gateway`, or change VUI_LITELLM_URL."
            ) from error
    if response.status_code in (401, 403):
        raise GatewayUnusable(
            f"The gateway at {url} refused the key. Change VUI_LITELLM_KEY "
            "(`docker compose exec gateway vui-gateway key` shows the right one)."
        )
    try:
        served = [entry["id"] for entry in response.raise_for_status().json()["data"]]
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
        raise GatewayUnusable(
            f"What answers at {url} is no LiteLLM gateway ({error!r}). Change VUI_LITELLM_URL."
        ) from error
    if backend.model not in served:
        raise GatewayUnusable(
            f"The gateway doesn't serve {backend.model!r}. Change VUI_LITELLM_MODEL to one of: "
            f"{', '.join(served)}."
        )


def serve(arguments: list[str]) -> None:
    """Run vui's own server on our backend.

    Raises:
        ValueError: a setting has a bad value.
        GatewayUnusable: see `preflight`.
    """
    install()
    backend = LiteLLMBackend.from_settings(Settings.from_env())
    asyncio.run(preflight(backend))
    llm_backend.set_backend(backend)
    mend_page()
    _warn_without_gpu()
    from vui.serving.stream import server

    listen_for_barge_in(server, backend)
    sys.argv = [sys.argv[0], *arguments]  # vui reads its checkpoint from there
    server.main()


def mend_page() -> None:
    """Give vui's page the script that its package may lack: without it the page never connects."""
    if not frontend.VISUALIZER_JS.exists():
        frontend.VISUALIZER_JS = Path(__file__).with_name("visualizer.js")


def listen_for_barge_in(server: Any, backend: LiteLLMBackend) -> None:
    """Tell the backend when vui marks a barge-in, a cancel or a reset in its session."""

    class Session(server.SessionState):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "cancel_generation" and value:
                backend.barge_in()

    server.SessionState = Session


def _warn_without_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        print(
            "[vui-litellm] No NVIDIA GPU is visible: speech will be slow, where it works at all. "
            "With one, start with `-f compose.yaml -f compose.gpu.yaml`.",
            file=sys.stderr,
        )
