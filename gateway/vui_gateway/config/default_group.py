"""The model group `vui`: its own deployments, another group, or the demo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vui_gateway.config.values import is_served
from vui_gateway.errors import speakable
from vui_gateway.litellm_proxy.catalogue import resolve_model
from vui_gateway.litellm_proxy.modes import TEXT_MODES, talks

if TYPE_CHECKING:
    from vui_gateway.config.left_out import LeftOut

__all__ = [
    "ALIAS", "DEFAULT_GROUP", "DEMO", "DefaultGroup", "choose_default", "demo_for", "refused_note",
]  # fmt: skip

# The model group that vui asks for by default.
DEFAULT_GROUP = "vui"
FILE = "litellm_config.yaml"
ALIAS = "model_group_alias"
MODEL_PATH = re.compile(r"\S*/(?=\w)")  # the part of a model's name that speech leaves out

# LiteLLM answers from `mock_response` without any provider.
# https://docs.litellm.ai/docs/completion/mock_requests
DEMO_PARAMS = {
    "model": "openai/demo",
    "api_key": "none",
    "mock_response": "Hi, I'm the demo, and I say the same to everyone.",
}
DEMO = {"model_name": "demo", "litellm_params": DEMO_PARAMS}


@dataclass(frozen=True)
class DefaultGroup:
    """The model group that `vui` stands for.

    Attributes:
        note: the same in one sentence, and why.
        alias: the model group that stands in for it.
        demo: what the demo says when nobody does.
        others: models with other keys, asked when those of the group are refused.
        next: models of the file, asked when those of the group don't answer.
    """

    note: str
    alias: str = ""
    demo: str = ""
    others: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


def choose_default(
    file: Mapping[str, Any], usable: list[dict], lacking: list[LeftOut]
) -> DefaultGroup:
    """Choose among a file's usable deployments.

    lacking: those that are left out.
    """
    settings = [file.get(name) or {} for name in ("router_settings", "litellm_settings")]
    names = list(dict.fromkeys(entry["model_name"] for entry in usable))
    alias = (settings[0].get(ALIAS) or {}).get(DEFAULT_GROUP)
    alias = alias.get("model") if isinstance(alias, dict) else alias
    wanted = [name for s in settings for name in _fallbacks(s)]
    texts = [entry["model_name"] for entry in usable if _answers(entry)]
    chosen_by_hand = False
    if alias and is_served(alias, names):
        group, why, chosen_by_hand = alias, f"{ALIAS} in {FILE} says so", True
    elif DEFAULT_GROUP in names:
        group, why = DEFAULT_GROUP, f"the first of the group {DEFAULT_GROUP} in {FILE}"
    elif found := [name for name in wanted if is_served(name, names)]:
        group, why = found[0], f"the first of its fallbacks in {FILE}"
    elif texts:
        group, why = texts[0], f"the first model of {FILE}"
    else:
        return _demo(usable, lacking)
    own = [entry for entry in usable if entry["model_name"] == group]
    if lacking and not chosen_by_hand:
        why += _whose(own)
    name = own[0]["litellm_params"]["model"] if group == DEFAULT_GROUP else group
    chosen = any(s.get("default_fallbacks") for s in settings) or wanted
    others = [] if chosen else _with_other_keys(own, usable)
    stand_in = "" if group == DEFAULT_GROUP else group
    # A file without a group `vui` chose none: its first model may be one that doesn't answer.
    after = [name for name in dict.fromkeys(texts) if name != group]
    by_order = not (chosen or chosen_by_hand or group == DEFAULT_GROUP)
    note = f"{DEFAULT_GROUP} is {name}: {why}."
    return DefaultGroup(note, stand_in, others=others, next=after if by_order else [])


def demo_for(spoken: str, what: str) -> DefaultGroup:
    """The demo, for files that can't be used.

    spoken: what is wrong with them. what: which of them.
    """
    said = f"Hi, I'm the demo. {spoken} Once the file is saved, the next turn takes it."
    return DefaultGroup(f"{DEFAULT_GROUP} is the demo: {what} can't be used.", demo=said)


def refused_note(models: Iterable[str], variables: Iterable[str], others: list[str]) -> str:
    """The sentence about `vui` while the keys of its deployments are refused."""
    named, keys = ", ".join(dict.fromkeys(models)), ", ".join(dict.fromkeys(variables))
    who = f"{others[0]}, in place of {named}" if others else named
    return f"{DEFAULT_GROUP} is {who}, whose provider refused {keys}: put a valid one there."


def _demo(usable: list[dict], lacking: list[LeftOut]) -> DefaultGroup:
    demo = f"{DEFAULT_GROUP} is the demo: "
    models = [e for e in usable if not e["litellm_params"].get("mock_response")]
    if models:
        only = " It has only wildcards." if all("*" in e["model_name"] for e in models) else ""
        why = f"{FILE} names no single model that answers in text.{only}"
        cure = f"Add one to {FILE}, or name one as VUI_LITELLM_MODEL."
    elif unset := [one.variable for one in lacking if one.is_unset]:
        why = f"no model of {FILE} has its key in .env."
        cure = f"Put one into .env, for example the {unset[0]}, and save it."
    elif lacking:
        first = lacking[0]
        what = f"no model of {FILE} can be asked. {first.model_name} is left out:"
        why = f"{what} {first.variable} {first.wrong}."
        cure = first.cure
    else:
        why = f"{FILE} has no other model."
        cure = f"Add one to {FILE}, and save it."
    said = speakable(f"{MODEL_PATH.sub('', why)} {cure}")
    return DefaultGroup(
        demo + why, demo=f"Hi, I'm the demo, and I say the same to everyone. {said}"
    )


def _fallbacks(settings: Mapping[str, Any]) -> list[str]:
    found = settings.get("fallbacks") or ()
    entries = [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []
    lists = [entry.get(DEFAULT_GROUP) for entry in entries]
    return [str(name) for names in lists if isinstance(names, list) for name in names]


def _answers(entry: dict) -> bool:
    """Whether an entry is a single model of a provider's that answers in text."""
    params = entry["litellm_params"]
    if "*" in entry["model_name"] or "*" in params["model"] or params.get("mock_response"):
        return False
    configured = (entry.get("model_info") or {}).get("mode")
    model, provider, _ = resolve_model(params)
    return configured in TEXT_MODES if configured else talks(provider, model)


def _keys(params: dict) -> tuple[str, ...]:
    """Identifies a deployment's key: the names of its variables, else the key and the address."""
    given = {k: str(v) for k, v in params.items() if k != "model" and not k.endswith("timeout")}
    named = [value for value in given.values() if value.startswith("os.environ/")]
    return tuple(named or [given.get("api_key", ""), given.get("api_base", "")])


def _with_other_keys(own: list[dict], usable: list[dict]) -> list[str]:
    seen = {_keys(entry["litellm_params"]) for entry in own}
    found = []
    for entry in usable:
        key = _keys(entry["litellm_params"])
        if key not in seen and _answers(entry):
            seen.add(key)
            found.append(entry["model_name"])
    return found


def _whose(own: list[dict]) -> str:
    named = _keys(own[0]["litellm_params"]) if own else ()
    if not any(value.startswith("os.environ/") for value in named):
        return " that can be asked"
    addresses = all(value.endswith("_BASE") for value in named)
    return f" whose {'address' if addresses else 'key'} is set"
