"""Markup that a model's server leaves in its text, and the setting that mends it."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["TAG", "THINKS_ALOUD", "leak"]

# Somebody else's LiteLLM lets it through. https://docs.mistral.ai/capabilities/reasoning and
# https://qwen.readthedocs.io/en/latest/getting_started/concepts.html
TAG = re.compile(r"<think(ing)?>|\[think\]", re.IGNORECASE)
THINKS_ALOUD = (
    "broken: it thinks aloud between tags, and vui would speak that. Turn its thinking off "
    "(VUI_LITELLM_REASONING_EFFORT=none), or use another model"
)

WHAT = {"thoughts": "its server leaks its thoughts", "tokens": "its server leaks control tokens"}
# https://docs.vllm.ai/en/latest/features/reasoning_outputs.html,
# https://github.com/ggml-org/llama.cpp/tree/master/tools/server and
# https://github.com/ollama/ollama/blob/main/docs/modelfile.mdx
LEAK_CURES = {
    "vllm": {
        "thoughts": "start vLLM with --reasoning-parser",
        "tokens": "start vLLM with the model's own --chat-template, and --reasoning-parser for it",
    },
    "llama.cpp": {
        "thoughts": "start llama.cpp with --jinja (and --reasoning-format auto)",
        "tokens": "start llama.cpp with --jinja",
    },
    "ollama": {
        "thoughts": "mend TEMPLATE in Ollama's Modelfile, or pull the model anew",
        "tokens": "mend TEMPLATE and stop in Ollama's Modelfile, or pull the model anew",
    },
}
SERVERS = {
    "hosted_vllm": ("vllm",), "vllm": ("vllm",), "ollama": ("ollama",), "ollama_chat": ("ollama",),
    "llamafile": ("llama.cpp",),
}  # fmt: skip


def leak(provider: str, usages: Iterable[dict]) -> str:
    """The sentence about what our gateway took out of replies; empty where it took out nothing.

    provider: LiteLLM's name of the model. usages: of its replies, as the gateway reports them.
    """
    taken_out = {name for usage in usages for name in usage.get("taken_out") or ()}
    found = [name for name in WHAT if name in taken_out]
    if not found:
        return ""
    servers = SERVERS.get(provider.partition("/")[0], tuple(LEAK_CURES))
    cures = dict.fromkeys(LEAK_CURES[server][name] for server in servers for name in found)
    return f"{' and '.join(WHAT[name] for name in found)}. To mend it, {', or '.join(cures)}"
