"""What the user wrote can't be used: said in the log, and spoken by the demo."""

from __future__ import annotations

import re

__all__ = ["UserError", "speakable"]

SENTENCE = re.compile(r"(?<=[.?!])\s+")
# Commands, addresses and paths are for the eye.
UNSPEAKABLE = re.compile(r"`|://|\S/\S")
NAMES = {"litellm_config.yaml": "the model file", ".env": "the env file"}


class UserError(ValueError):
    """The message names what is wrong and the cure; `spoken` is the same for the ear."""

    def __init__(self, message: str, spoken: str = "") -> None:
        super().__init__(message)
        self.spoken = speakable(spoken or message)


def speakable(text: str) -> str:
    """The sentences that can be read aloud, without quotes and underscores."""
    for name, said in NAMES.items():
        text = re.sub(rf"(?<!\S){re.escape(name)}\b", said, text)
    kept = [sentence for sentence in SENTENCE.split(text) if not UNSPEAKABLE.search(sentence)]
    plain = re.sub(r"[\"()\[\]{}<>]|(?<!\w)'|'(?!\w)", "", " ".join(kept)).replace("_", " ")
    return plain[:1].upper() + plain[1:]
