"""Can the gateway answer a turn? Asked once before vui, or one of the tools, starts."""

from __future__ import annotations

import sys
from contextlib import aclosing

import httpx

from vui_litellm.backend import LiteLLMBackend

__all__ = ["GatewayUnusable", "preflight", "warn_without_gpu"]


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
            f"The gateway at {url} doesn't answer ({error or type(error).__name__}). "
            "Start it with `docker compose up -d gateway`, or change VUI_LITELLM_URL."
        ) from error
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
        raise GatewayUnusable(
            f"What answers at {url} is no LiteLLM gateway ({error!r}). Change VUI_LITELLM_URL."
        ) from error
    if backend.model not in served:
        raise GatewayUnusable(
            f"The gateway doesn't serve {backend.model!r}. Change VUI_LITELLM_MODEL to one of: "
            f"{', '.join(served)}."
        )


def warn_without_gpu() -> None:
    """Say that speech can't be fast on this machine."""
    import torch

    if not torch.cuda.is_available():
        print(
            "[vui-litellm] No NVIDIA GPU is visible: speech will be slow, where it works at all. "
            "With one, start with `-f compose.yaml -f compose.gpu.yaml`.",
            file=sys.stderr,
        )
