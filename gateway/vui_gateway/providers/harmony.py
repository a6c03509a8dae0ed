"""The format of gpt-oss: channels of messages, also where a server left out their tokens.

https://cookbook.openai.com/articles/openai-harmony: only the channel "final" is for the user.
"""

from __future__ import annotations

__all__ = [
    "BARE_FINAL", "CHANNEL", "ENDS_MESSAGE", "HARMONY", "MESSAGE", "bare_final_begins",
    "header_begins", "is_final",
]  # fmt: skip

HARMONY = "harmony"
# A channel's name may be followed by a recipient and a type.
CHANNEL, MESSAGE = "<|channel|>", "<|message|>"
ENDS_MESSAGE = ("<|end|>", "<|start|>", "<|return|>", "<|call|>")
MOST_HEADER = 160  # characters
# A server may leave out the tokens and keep the names.
BARE_FINAL = "assistantfinal"


def is_final(channel: str) -> bool:
    """Whether a message is for the user, and closes the thoughts before it."""
    return channel.strip().startswith("final")


def header_begins(text: str) -> int:
    """How many characters at the end are a message's header without its end."""
    at = text.rfind(CHANNEL, max(0, len(text) - MOST_HEADER))
    return len(text) - at if at >= 0 and MESSAGE not in text[at:] else 0


def bare_final_begins(text: str) -> int:
    """How many characters at the end may be the beginning of the bare name of the answer."""
    sizes = range(min(len(text), len(BARE_FINAL) - 1), 0, -1)
    return next((n for n in sizes if BARE_FINAL.startswith(text[-n:])), 0)
