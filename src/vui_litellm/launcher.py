"""Starts vui's own server on our backend, once the gateway can answer a turn."""

from __future__ import annotations

import asyncio
import os

from vui.serving.stream import llm, llm_backend

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.patches.server import install_factory, run_server, vui_make_backend
from vui_litellm.patches.speech import speak_sooner
from vui_litellm.settings import Settings
from vui_litellm.tools.preflight import is_known, preflight, require_voice

__all__ = ["install", "make_backend", "serve"]


def make_backend(name: str | None = None, model: str | None = None) -> llm_backend.LLMBackend:
    """vui's `make_backend`, whose `litellm` is ours.

    Raises:
        ValueError: an unknown name, or a setting with a bad value.
    """
    if (name or os.environ.get("VUI_LLM_BACKEND", "")).lower() != LiteLLMBackend.name:
        return vui_make_backend(name, model)
    options = Settings.from_env().backend_options
    return LiteLLMBackend(**{**options, "model": model or options["model"]})


def install() -> None:
    """Make vui use ours for `litellm`, and speak a sentence when the next one begins."""
    install_factory(make_backend)
    if is_known(llm.llm_stream_chunks):
        speak_sooner()


def serve(arguments: list[str]) -> None:
    """Run vui's own server on our backend.

    Raises:
        SettingError, NoVoice, GatewayUnusable, CannotGuard: what stands in the way.
    """
    install()
    settings = Settings.from_env()
    require_voice()
    backend = LiteLLMBackend(**settings.backend_options)
    asyncio.run(preflight(backend))
    run_server(backend, arguments, lan=settings.lan, recognizer=settings.recognizer)
