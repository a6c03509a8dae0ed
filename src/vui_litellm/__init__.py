"""vui through a LiteLLM gateway: any model behind one URL and one key."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vui_litellm.backend import LiteLLMBackend
    from vui_litellm.launcher import install, make_backend

__all__ = ["LiteLLMBackend", "install", "make_backend"]


def __getattr__(name: str) -> Any:
    # Not at import: `python -m vui_litellm` could not be interrupted in good order before its end.
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("vui_litellm.launcher"), name)
