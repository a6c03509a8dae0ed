"""Rules for requests: fields that a provider refuses although LiteLLM's `drop_params` keeps them.

An entry is for a family, so that a new model of a known one needs no edit; what LiteLLM's own model
table knows is not repeated here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vui_gateway.providers.endpoints import OLLAMA

__all__ = ["EFFORT_LEVELS", "FAMILIES", "Family", "apply"]

# https://platform.openai.com/docs/guides/reasoning; other providers take a part of it.
EFFORT_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh")
# A voice has no time for thoughts: without a word from the user the least that a model takes.
DEFAULT_EFFORT = "none"
SAMPLING = ("temperature", "top_p", "top_k")


@dataclass(frozen=True)
class Family:
    """One family's rule.

    Attributes:
        match: searched in `provider/model`.
        source: where the rule comes from.
        drop: fields that the family refuses.
        allow: fields it takes although LiteLLM drops them.
        efforts: levels of `reasoning_effort` it takes.
        thinking_off: what turns its thinking off instead.
        transform: a change that depends on the request.
    """

    match: str
    source: str
    drop: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    efforts: tuple[str, ...] | None = None
    thinking_off: dict[str, Any] = field(default_factory=dict)
    transform: Callable[[dict], None] | None = None


def user_first(call: dict) -> None:
    """A conversation that starts with the assistant's greeting gets a word to greet."""
    talk = [m for m in call["messages"] if m["role"] != "system"]
    if talk and talk[0]["role"] == "assistant":
        before = call["messages"].index(talk[0])
        call["messages"].insert(before, {"role": "user", "content": "Hi."})


def system_first(call: dict) -> None:
    """A system message in mid-conversation becomes a part of the user's next turn."""
    started = False
    for index, message in enumerate(call["messages"]):
        if message["role"] == "system" and started:
            call["messages"][index] = {**message, "role": "user"}
        started = started or message["role"] != "system"


def no_top_p_with_temperature(call: dict) -> None:
    """`temperature` and `top_p` exclude each other: the more common one stays."""
    if call.get("temperature") is not None:
        call.pop("top_p", None)


def no_sampling_while_thinking(call: dict) -> None:
    """Thinking takes no sampling knobs."""
    if call.get("reasoning_effort") or (call.get("thinking") or {}).get("type") == "enabled":
        for name in SAMPLING:
            call.pop(name, None)


CLAUDE = r"^anthropic/|^(bedrock|bedrock_converse|vertex_ai|azure_ai)/.*claude"

FAMILIES = (
    Family(CLAUDE, "https://platform.claude.com/docs/en/api/messages", transform=user_first),
    Family(
        CLAUDE,
        "https://github.com/BerriAI/litellm/issues/15097",
        transform=no_top_p_with_temperature,
    ),
    Family(
        CLAUDE,
        "https://platform.claude.com/docs/en/build-with-claude/extended-thinking",
        efforts=("low", "medium", "high", "xhigh"),
        thinking_off={"reasoning_effort": None},  # it doesn't think unless asked to
        transform=no_sampling_while_thinking,
    ),
    Family(
        r"^(gemini|vertex_ai)/.*gemini-[2-9]",
        "https://github.com/vercel/ai/issues/8943",
        drop=("presence_penalty", "frequency_penalty"),
    ),
    Family(
        r"^(gemini|vertex_ai)/.*gemini-2\.5",
        "https://ai.google.dev/gemini-api/docs/thinking#set-budget",
        efforts=EFFORT_LEVELS,
    ),
    Family(
        r"^(gemini|vertex_ai)/.*gemini-[3-9]",
        "https://ai.google.dev/gemini-api/docs/thinking#thinking-levels",
        efforts=("minimal", "low", "medium", "high"),
    ),
    Family(
        r"^xai/grok",
        "https://docs.x.ai/docs/guides/reasoning",
        drop=("presence_penalty", "frequency_penalty", "stop"),
        efforts=(),
    ),
    Family(
        r"^xai/grok-(3-mini|4\.3)",
        "https://docs.x.ai/docs/guides/reasoning",
        efforts=("low", "high"),
    ),
    Family(
        r"^groq/.*gpt-oss",
        "https://console.groq.com/docs/reasoning#reasoning-effort",
        efforts=("low", "medium", "high"),
    ),
    Family(
        r"^groq/.*qwen",
        "https://console.groq.com/docs/reasoning#reasoning-effort",
        efforts=("none",),
    ),
    Family(
        # LiteLLM would count the tokens of a stream by itself.
        r"^nvidia_nim/",
        "https://docs.api.nvidia.com/nim/reference/nvidia-nemotron-3-nano-30b-a3b-infer",
        allow=("stream_options",),
    ),
    Family(
        r"^mistral/",
        "https://docs.mistral.ai/api/#tag/chat",
        allow=("presence_penalty", "frequency_penalty"),
    ),
    Family(
        r"^mistral/",
        "https://github.com/swarmauri/swarmauri-sdk/issues/162",
        transform=system_first,
    ),
    Family(
        r"^mistral/(mistral|ministral)-",
        "https://docs.mistral.ai/capabilities/reasoning",
        efforts=("none", "high"),
    ),
    Family(
        r"^deepseek/",
        "https://api-docs.deepseek.com/guides/thinking_mode",
        efforts=("low", "medium", "high", "xhigh"),
        thinking_off={"thinking": {"type": "disabled"}},
    ),
    Family(
        r"^openrouter/",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        allow=("reasoning_effort",),
        efforts=EFFORT_LEVELS,
        thinking_off={"reasoning_effort": None},  # any word of it turns Claude's thinking on
    ),
    Family(
        r"^openrouter/(qwen/qwen3|deepseek/.*v[34]|z-ai/glm|google/gemini-2\.5-flash|openai/gpt-5\.)",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        efforts=EFFORT_LEVELS,
        thinking_off={"extra_body": {"reasoning": {"effort": "none"}}},
    ),
    Family(
        r"^openrouter/(google/gemini-([3-9]|.*pro)|openai/(gpt-5(-|$)|gpt-oss|o\d)|.*(r1|thinking))",
        "https://github.com/elie222/rakazo/issues/114",
        efforts=("low", "medium", "high"),
    ),
    Family(
        r"^hosted_vllm/",
        "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        efforts=EFFORT_LEVELS,
        thinking_off={"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}},
    ),
    Family(
        r"^ollama(_chat)?/", "https://docs.ollama.com/capabilities/thinking", efforts=EFFORT_LEVELS
    ),
)
# As vui's own backend for it. Ollama cuts a prompt that is longer than its context without a word,
# its own default is shorter than vui's prompts, and it unloads a model after five minutes:
# https://docs.ollama.com/context-length, https://docs.ollama.com/faq
KEEP_ALIVE = "30m"


def apply(
    call: dict, provider: str, model: str, known_efforts: Sequence[str], *, context: int = 0
) -> dict:
    """The call as the family takes it; the original stays as it is.

    known_efforts: the levels of `reasoning_effort` that LiteLLM's table has for the model.
    context: tokens that a server of one's own is to hold; 0 for anybody else's.
    """
    call = {**call, "messages": [m for m in call.get("messages") or [] if not _empty(m)]}
    matching = _matching(f"{provider}/{model}".lower())
    _think(call, matching, known_efforts)
    for family in matching:
        for name in family.drop:
            call.pop(name, None)
        if family.allow:
            call["allowed_openai_params"] = [*call.get("allowed_openai_params", ()), *family.allow]
        if family.transform:
            family.transform(call)
    if context and provider in OLLAMA:
        for name, value in {"num_ctx": context, "keep_alive": KEEP_ALIVE}.items():
            call[name] = value if call.get(name) is None else call[name]
    return call


@functools.cache
def _matching(name: str) -> list[Family]:
    return [family for family in FAMILIES if re.search(family.match, name)]


def _empty(message: dict) -> bool:
    # A reply that was interrupted before its first word: Claude, Gemini and Mistral refuse it.
    return (
        message.get("role") == "assistant"
        and not message.get("content")
        and not message.get("tool_calls")
    )


def _think(call: dict, matching: list[Family], known_efforts: Sequence[str]) -> None:
    if call.get("thinking") or "reasoning" in (call.get("extra_body") or {}):
        return  # the configuration says it in the provider's own words
    family = next((f for f in reversed(matching) if f.efforts is not None), None)
    wanted = call.pop("reasoning_effort", None) or DEFAULT_EFFORT
    named = family.efforts if family else None
    taken = known_efforts if named is None else named
    if wanted not in EFFORT_LEVELS:  # the configuration's, in words that only its provider knows
        call["reasoning_effort"] = wanted
    elif family and family.thinking_off and wanted == "none":
        for key, value in family.thinking_off.items():
            call[key] = {**call.get(key, {}), **value} if isinstance(value, dict) else value
    elif taken:
        least = EFFORT_LEVELS.index(wanted)
        enough = [level for level in taken if EFFORT_LEVELS.index(level) >= least]
        call["reasoning_effort"] = enough[0] if enough else taken[-1]
