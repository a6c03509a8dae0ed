"""Why a provider's call failed, in its own words, for the log and the client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from vui_gateway.errors import Code
from vui_gateway.providers.errors import unechoed
from vui_gateway.redaction import redact

__all__ = ["UNREAD_EVENT", "own_words", "reason"]

# The provider's own message in LiteLLM's, which is JSON behind the names of a few exceptions.
OWN_WORDS = re.compile(r'"message"\s*:\s*("(?:[^"\\]|\\.)+")')
BARE_WORDS = re.compile(r'[{,]\s?"error"\s*:\s*("(?:[^"\\]|\\.)+")')  # Ollama's, xAI's
# In each, a run of characters is looked through from its beginning only: errors may be hostile.
EXCEPTION_NAMES = re.compile(r"(?:(?<!\w)(?:litellm\.)?\w{0,60}(?:Error|Exception)(?:: | - | ))+")
# What Python prints of an object without words of its own, with the name before it.
OBJECTS = re.compile(
    r"(?<!\w)\w{1,40}[:=]<[\w.]{1,100} object at 0x[0-9a-f]+>|<[^<>]{0,200} at 0x[0-9a-f]+>"
)
# Of LiteLLM's router: https://docs.litellm.ai/docs/proxy/reliability
ROUTERS_WORDS = re.compile(
    r"(?<![.\s])[.\s]*+(?:Received Model Group=|No fallback model group found|LiteLLM Retried:"
    r"|Available Model Group Fallbacks=|Model Group=).*",
    re.DOTALL,
)
# LiteLLM's, around an error of Anthropic's, of OpenRouter's, and of an event that it can't read.
UNREAD_EVENT = "Got unexpected response from"
LITELLMS_WORDS = re.compile(
    r"\.? ?Handle with `litellm\.\w{1,60}`\.?|\AMessage: |, Metadata: \{\}|, User ID:[^,\n]{0,80}"
)
IN_UNREAD = re.compile(
    rf"{UNREAD_EVENT} \w{{1,40}}: .{{0,200}}?'(?:error|message)': "
    r"(?:'([^']*)'|\"([^\"]*)\")"
)
TITLE = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)  # a proxy's page
MAX_LOOKED_AT, MAX_COMPARED, MAX_SHOWN = 20_000, 2_000, 200
# Characters of a sentence that somebody has said; a shorter one may be the provider's own words.
LEAST_SAID = 12
SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
QUOTED_WORDS = re.compile(rf"""(?<!\w)(['"`])(.{{{LEAST_SAID},}}?)(?:\1(?!\w)|\Z)""")
CUT_SHORT = re.compile(r"\s*(?:\.\.\.|…)\Z")


def own_words(message: str) -> str:
    """The provider's own words in LiteLLM's message, in one line.

    No exception's name, no object and nothing of LiteLLM's router is in it.
    """
    begin = message[:MAX_LOOKED_AT]
    words = LITELLMS_WORDS.sub("", EXCEPTION_NAMES.sub("", ROUTERS_WORDS.sub("", begin)))
    if found := OWN_WORDS.search(begin) or BARE_WORDS.search(begin):
        try:
            words = str(json.loads(found[1]))
        except ValueError:
            words = found[1]
    elif found := IN_UNREAD.search(begin):
        words = found[1] or found[2] or ""
    elif found := TITLE.search(begin):
        words = found[1]
    return " ".join(OBJECTS.sub("", words).split())


def reason(status: int, code: Code, message: str, said: Iterable[str] = ()) -> str:
    """Why a provider's call failed, in one line for the log.

    message: LiteLLM's. said: the texts of the request, no word of which may be in a log.
    """
    # Redacted before it is cut: redaction doesn't know half a credential.
    words = redact(own_words(unechoed(message)))[:MAX_COMPARED]
    words = _without([*said], words)
    words = words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"
    answer = f"{status}: {words}" if words else str(status)
    return f"{code.log} ({answer})" if code.log else answer


def _without(said: Sequence[str], words: str) -> str:
    """The words without quotes of a part of these texts, and without any sentence of them, however
    it is written.
    """
    in_one_line = [" ".join(text.split()) for text in said]

    def unquoted(found: re.Match[str]) -> str:
        part = CUT_SHORT.sub("", found[2].strip())
        return f"{found[1]}…{found[1]}" if any(part in text for text in in_one_line) else found[0]

    words = QUOTED_WORDS.sub(unquoted, words)
    for text in said:
        for line in SENTENCE_ENDS.split(text):
            sentence = " ".join(line.split())
            if len(sentence) >= LEAST_SAID:
                in_json = (json.dumps(sentence, ensure_ascii=a)[1:-1] for a in (True, False))
                for spelling in {sentence, *in_json, repr(sentence)[1:-1]}:
                    words = words.replace(spelling, "…")
    return words
