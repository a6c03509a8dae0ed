"""Starts vui's own server on our backend, once the gateway can answer a turn."""

from __future__ import annotations

import asyncio
import os

from vui.serving.stream.llm_backend import LLMBackend

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.settings import Settings
from vui_litellm.tools.preflight import preflight, warn_without_gpu
from vui_litellm.vui_api import install_factory, run_server, vui_make_backend

__all__ = ["install", "make_backend", "serve"]


def make_backend(name: str | None = None, model: str | None = None) -> LLMBackend:
    """vui's `make_backend`, whose `litellm` is ours.

    Raises:
        ValueError: an unknown name, or a setting with a bad value.
    """
    if (name or os.environ.get("VUI_LLM_BACKEND", "")).lower() != LiteLLMBackend.name:
        return vui_make_backend(name, model)
    options = Settings.from_env().backend_options
    return LiteLLMBackend(**{**options, "model": model or options["model"]})


def install() -> None:
    """Make vui's own `make_backend` and `get_backend` use ours for `litellm`."""
    install_factory(make_backend)


def serve(arguments: list[str]) -> None:
    """Run vui's own server on our backend; raises what `Settings` and `preflight` do."""
    install()
    backend = LiteLLMBackend(**Settings.from_env().backend_options)
    asyncio.run(preflight(backend))
    warn_without_gpu()
    run_server(backend, arguments)
