"""Can there be a turn? Asked once before vui, or one of the tools, starts."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import httpx

from vui_litellm.backend import LiteLLMBackend, is_served
from vui_litellm.patches.speech import with_lone_stops
from vui_litellm.stream import LONE_STOP

__all__ = [
    "INSTALL", "NEEDS_GPU", "GatewayUnusable", "NoVoice", "is_known", "preflight", "require_voice",
    "warn_if_untested",
]  # fmt: skip

TESTED_VUI = ("1.2.2", "1.2.3")
INSTALL = (
    'Install it with `pip install "vui-tts[server]"`, or talk by text, which needs none of it: '
    "`vui-litellm chat`."
)
NEEDS_GPU = (
    "vui's voice needs an NVIDIA GPU, and none is visible here. With one, and its driver 580 or "
    "newer: docker compose -f compose.yaml -f compose.gpu.yaml up; "
    "by text: docker compose run --rm chat"
)


class GatewayUnusable(Exception):
    """The gateway can't answer a turn; the message names the variable to change."""


async def preflight(backend: LiteLLMBackend) -> None:
    """Ask the gateway once whether a turn can work.

    Raises:
        GatewayUnusable: it is away, refuses the key, or doesn't serve the model.
    """
    url = backend.base_url
    try:
        async with aclosing(backend):  # vui's server has an event loop of its own
            response = await backend.request("GET", "/v1/models", timeout=10)
        if response.status_code in (401, 403):
            raise GatewayUnusable(
                f"The gateway at {url} refused the key. Change VUI_LITELLM_KEY "
                "(`docker compose exec gateway vui-gateway key` shows the right one)."
            )
        served = [entry["id"] for entry in response.raise_for_status().json()["data"]]
    except httpx.TransportError as error:
        raise GatewayUnusable(
            f"The gateway at {url} doesn't answer ({str(error) or type(error).__name__}). "
            "Start it with `docker compose up -d gateway`, or change VUI_LITELLM_URL."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise GatewayUnusable(
            f"The server at {url} is no LiteLLM gateway ({error!r}). Change VUI_LITELLM_URL."
        ) from error
    if not is_served(backend.model, served):
        raise GatewayUnusable(
            f"The gateway doesn't serve {backend.model!r}. Change VUI_LITELLM_MODEL to one of: "
            f"{', '.join(served)}."
        )


class NoVoice(Exception):
    """vui can't speak on this machine; the message says what it needs, and the way by text."""


def require_voice() -> None:
    """Look whether vui can speak here, before it downloads its models.

    Raises:
        NoVoice: what it needs is not installed, or there is no GPU.
    """
    try:
        import torch
        from vui.serving.stream import server
    except ImportError as error:
        raise NoVoice(f"vui's voice isn't installed here ({error}). {INSTALL}") from error
    if not (torch.cuda.is_available() or server.IS_APPLE_SILICON):
        raise NoVoice(NEEDS_GPU)


def warn_if_untested() -> None:
    """Say that our tests never ran against this vui."""
    if (found := version("vui-tts")) not in TESTED_VUI:
        print(
            f"[vui-litellm] vui {found} is untested here (tested: {', '.join(TESTED_VUI)}). "
            "If something fails, install one of those.",
            file=sys.stderr,
        )


def is_known(chunker: Any) -> bool:
    """Whether a lone stop lets the sentence before it go, and changes nothing else.

    One that speaks sooner already has a closure, with which it can't be tried.
    """
    seen: list[Any] = []

    async def stream(*_: Any, **__: Any) -> AsyncGenerator[str]:
        for token in ('"One."', " [two", " 3.14. Four"):
            seen.append(token)
            yield token

    async def listen() -> None:
        chunks = with_lone_stops(chunker, lambda: SimpleNamespace(stream=stream))
        async for chunk in chunks([{"role": "user", "content": ""}]):
            seen.append(chunk)

    with suppress(Exception):  # StopIteration at its end: nothing in it waits
        listen().send(None)
    first, second, stop = ('"One."', False), ("[two 3.14.", False), (LONE_STOP, False)
    expected = ['"One."', " [two", first, " 3.14. Four", stop, second, stop, ("Four.", True)]
    return seen == expected
