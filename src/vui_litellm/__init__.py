"""vui through a LiteLLM gateway: any model behind one URL and one key."""

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.launcher import install, make_backend

__all__ = ["LiteLLMBackend", "install", "make_backend"]
