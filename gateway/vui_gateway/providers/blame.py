"""The blame for a failure: which deployment is left alone, and for how long."""

from __future__ import annotations

import json
import re
from enum import Enum, auto
from typing import NamedTuple

from vui_gateway.errors import Code, Ending

__all__ = ["HOUR", "Blame", "Blamed", "Failure", "blame", "failed_call", "is_chance", "wait_asked"]

HOUR = 3600.0  # seconds


class Blamed(Enum):
    """The deployments that are left alone after a failure."""

    REQUEST = auto()  # nobody
    TOOLS = auto()  # the deployment, for calls with tools: vui's thoughts
    DEPLOYMENT = auto()  # for all calls
    KEY = auto()  # for all calls, until its key changes


class Blame(NamedTuple):
    """The outcome of a failure.

    Attributes:
        seconds: at least; 0 for the configured cooldown.
    """

    blamed: Blamed
    seconds: float = 0.0


class Failure(NamedTuple):
    """The facts on which the outcome depends.

    Attributes:
        ended: an `Ending`, a status or an exception's name.
        status: the HTTP status, or ours where nobody has sent one.
        retry_after: seconds that the provider asks for.
        reply: somebody hears the answer; nobody hears vui's thoughts.
        chance: see `is_chance`.
    """

    ended: str
    code: Code
    status: int
    retry_after: float = 0.0
    reply: bool = True
    chance: bool = False


# Endings and codes that say nothing of the deployment's answer to another request.
OF_THE_REQUEST = frozenset({
    Ending.BUDGET, Ending.HOOK, Ending.LOADING, Ending.FILTERED,
    Code.CONTENT_POLICY_VIOLATION, Code.CONTEXT_WINDOW_EXCEEDED, Code.MODEL_LOADING,
})  # fmt: skip
# Codes that blame the deployment, also with a status that blames the request.
OF_THE_DEPLOYMENT = frozenset({
    Code.PROVIDER_RATE_LIMITED, Code.PROVIDER_MODEL_NOT_FOUND, Code.MODEL_NOT_LOADED,
})  # fmt: skip
REQUEST_STATUS = frozenset({400, 413, 422, 499})
# A refused key, and a used up quota, may be mended without a change of the configuration.
FOR_AN_HOUR: dict[str, Blame] = {
    Ending.NO_TOOLS: Blame(Blamed.TOOLS, HOUR),
    Code.PROVIDER_REFUSED_TOOLS: Blame(Blamed.TOOLS, HOUR),
    Code.PROVIDER_KEY_REFUSED: Blame(Blamed.KEY, HOUR),
    Code.PROVIDER_QUOTA_EXCEEDED: Blame(Blamed.DEPLOYMENT, HOUR),
}
# A model that is slow at tools may be quick to reply, and one that fails at them may reply well.
SLOW_THOUGHTS = frozenset({Ending.NO_WORDS, Ending.EMPTY})
FAILED_THOUGHTS = frozenset({Ending.ENDED_EARLY, Ending.FLOODED})


def blame(failure: Failure) -> Blame:
    """The deployments that are left alone after a failure, and for how long."""
    ended, code, status, seconds, reply, chance = failure
    if found := FOR_AN_HOUR.get(code) or FOR_AN_HOUR.get(ended):
        return found
    limited = code == Code.PROVIDER_RATE_LIMITED
    of_request = status in REQUEST_STATUS and code not in OF_THE_DEPLOYMENT
    if {ended, code} & OF_THE_REQUEST or of_request:
        return Blame(Blamed.REQUEST)
    if reply:
        return Blame(Blamed.DEPLOYMENT, seconds)
    if ended in SLOW_THOUGHTS:
        return Blame(Blamed.REQUEST)
    # Thoughts leave the reply its model, unless the deployment is down.
    down = status >= 500 and not (limited or chance or ended in FAILED_THOUGHTS)
    return Blame(Blamed.DEPLOYMENT if down else Blamed.TOOLS, seconds)


# `retryDelay`: https://ai.google.dev/gemini-api/docs/troubleshooting, `google.rpc.RetryInfo`.
# "try again in 7.66s": https://console.groq.com/docs/rate-limits; OpenAI has `1m30s` and `250ms`.
_UNIT = r"(?:ms|milliseconds?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])"
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
RETRY_DELAY = re.compile(
    rf"retry_?delay[\"'\\]{{0,2}}\s?:\s?[\"'\\]{{0,2}}({_NUMBER})s", re.IGNORECASE
)
TRY_AGAIN = re.compile(
    rf"\b(?:try again|retry|wait|resets?|available)"
    rf"(?:[ _-]after\W{{1,4}}| after| in| for| at least| about){{0,2}} ?"
    rf"((?:{_NUMBER} ?(?:more )?{_UNIT}(?:, | and | )?){{1,4}})",
    re.IGNORECASE,
)
# A field, or a header in words: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
RETRY_AFTER = re.compile(
    rf"retry[ _-]?after(?:_?seconds)?[\"'\\]{{0,2}}\s?[:=]\s?[\"'\\]{{0,2}}({_NUMBER})(?![\d:-])",
    re.IGNORECASE,
)
PART = re.compile(rf"({_NUMBER}) ?(?:more )?({_UNIT})", re.IGNORECASE)
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def wait_asked(message: str) -> float:
    """The seconds that an error asks to wait for in its own words; 0 for none."""
    if found := RETRY_DELAY.search(message):
        return float(found[1])
    if found := TRY_AGAIN.search(message):
        parts = PART.findall(found[1])
        return sum(float(number) * _seconds(unit.lower()) for number, unit in parts)
    found = RETRY_AFTER.search(message)
    return float(found[1]) if found else 0.0


def _seconds(unit: str) -> float:
    return 1e-3 if unit == "ms" or unit.startswith("milli") else UNITS[unit[0]]


# Groq's `tool_use_failed` (https://console.groq.com/docs/tool-use), Gemini's finish reason
# (https://github.com/pipecat-ai/pipecat/issues/1168), and a connection that ends before an answer.
CHANCE = re.compile(
    r"tool_use_failed|failed to call a function|output_parse_failed"
    r"|invalid sequence as part of tool|malformed[_ ]function[_ ]call"
    # Ollama's and llama.cpp's, for a call that their model has written wrong
    r"|(?:error|failed) (?:to )?pars(?:e|ing) tool call|connection reset by peer"
    r"|failed to parse input at pos|invalid diff: now finding|xml syntax error on line"
    # OpenAI's 500, and Groq's without its code
    r"|model produced invalid content|tool call validation failed|output that could not be parsed"
    r"|generated an invalid tool call|reset before headers"
    r"|server disconnected"
    r"|connection (?:was )?(?:closed|aborted|lost) (?:before|without)"
    # aiohttp's and httpx' words for a body that ends before its first byte
    r"|payload is not completed|incomplete (?:chunked )?read|peer closed connection",
    re.IGNORECASE,
)
FAILED_GENERATION = re.compile(r'"failed_generation"\s*:\s*("(?:[^"\\]|\\.)*")')


def is_chance(message: str) -> bool:
    """Whether the same request may well succeed at once."""
    return bool(CHANCE.search(message))


def failed_call(message: str) -> str:
    """The text that the provider couldn't read as a tool call; empty for none."""
    if not (found := FAILED_GENERATION.search(message)):
        return ""
    try:
        return str(json.loads(found[1]))
    except ValueError:
        return ""
