"""Models that answer a chat: by LiteLLM's table, and by the names of those that it lacks."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import litellm

from vui_gateway.litellm_proxy.catalogue import model_info
from vui_gateway.litellm_proxy.rows import plain

__all__ = ["TEXT_MODES", "talks"]

# Modes of LiteLLM's table that answer a chat; the empty one is for a model that it lacks.
TEXT_MODES = frozenset({"", "chat", "completion", "responses"})
# Models that draw, embed or listen.
NO_CHATS = re.compile(
    r"embed|rerank|dall-e|whisper|moderation|stable-diffusion|\b(bge|e5|gte|tts|flux)-", re.I
)


def talks(provider: str, model: str) -> bool:
    """Whether a model answers a chat. LiteLLM calls each of Ollama's and Hugging Face's a chat."""
    if NO_CHATS.search(model):
        return False
    anywhere = _mode_anywhere().get(_bare(model))
    known = model_info(provider, model)
    known = plain(known.get("key", ""), known)
    return (anywhere or known.get("mode") or "") in TEXT_MODES


@functools.cache
def _mode_anywhere() -> Mapping[str, str]:
    """Modes of the models that have the same one at each provider."""
    found: dict[str, set[str]] = {}
    for name, row in litellm.model_cost.items():
        found.setdefault(_bare(name), set()).add(plain(name, row).get("mode") or "")
    return {name: next(iter(modes)) for name, modes in found.items() if len(modes) == 1}


def _bare(model: str) -> str:
    return model.lower().rpartition("/")[2]
