"""Providers that need a package which the image leaves out, or refuse a default of ours."""

from __future__ import annotations

__all__ = ["LEFT_OUT_PACKAGES", "REFUSING_RETRIES", "needs_package"]

# Each loads a model into this process, with gigabytes of torch.
# https://docs.litellm.ai/docs/providers/vllm, https://docs.litellm.ai/docs/providers/petals
LEFT_OUT_PACKAGES = {
    "vllm": "Start vLLM as a server, and write `hosted_vllm/` with its api_base.",
    "petals": "Serve the model by a server of its own, and write `openai/` with its api_base.",
}
# LiteLLM 1.110.2 refuses `max_retries: 0` for these, unless their deployment has `drop_params`.
REFUSING_RETRIES = ("gradient_ai/",)
# LiteLLM's and Python's words.
MISSING = ("No module named", "import failed", "pip install", "SDK not found")


def needs_package(message: str) -> str:
    """The cure for a failure that a missing package is the reason for; else empty."""
    # A provider's own error is JSON.
    if "{" in message or not any(words in message for words in MISSING):
        return ""
    return "It needs a Python package that this gateway's image leaves out: use another model."
