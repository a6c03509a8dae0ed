"""Tags in which models think aloud, and a filter that takes out the thoughts."""

from __future__ import annotations

import re
from itertools import chain
from string import ascii_lowercase, ascii_uppercase

__all__ = ["ThinkingFilter", "held_back"]

# https://qwen.readthedocs.io/en/latest/getting_started/concepts.html and
# https://docs.mistral.ai/capabilities/reasoning
THINKING_TAGS = {"<think>": "</think>", "<thinking>": "</thinking>", "[think]": "[/think]"}
THINKING_TAG = re.compile(
    "|".join(map(re.escape, chain(*THINKING_TAGS.items()))), re.ASCII | re.IGNORECASE
)
LONGEST_TAG = max(map(len, THINKING_TAGS.values()))
# `str.lower` makes two characters of some.
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def held_back(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a stop phrase."""
    longest = max(map(len, stops), default=0) - 1
    sizes = range(min(longest, len(text)), 0, -1)
    return next((n for n in sizes if _begins(text[-n:], stops)), 0)


class ThinkingFilter:
    """Takes out what a model thinks aloud between tags, which may come in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._close = ""  # the tag that ends the thinking under way

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text without thoughts; a piece that may become a tag is held back."""
        text, self._held = self._held + text, ""
        heard, at = [], 0
        for tag in THINKING_TAG.finditer(text):
            name = tag[0].lower()
            if name == self._close:
                at, self._close = tag.end(), ""
            elif not self._close and name in THINKING_TAGS:
                heard.append(text[at : tag.start()])
                at, self._close = tag.end(), THINKING_TAGS[name]
        rest = text[at:]
        if not final:
            tags = (self._close,) if self._close else tuple(THINKING_TAGS)
            keep = held_back(rest[-LONGEST_TAG:].translate(LOWER), tags)
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        return "".join(heard) + ("" if self._close else rest)


def _begins(text: str, tags: tuple[str, ...]) -> bool:
    return any(tag.startswith(text) for tag in tags)
