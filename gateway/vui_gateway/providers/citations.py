"""Marks of sources in a text, such as `[1][2]` of Perplexity's models."""

from __future__ import annotations

import re

__all__ = ["CitationFilter", "cites"]

# https://docs.perplexity.ai/guides/search-guide; OpenRouter and others serve them, too.
CITING = re.compile(r"(?:^|/)perplexity/|(?:^|/)sonar(?:-|$)")
# A mark, with the space before it; not the text of a link. In code it is an index.
CITATION_MARK = re.compile(r" ?\[\d{1,3}\](?!\()|`+")
# At the end of a piece: what may become one.
CITATION_PART = re.compile(r"(?: ?(?:\[\d{0,3}\]?)?|`+)\Z")


def cites(model: str) -> bool:
    """Whether a model marks its sources; model: LiteLLM's name of it."""
    return bool(CITING.search(model))


class CitationFilter:
    """Takes the marks out of a text that comes in pieces."""

    ended = False

    def __init__(self) -> None:
        self._held = ""
        self._code = False

    def feed(self, text: str, *, final: bool = False) -> str:
        """The rest of the next piece; with `final` all that was held back, too."""
        text = self._held + text
        found = None if final else CITATION_PART.search(text)
        end = found.start() if found else len(text)
        text, self._held = text[:end], text[end:]
        return CITATION_MARK.sub(self._kept, text)

    def _kept(self, found: re.Match[str]) -> str:
        if found[0].startswith("`"):
            self._code = not self._code
        return found[0] if self._code or found[0].startswith("`") else ""
