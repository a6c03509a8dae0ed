"""Rules for requests: fields that a provider refuses although LiteLLM's `drop_params` keeps them.
Those for thinking stand in `thinking_rules`.

An entry is for a family, so that a new model of a known one needs no edit; what LiteLLM's own model
table knows is not repeated here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vui_gateway.providers import thinking
from vui_gateway.providers.endpoints import OLLAMA
from vui_gateway.providers.messages import shaped

__all__ = ["FAMILIES", "Family", "apply"]

SAMPLING = ("temperature", "top_p", "top_k")


@dataclass(frozen=True)
class Family:
    """One family's rule.

    Attributes:
        match: searched in `provider/model`.
        source: where the rule comes from.
        drop: fields that the family refuses.
        allow: fields it takes although LiteLLM drops them.
        transform: a change that depends on the request.
    """

    match: str
    source: str
    drop: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    transform: Callable[[dict], None] | None = None


def no_top_p_with_temperature(call: dict) -> None:
    """`temperature` and `top_p` exclude each other: the more common one stays."""
    if call.get("temperature") is not None:
        call.pop("top_p", None)


def no_sampling_while_thinking(call: dict) -> None:
    """Thinking takes no sampling knobs."""
    if thinking.thinks(call):
        for name in SAMPLING:
            call.pop(name, None)


def stored_nowhere(call: dict) -> None:
    """`/v1/responses` keeps what was said for 30 days, unlike chat completions."""
    if call.get("store") is None:
        call["store"] = False


NATIVE_CLAUDE = r"^anthropic/|^(bedrock|bedrock_converse|vertex_ai|azure_ai)/.*claude"

FAMILIES = (
    Family(
        NATIVE_CLAUDE,
        "https://github.com/BerriAI/litellm/issues/15097",
        transform=no_top_p_with_temperature,
    ),
    Family(
        NATIVE_CLAUDE,
        "https://platform.claude.com/docs/en/build-with-claude/extended-thinking",
        transform=no_sampling_while_thinking,
    ),
    Family(
        r"^(gemini|vertex_ai)/.*gemini-[2-9]",
        "https://github.com/vercel/ai/issues/8943",
        drop=("presence_penalty", "frequency_penalty"),
    ),
    Family(
        r"^xai/grok",
        "https://docs.x.ai/docs/guides/reasoning",
        drop=("presence_penalty", "frequency_penalty", "stop"),
    ),
    Family(
        # Models that LiteLLM asks at `/v1/responses`, always or with tools and an effort.
        r"^(openai|azure)/(responses/|gpt-(5\.[4-9]|[6-9]))",
        "https://platform.openai.com/docs/guides/your-data",
        transform=stored_nowhere,
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
)
# As vui's own backend for it. Ollama cuts a prompt that is longer than its context without a word,
# its own default is shorter than vui's prompts, and it unloads a model after five minutes:
# https://docs.ollama.com/context-length, https://docs.ollama.com/faq
OLLAMA_KEEP_ALIVE = "30m"


def apply(
    call: dict, provider: str, model: str, known_efforts: Sequence[str] | None, *, context: int = 0
) -> dict:
    """The call as the family takes it; the original stays as it is.

    known_efforts: the model's levels of `reasoning_effort` in LiteLLM's table; None where the table
        doesn't say.
    context: tokens that a server of one's own is to hold; 0 for anybody else's.
    """
    name = f"{provider}/{model}".lower()
    call = {**call, "messages": shaped(call.get("messages") or [], name)}
    thinking.turn_down(call, name, known_efforts)
    for family in _matching(name):
        for field in family.drop:
            call.pop(field, None)
        if family.allow:
            call["allowed_openai_params"] = [*call.get("allowed_openai_params", ()), *family.allow]
        if family.transform:
            family.transform(call)
    if context and provider in OLLAMA:
        for name, value in {"num_ctx": context, "keep_alive": OLLAMA_KEEP_ALIVE}.items():
            call[name] = value if call.get(name) is None else call[name]
    return call


@functools.cache
def _matching(name: str) -> list[Family]:
    return [family for family in FAMILIES if re.search(family.match, name)]
