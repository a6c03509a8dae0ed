"""Roles of a chat template whose tokens a server left out: a line that is "assistant" alone."""

from __future__ import annotations

import re

from vui_gateway.providers.mentions import last_before
from vui_gateway.providers.partial import begun

__all__ = ["RoleFilter"]

# A role stands on a line of its own behind a sentence, and several words follow: no list of words.
# Llama's own may stand right behind the sentence, with an empty line behind it.
SENTENCE_CLOSERS, EDGES = ".!?…)\"'”。！？", ".!?…\n"
_FOLLOWED = r"[ \t]{0,2}\n{1,3}(?=\S{1,40} )"
BARE_ROLE = re.compile(
    rf"(?<![^{EDGES}])(?:(?<![^\n])(?:assistant|user){_FOLLOWED}|assistant\n\n(?=\S{{1,40}} )"
    r"|(?<![^\n])#{2,4} (?:User|Human):)"
)
OWN_FIRST = re.compile(rf"\s{{0,8}}(?:assistant|model){_FOLLOWED}")
_NEXT = r"[ \t]{0,2}(?:\n{1,3}\S{0,40})?"
OWN_FIRST_PARTIAL = re.compile(
    rf"\s{{0,8}}(?:{begun('assistant')}|{begun('model')}|(?:assistant|model){_NEXT})?"
)
MAY_GO_ON = re.compile(
    rf"(?<![^{EDGES}])(?:{begun('assistant')}|{begun('user')}|(?:assistant|user){_NEXT}"
    r"|#{1,4}(?: [A-Za-z]{0,5})?)\Z"
)
ROLE_BEGINS = re.compile(rf"[{EDGES}][au#]")


class RoleFilter:
    """Ends a reply where another turn begins; takes the model's own role out before its first word.

    Attributes:
        ended: another turn has begun.
    """

    def __init__(self) -> None:
        self.ended = self._begun = False
        self._held = self._before = ""  # _before: the last characters before what is held

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text until another turn; a piece that may become a role is held back."""
        if self.ended:
            return ""
        if not self._begun:
            text, self._held = self._held + text, ""
            if not final and OWN_FIRST_PARTIAL.fullmatch(text):
                self._held = text
                return ""
            own = OWN_FIRST.match(text)
            text, self._begun = text[own.end() :] if own else text, True
        elif not (self._held or self._before[-1:] in EDGES or ROLE_BEGINS.search(text)):
            self._before = last_before(self._before, text, len(text))
            return text
        text, self._held = self._held + text, ""
        begin = len(self._before)
        for role in BARE_ROLE.finditer(self._before + text, begin):
            sentence = (self._before + text)[: role.start()].rstrip()[-1:]
            if sentence and sentence in SENTENCE_CLOSERS:
                self.ended = True
                return text[: role.start() - begin]
        if not final and (going_on := MAY_GO_ON.search(self._before + text, begin)):
            at = going_on.start() - begin
            text, self._held = text[:at], text[at:]
        self._before = last_before(self._before, text, len(text))
        return text
