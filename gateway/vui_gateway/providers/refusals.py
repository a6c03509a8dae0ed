"""Refused fields: which optional field of a call a provider's error names, and the call without it.

Optional are fields that the gateway added, and those of vui's that a reply can do without. Their
names here are those of a call to LiteLLM; `extra_body.x` is a member of `extra_body`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from vui_gateway.providers.blame import is_chance
from vui_gateway.providers.errors import unechoed
from vui_gateway.providers.server_errors import is_context_error, refuses_tools
from vui_gateway.providers.thinking import LEVELS

__all__ = [
    "CACHE_MARKS", "MAX_TOKENS", "NEVER", "STATUSES", "Refusal", "optional_fields", "refusal",
    "sentence", "smaller_limit", "without",
]  # fmt: skip

EXTRA = "extra_body."
CACHE_MARKS = "cache_control"
MAX_TOKENS = {
    "max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens",
}  # fmt: skip
# The listener hears the same without them; vui's own stops hold on its side, and in the gateway.
VUIS = (
    "stop", "top_p", "presence_penalty", "frequency_penalty", "temperature", "reasoning_effort",
    "stream_options",
)  # fmt: skip
# Without these it is another call.
NEVER = frozenset(
    {"messages", "tools", "model", "extra_body", "extra_headers", "allowed_openai_params"}
)
# Statuses of a refusal; Ollama and a few servers at home answer 500.
STATUSES = (400, 422, 500)

# By field, providers' names for it besides its own:
# https://github.com/linagora/openrag/pull/335 (vLLM with Mistral's tokenizer),
# https://github.com/crewAIInc/crewAI/issues/3317 (Bedrock), https://docs.x.ai/docs/guides/reasoning,
# https://github.com/BerriAI/litellm/issues/34574 (Ollama),
# https://ai.google.dev/gemini-api/docs/thinking,
# https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
SPELLINGS = {
    "stop": r"stop(?:[_ ]?sequences?)?",
    "top_p": r"top_?p",
    "presence_penalty": r"presence_?penalty|penalt(?:y|ies)",
    "frequency_penalty": r"frequency_?penalty|penalt(?:y|ies)",
    "reasoning_effort": (
        r"thinking_level\w*|reasoning(?:[._ ]?effort)?|effort|budget"
        r"|think(?:ing)?(?:(?:[._ ]|[._ ]?config\.)?(?:level|budget|value|type|mode))?"
    ),
    "thinking": r"think(?:ing)?(?:[._ ]?(?:type|mode|config))?",
    f"{EXTRA}reasoning": r"reasoning(?:[._ ]?(?:effort|enabled))?",
    f"{EXTRA}chat_template_kwargs": r"chat_template(?:_kwargs)?|enable_thinking",
    "stream_options": r"stream_?options|include_usage",
    CACHE_MARKS: r"cache_?control|cache_?points?|prompt caching",
}
# A refusal of a field, in the words of many; the last are Chinese.
REFUSES = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|extraneous|invalid(?![_\w])|deprecated"
    r"|mandatory|restricted to|only supports?|(?:turned|switched) off|illegal|forbidden|rejected"
    r"|requires|extra (?:inputs?|fields?|keys?)|extra_forbidden|additional propert"
    r"|(?:not|n['\u2019]t|cannot|no longer)(?: currently| yet| be| both be| an?)* "
    r"(?:support|permit|allow|accept|enabl|available|exist"
    r"|recogni[sz]|valid|use[ds]?\b|specif|set\b|disabl|implement|defin|one of)"
    r"|(?:must|should|can only|may only|only) (?:be|works? in)|at most|too many|one of"
    r"|up to \d|maximum of \d|supported range|ensure this value|instead of"
    r"|cannot find field|no such|does not match"
    r"|不支持|不允许|不合法|无效|未知|非法",
    re.IGNORECASE,
)
# An error about a level, or of a model that always thinks: it may take the next level.
OF_LEVEL = re.compile(
    r"\bnone\b|minimal|budget 0|in thinking mode|mandatory|be disabl|(?:turned|switched) off",
    re.IGNORECASE,
)
# Other levels in an error: each in quotes, or a list behind words such as "must be one of".
QUOTED = re.compile(r"['\"`](\w+)\\*['\"`]")
LISTED = re.compile(
    r"(?:one of|must be|should be|expected|allowed:|(?:supported|allowed|valid|available|accepted"
    r"|permitted|possible) (?:values?|levels?|options?|efforts?))([^.\n]{0,100})",
    re.IGNORECASE,
)
# Characters between a field and the words that refuse it, at the most.
NEAR = 80
MAX_READ, MOST_READ = 4000, 20  # characters; names of one field, and refusing words
# A limit that is too large is refused for its number, not for its name.
TOO_MANY = re.compile(r"\b(?:too|large|less|most|exceeds?|greater|must be)\b", re.IGNORECASE)
LIMIT_NUMBER = re.compile(r"\d{1,9}(?:\.0+)?")


class Refusal(NamedTuple):
    """A refused field.

    Attributes:
        field: its name; for a level of effort with the level, as in `reasoning_effort=none`.
        instead: the name or level that the provider takes; empty where it is left out.
    """

    field: str
    instead: str = ""


def optional_fields(
    before: Mapping[str, Any], call: Mapping[str, Any], own: Mapping[str, Any], *, marked: bool
) -> dict[str, Any]:
    """The fields that a call can do without, and their values.

    before: the call without the gateway's changes. own: the user's settings for the deployment,
    which stay; only the name of `max_tokens` may change. marked: the gateway set cache marks.
    """
    given = {name: value for name, value in call.items() if value is not None}
    added = sorted(given.keys() - before.keys() - NEVER)
    names = dict.fromkeys([*(name for name in VUIS if name in given), *added])
    found = {name: given[name] for name in names if name not in own}
    mine = own.get("extra_body") or {}
    extra = (call.get("extra_body") or {}).items()
    found |= {f"{EXTRA}{name}": value for name, value in extra if name not in mine}
    found |= {name: given[name] for name in MAX_TOKENS if name in given}
    return found | ({CACHE_MARKS: True} if marked else {})


def refusal(status: int, message: str, param: str, optional: Mapping[str, Any]) -> Refusal | None:
    """The optional field that an error refuses; None for an error of another kind.

    message: LiteLLM's. param: the field that the error names by itself, if it does.
    """
    said = unechoed(message[:MAX_READ])
    if status == HTTPStatus.FORBIDDEN and CACHE_MARKS in optional and "prompt caching" in said:
        return Refusal(CACHE_MARKS)  # Bedrock's
    other = is_chance(message[:MAX_READ]) or refuses_tools(said) or is_context_error(said)
    if status not in STATUSES or other:
        return None
    named = [(0, field) for field in optional if param and _spelling(field).search(param)]
    phrases = _spans(REFUSES, said)
    for field in optional:
        names = _spans(_spelling(field), said)
        gaps = [_gap(said, *pair) for pair in itertools.product(phrases, names)]
        named += [(gap, field) for gap in gaps if gap is not None]
    for _, field in sorted(named, key=lambda near: near[0]):
        if field == "reasoning_effort":
            return _of_level(str(optional[field]), said)
        if field not in MAX_TOKENS:
            return Refusal(field)
        if MAX_TOKENS[field] in said or not TOO_MANY.search(said):
            return Refusal(field, MAX_TOKENS[field])
    return None


def sentence(model: str, refused: Refusal) -> str:
    """The sentence about a refusal: its consequence from now on, and the cure, if there is one."""
    name = refused.field.removeprefix(EXTRA).replace("=", " ")
    if not refused.instead:
        return f"{model} refuses {name}: its calls go without it until its configuration changes."
    now = f"{model} refuses {name}: its calls send {refused.instead} instead"
    if refused.field == "max_tokens" and model.startswith("azure/"):
        return (
            f"{now}. Set base_model in its model_info to the model behind it, such as "
            "azure/gpt-5-mini: then its other rules are known, too."
        )
    return f"{now} until its configuration changes."


def smaller_limit(call: Mapping[str, Any], own: Mapping[str, Any]) -> dict:
    """The call with the smaller limit of tokens, its own or the user's, under the user's name."""
    name = next((name for name in MAX_TOKENS if own.get(name)), "")
    values = [fields[one] for fields in (call, own) for one in MAX_TOKENS if fields.get(one)]
    limits = [int(float(value)) for value in values if LIMIT_NUMBER.fullmatch(str(value))]
    if not name or not limits:
        return dict(call)
    rest = {field: value for field, value in call.items() if field not in MAX_TOKENS}
    return {**rest, name: min(limits)}


def without(call: Mapping[str, Any], refused: Mapping[str, str]) -> dict:
    """The call without the refused fields; the original stays.

    refused: by field, what is sent instead.
    """
    call = dict(call)
    level, passed = call.get("reasoning_effort"), set()
    while level not in passed and (following := refused.get(f"reasoning_effort={level}")):
        passed.add(level)
        level = following
    for field, instead in refused.items():
        if field == CACHE_MARKS:
            call = {**call, **_unmarked(call)}
        elif field.startswith(EXTRA):
            extra = {**(call.get("extra_body") or {})}
            extra.pop(field.removeprefix(EXTRA), None)
            call["extra_body"] = extra
        elif field in call and (value := call.pop(field)) is not None and instead:
            call.setdefault(instead, value)
    if "reasoning_effort" in call:
        call["reasoning_effort"] = level
    return call


def _spelling(field: str) -> re.Pattern[str]:
    name = field.removeprefix(EXTRA)
    # Neither a part of a word nor of a model's name; a Chinese letter is no part of it.
    part = "[A-Za-z0-9_/-]"
    spelled = SPELLINGS.get(field, re.escape(name))
    return re.compile(rf"(?<!{part})(?:{spelled})(?!{part})", re.IGNORECASE)


def _spans(pattern: re.Pattern[str], said: str) -> list[tuple[int, int]]:
    return [found.span() for found in itertools.islice(pattern.finditer(said), MOST_READ)]


def _gap(said: str, one: tuple[int, int], other: tuple[int, int]) -> int | None:
    """Characters between two spans; None for spans of different sentences, or far apart."""
    (_, end), (begin, _) = sorted((one, other))
    near = begin - end <= NEAR and not re.search(r"[.!?]\s", said[end:begin])
    return max(begin - end, 0) if near else None


def _of_level(level: str, said: str) -> Refusal:
    """The refusal of a level of effort, with the nearest level that the error names instead."""
    listed = re.findall(r"\w+", " ".join(LISTED.findall(said)))
    other = {*QUOTED.findall(said), *listed} - {level}
    named = [one for one in LEVELS if one in other]
    if not named and level in LEVELS[:2] and OF_LEVEL.search(said):
        return Refusal(f"reasoning_effort={level}", LEVELS[LEVELS.index(level) + 1])
    if not named or level not in LEVELS:
        return Refusal("reasoning_effort")
    enough = [one for one in named if LEVELS.index(one) > LEVELS.index(level)]
    return Refusal(f"reasoning_effort={level}", enough[0] if enough else named[-1])


def _unmarked(call: Mapping[str, Any]) -> dict:
    def bare(item: Any) -> Any:
        marked = isinstance(item, dict) and CACHE_MARKS in item
        return (
            {name: value for name, value in item.items() if name != CACHE_MARKS} if marked else item
        )

    messages = [
        {**message, "content": [bare(part) for part in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in call["messages"]
    ]
    tools = {"tools": [bare(tool) for tool in call["tools"]]} if call.get("tools") else {}
    return {"messages": messages, **tools}
