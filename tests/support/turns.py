"""vui's turns through a running gateway, by our own backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vui.serving.stream import llm_backend

from tests.matrix.conversations import HELLO, heard_of
from tests.support.harness import Program
from vui_litellm import LiteLLMBackend

__all__ = ["Turns"]


@dataclass
class Turns:
    """Asks a gateway's groups as vui does."""

    program: Program

    def backend(self, group: str, **options: Any) -> LiteLLMBackend:
        """Our backend for a group, which is vui's from now on."""
        backend = LiteLLMBackend(group, self.program.url, api_key=self.program.key, **options)
        llm_backend.set_backend(backend)
        return backend

    async def reply(self, group: str) -> tuple[list[str], Exception | None]:
        """What is heard of a reply, and how it failed."""
        backend = self.backend(group)
        heard = await heard_of(HELLO)
        await backend.aclose()
        return heard
