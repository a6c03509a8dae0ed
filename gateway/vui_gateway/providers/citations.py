"""Marks of sources in a text, such as `[1][2]` of Perplexity's models.

Those in Markdown are `turns/inline.py`'s.
"""

from __future__ import annotations

import re

from vui_gateway.providers.partial import begun

__all__ = ["CitationFilter", "SourceFilter", "cites"]

# https://docs.perplexity.ai/guides/search-guide; OpenRouter and others serve them, too.
CITING = re.compile(r"(?:^|/)perplexity/|(?:^|/)sonar(?:-|$)")
# A mark, with the space before it; not the text of a link. In code it is an index.
CITATION_MARK = re.compile(r" ?\[\d{1,3}\](?!\()|`+")
# A part at the end of a piece that may become one.
CITATION_PART = re.compile(r"(?: ?(?:\[\d{0,3}\]?)?|`+)\Z")

# Marks that any model may write, and no reader sees. In order: OpenAI's, between characters for
# private use (https://developers.openai.com/api/docs/guides/citation-formatting) and ChatGPT's,
# Grok's (https://github.com/kbtit25/grok2api/pull/1), and the tags of Cohere's around what has a
# source (https://huggingface.co/CohereForAI/c4ai-command-r).
SOURCE_MARK = re.compile(
    r"\ue200[^\ue200\ue201\n]{0,300}\ue201|[\ue200-\ue206]"
    r"|:contentReference\[oaicite:\d{1,4}\]\{index=\d{1,4}\}"
    r"|<grok:render\b(?:(?!</grok:render>).){0,600}</grok:render>"
    r"|</?co(?:: ?[\d:,\[\] ]{0,60})?>",
    re.DOTALL,
)
MARK_PART = re.compile(
    rf"(?:\ue200[^\ue200\ue201\n]{{0,300}}|{begun(':contentReference[oaicite:')}"
    rf"|:contentReference\[oaicite:[\d\]{{index=]{{0,20}}|{begun('<grok:render')}"
    rf"|<grok:render\b(?:(?!</grok:render>).){{0,620}}|{begun('<co')}|{begun('</co')}"
    rf"|</?co: ?[\d:,\[\] ]{{0,60}})\Z",
    re.DOTALL,
)


def cites(model: str) -> bool:
    """Whether a model marks its sources; model: LiteLLM's name of it."""
    return bool(CITING.search(model))


class SourceFilter:
    """Takes those marks out that are nothing else, of whatever model."""

    ended = False
    mark, part = SOURCE_MARK, MARK_PART  # and a beginning of one at the end of a piece

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        """The rest of the next piece; with `final` all that was held back, too."""
        text = self._held + text
        found = None if final else self.part.search(text)
        end = found.start() if found else len(text)
        text, self._held = text[:end], text[end:]
        return self.mark.sub(self._kept, text)

    def _kept(self, found: re.Match[str]) -> str:
        return ""


class CitationFilter(SourceFilter):
    """Takes the marks of Perplexity's models out of a text that comes in pieces."""

    mark, part = CITATION_MARK, CITATION_PART

    def __init__(self) -> None:
        super().__init__()
        self._code = False

    def _kept(self, found: re.Match[str]) -> str:
        if found[0].startswith("`"):
            self._code = not self._code
        return found[0] if self._code or found[0].startswith("`") else ""
