"""The format of gpt-oss: channels of messages, also where a server left out their tokens.

https://cookbook.openai.com/articles/openai-harmony: only the channel "final" is for the user.
"""

from __future__ import annotations

import re

from vui_gateway.providers.partial import begun

__all__ = [
    "BARE_CHANNEL", "BARE_FINAL", "BARE_FINAL_BEGINS", "CHANNEL", "ENDS_MESSAGE", "HARMONY",
    "MESSAGE", "RECIPIENT", "bare_final_begins", "closes_unopened", "header_begins", "is_final",
    "reply_begins",
]  # fmt: skip

HARMONY = "harmony"
# A channel's name may be followed by a recipient and a type.
CHANNEL, MESSAGE, RECIPIENT = "<|channel|>", "<|message|>", "to=functions."
ENDS_MESSAGE = ("<|end|>", "<|start|>", "<|return|>", "<|call|>")
OWN_TURN = "<|start|>assistant"
MOST_HEADER = 160  # characters
# A server may leave out the tokens and keep the names.
BARE_FINAL = "assistantfinal"
# How a reply begins whose prompt has opened its header, or whose server left out tokens. No word
# begins so. A name without a group is left out.
_TO = r"to=[\w.:-]{1,80} ?"
BARE_CHANNEL = (
    rf"{BARE_FINAL}|final(?:(?=[A-Z])|<\|message\|>)|(?:assistant ?(?:{_TO})?|{_TO})(?=<\|channel)"
    rf"|(?P<{HARMONY}>(?:assistant)?analysis(?=[^\W\d_])|(?:assistant)?commentary(?=[A-Z])"
    r"|(?:analysis|commentary)<\|message\|>)"
)
BARE_NAMES = (
    "final<|message|>", "assistantanalysis", "assistantcommentary", BARE_FINAL,
    "analysis<|message|>", "commentary<|message|>",
)  # fmt: skip
TO_BEGINS = re.compile(rf"(?:assistant ?)?(?:to?|to=[\w.:-]{{0,80}} ?)?(?:{begun('<|channel')})?\Z")
FINAL_BEGINS = re.compile(rf"{begun(BARE_FINAL)}\Z")
# The bare name of the answer stands right behind a sentence or a call.
FINAL_FOLLOWS = ".!?…:)}\n。！？"
BARE_FINAL_BEGINS = rf"a(?<![^{FINAL_FOLLOWS}]a)(?:{BARE_FINAL[1:]}|(?:{begun(BARE_FINAL[1:])})?\Z)"


def is_final(channel: str) -> bool:
    """Whether a message is for the user, and closes the thoughts before it."""
    return channel.strip().startswith("final")


def closes_unopened(name: str, before: str, after: str, *, final: bool) -> bool | None:
    """Whether a name closes thoughts that its prompt opened; None where more must come first.

    before, after: the character before it, and the text after it.
    """
    if name == BARE_FINAL:
        return before in FINAL_FOLLOWS
    if name != ENDS_MESSAGE[0]:
        return False
    after = after.lstrip()
    if not final and OWN_TURN.startswith(after):
        return None
    return after.startswith(OWN_TURN)


def reply_begins(word: str) -> bool:
    """Whether a reply that begins so far may be `BARE_CHANNEL`."""
    return bool(TO_BEGINS.match(word)) or any(name.startswith(word) for name in BARE_NAMES)


def header_begins(text: str) -> int:
    """How many characters at the end are a message's header without its end."""
    at = text.rfind(CHANNEL, max(0, len(text) - MOST_HEADER))
    return len(text) - at if at >= 0 and MESSAGE not in text[at:] else 0


def bare_final_begins(text: str) -> int:
    """How many characters at the end may be the beginning of the bare name of the answer."""
    found = FINAL_BEGINS.search(text)
    return len(found[0]) if found else 0
