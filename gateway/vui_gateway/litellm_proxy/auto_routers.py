"""LiteLLM's complexity router: it chooses a model group by what is said.

Here it does so by its own rules alone, and asks no model for its choice.
https://docs.litellm.ai/docs/proxy/auto_routing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

__all__ = [
    "AUTO_ROUTER", "CONFIG", "fault", "has_rules", "is_any_router", "is_router", "pinned",
    "shortened", "targets", "without_asking",
]  # fmt: skip

AUTO_ROUTER = "auto_router/"
COMPLEXITY = f"{AUTO_ROUTER}complexity_router"
CONFIG, DEFAULT = "complexity_router_config", "complexity_router_default_model"
# LiteLLM's classifiers that score the text.
RULE_CLASSIFIERS = ("heuristic", "heuristic_v2")
# Fields of a request that a router or a tier may set; the length of a reply is vui's.
TIER_KNOBS = (
    "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias",
    "reasoning_effort", "thinking", "verbosity", "service_tier",
)  # fmt: skip
# Its settings by which a model, an embedding or a program would be asked for the choice.
ASKING = (
    "semantic_keyword_matching", "plugins", "classifier_plugin", "context_compaction", "adaptive",
    "classifier_llm_config", "classifier_type",
)  # fmt: skip

# Characters of a message that its rules read; they take 4 ms for a thousand.
MOST_ROUTED, MOST_PARTS = 4000, 4


def has_rules(model: str) -> bool:
    """Whether a deployment's model is a router that we serve."""
    return model.startswith(COMPLEXITY)


def is_router(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of `model_list` is a router that we serve."""
    return has_rules(entry["litellm_params"]["model"])


def is_any_router(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of `model_list` is one of LiteLLM's routers."""
    return entry["litellm_params"]["model"].startswith(AUTO_ROUTER)


def without_asking(config: Mapping[str, Any]) -> dict[str, Any]:
    """A router's configuration without settings that would ask somebody for the choice."""
    return {
        name: value
        for name, value in config.items()
        if name not in ASKING or not value or (name == ASKING[-1] and value in RULE_CLASSIFIERS)
    }


def fault(params: Mapping[str, Any]) -> str:
    """The fault of a router; empty for none."""
    if not has_rules(params["model"]):
        return "asks a model for its choice, or learns from answers, which isn't done here"
    try:
        if not targets(params):
            return "names no model to choose"
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"]
        return f"can't be used ({why})"
    return ""


def targets(params: Mapping[str, Any]) -> list[str]:
    """The groups that a router chooses from: its default, then those of its tiers.

    Raises:
        ValidationError: LiteLLM refuses its settings.
    """
    from litellm.router_strategy.complexity_router.config import ComplexityRouterConfig

    config = ComplexityRouterConfig.model_validate(params.get(CONFIG) or {})
    tiers = config.tiers.values() if params.get(CONFIG) else ()
    of_tiers = (one for group in tiers for one in (group if isinstance(group, list) else [group]))
    default = config.resolve_default_model(params.get(DEFAULT)) if tiers else params.get(DEFAULT)
    return list(dict.fromkeys(filter(None, (default, *of_tiers))))


def shortened(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as its rules read it: the end of a long one, since they block other calls."""
    content = message.get("content")
    if isinstance(content, list):
        content = [
            {**part, "text": part["text"][-MOST_ROUTED:]} if part.get("text") else part
            for part in content[-MOST_PARTS:]
        ]
    elif isinstance(content, str):
        content = content[-MOST_ROUTED:]
    return {**message, "content": content}


def pinned(request: Mapping[str, Any], of_tier: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of a request that a router and its tier set.

    request: as LiteLLM's hook left it.
    """
    found = {**request, **(of_tier or {})}
    return {name: found[name] for name in TIER_KNOBS if name in found}
