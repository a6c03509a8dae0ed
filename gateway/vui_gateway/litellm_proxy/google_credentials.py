"""Google's default credentials: where there are none, they aren't looked for at each turn."""

from __future__ import annotations

import threading
import time
from typing import Any

from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

from vui_gateway.providers.blame import HOUR

__all__ = ["forget", "install"]

_find = VertexBase._credentials_from_default_auth
_lock = threading.Lock()  # one looks, the others wait for what is found
_missing: tuple[float, str] | None = None  # until when that is known, and Google's words


def install() -> None:
    """Put it in place; a second time does nothing."""
    VertexBase._credentials_from_default_auth = _found_or_known


def forget() -> None:
    """A new configuration may have brought credentials."""
    global _missing
    _missing = None


def _found_or_known(self: VertexBase, scopes: Any) -> Any:
    """LiteLLM's own. It asks the metadata server three times, for three seconds each, and outside
    of Google's cloud nothing may answer there: https://google.aip.dev/auth/4115
    """
    global _missing
    from google.auth.exceptions import DefaultCredentialsError

    with _lock:
        if _missing and time.monotonic() < _missing[0]:
            raise DefaultCredentialsError(_missing[1])
        try:
            return _find(self, scopes)
        except DefaultCredentialsError as error:
            _missing = time.monotonic() + HOUR, str(error)
            raise
