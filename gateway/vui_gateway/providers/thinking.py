"""The least thinking that a model takes: a voice has no time for more.

LiteLLM's own model table comes first, then `thinking_rules`. The user's own settings stay.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vui_gateway.providers.thinking_hosts import HOST_RULES
from vui_gateway.providers.thinking_rules import RULES, Rule

__all__ = ["LEVELS", "NO_THINKING", "thinks", "turn_down"]

# Levels of `reasoning_effort`; a model takes a part of them. `max` is Anthropic's, Z.ai's and
# Moonshot's: https://platform.openai.com/docs/guides/reasoning
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# With these no model thinks for long.
NO_THINKING = (None, "none", "minimal", "disable")
# Names of the switch at providers and in chat templates. A user's own one stays as it is.
SWITCHES = ("thinking", "enable_thinking", "think", "reasoning", "thinking_budget")
TEMPLATE = "chat_template_kwargs"
OTHER_WORDS = ("output_config", "thinkingConfig", "thinking_config", "disable_reasoning")


def turn_down(call: dict, name: str, known: Sequence[str] | None) -> None:
    """Puts into a call the least thinking that its model takes, or the effort that a user named.

    Args:
        name: `provider/model`, in lower case.
        known: the model's levels in LiteLLM's table; None where the table doesn't say.
    """
    rule = _rule(name)
    for field in rule.drop:
        call.pop(field, None)
    own = call.get("thinking")
    knows = bool(rule.match) or known is not None
    if knows and isinstance(own, Mapping) and own and not _is_on(own):
        del call["thinking"]  # what follows says it in words that the model takes
        call.setdefault("reasoning_effort", "none")
    if _in_own_words(call):
        return
    wanted = call.pop("reasoning_effort", None) or "none"
    wanted = "none" if wanted == "disable" else wanted  # LiteLLM's word for Gemini
    if rule.streamed and not call.get("stream"):
        wanted = "none"
    if wanted not in LEVELS:  # the configuration's, in words that only its provider knows
        call["reasoning_effort"] = wanted
    elif known is not None and not known:
        return  # the model doesn't think
    elif rule.off and wanted == "none" and not (rule.heeds_table and _always(known)):
        for field, value in rule.off.items():
            call[field] = _merged(value, call.get(field))
        ours = (call.get("extra_body") or {}).get(TEMPLATE)
        if ours and isinstance(call.get(TEMPLATE), Mapping):
            call[TEMPLATE] = _merged(ours, call[TEMPLATE])
    elif rule.streamed and wanted != "none":
        call["extra_body"] = _merged({"enable_thinking": True}, call.get("extra_body"))
    elif taken := _taken(rule.efforts, known):
        least = LEVELS.index(wanted)
        enough = [level for level in taken if LEVELS.index(level) >= least]
        call["reasoning_effort"] = enough[0] if enough else taken[-1]
        if rule.raw:
            allowed = call.get("allowed_openai_params") or ()
            call["allowed_openai_params"] = [*allowed, "reasoning_effort"]
    elif rule.efforts is None and wanted != "none":  # nobody knows what it takes
        call["reasoning_effort"] = wanted


def thinks(fields: Mapping[str, Any]) -> bool:
    """Whether the fields of a call, or of a deployment's configuration, switch thinking on."""
    words = ("reasoning_effort", *SWITCHES)
    return any(_is_on(place.get(word)) for place in _places(fields) for word in words)


def _in_own_words(call: Mapping[str, Any]) -> bool:
    places = list(_places(call))
    words = (*SWITCHES, *OTHER_WORDS)
    return any(place.get(word) is not None for place in places for word in words) or any(
        place.get("reasoning_effort") is not None for place in places[1:]
    )


def _places(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for place in (fields, fields.get("extra_body")):
        if isinstance(place, Mapping):
            yield place
            if isinstance(template := place.get(TEMPLATE), Mapping):
                yield template


def _is_on(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return bool(value) and value not in NO_THINKING
    off = value.get("type") in ("disabled", "between_tools") or value.get("enabled") is False
    off = off or 0 in (
        value.get(name) for name in ("budget_tokens", "thinking_budget", "max_tokens")
    )
    return bool(value) and not off and value.get("effort", "low") not in NO_THINKING


def _always(known: Sequence[str] | None) -> bool:
    return known is not None and "none" not in known


@functools.cache
def _rule(name: str) -> Rule:
    rules = reversed((*RULES, *HOST_RULES))
    return next((rule for rule in rules if re.search(rule.match, name)), Rule("", ""))


def _taken(efforts: Sequence[str] | None, known: Sequence[str] | None) -> Sequence[str]:
    if efforts is None or known is None:
        return efforts or known or ()
    return [level for level in efforts if level in known] or efforts


def _merged(ours: Any, theirs: Any) -> Any:
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return ours if theirs is None else theirs
    return {**theirs, **{name: _merged(value, theirs.get(name)) for name, value in ours.items()}}
