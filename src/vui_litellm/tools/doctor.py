"""vui's own check of this machine, on our backend, with advice for this way of installing."""

from __future__ import annotations

import asyncio
import os

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.patches.doctor import run_doctor
from vui_litellm.settings import Settings
from vui_litellm.tools.preflight import INSTALL, NEEDS_GPU, GatewayUnusable, preflight

__all__ = ["doctor"]

# vui's own advice is for a checkout of vui: `uv sync`, install.sh, VUI_VLLM_URL.
CURES = {
    "torch": INSTALL,
    "gpu": NEEDS_GPU,
    "torch kernels": "Choose a torch for this GPU: https://github.com/fluxions-ai/vui#hardware",
    "attention": 'Speech comes sooner with `pip install "vui-tts[flash]"`; the image is without.',
    "ffmpeg": "Install ffmpeg's libraries and vui-tts[server]; vui's image has both.",
    "disk": "Make room: vui's models and their caches need about 10 GB.",
}


def doctor() -> int:
    """Print what vui finds on this machine; 1 when something stands in the way of its voice."""
    backend = LiteLLMBackend(**Settings.from_env().backend_options)
    os.environ["VUI_LLM_BACKEND"] = backend.name
    try:
        asyncio.run(preflight(backend))
    except GatewayUnusable as error:
        return run_doctor({**CURES, "llm": str(error)})
    return run_doctor(CURES)
