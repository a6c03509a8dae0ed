"""Roles of a chat template whose tokens a server left out: a line that is "assistant" alone."""

from __future__ import annotations

import re

from vui_gateway.providers.mentions import last_before
from vui_gateway.providers.partial import begun

__all__ = ["RoleFilter"]

# A role stands right behind a sentence, or on a line of its own. A list of roles follows a colon.
OWN_ROLES, OTHER_ROLES = ("assistant", "model"), ("user", "system")
SENTENCE_CLOSERS, EDGES = ".!?…)\"'”。！？", ".!?…\n"
_OWN = "|".join(OWN_ROLES)
_HEADING = r"#{2,4} (?:User|Human|Instruction|Assistant|Response):"
_LINE = rf"(?:(?P<own>{_OWN})|{'|'.join(OTHER_ROLES)})[ \t]{{0,2}}"
BARE_ROLE = re.compile(rf"(?<![^{EDGES}])(?:{_LINE}\n|Human:[ \n]|{_HEADING})")
ROLE_AT_END = re.compile(rf"(?<![^{EDGES}])(?:{_LINE}(?:\n|\Z)|Human:[ \n]|{_HEADING})")
MAY_GO_ON = re.compile(
    rf"(?<![^{EDGES}])(?:(?:{'|'.join(map(begun, (*OWN_ROLES, *OTHER_ROLES)))})[ \t]{{0,2}}"
    rf"|{begun('Human:')}|#{{1,4}}(?: [A-Za-z]{{0,11}})?)\Z"
)
ROLE_BEGINS = re.compile(rf"[{EDGES}][amusH#]")


class RoleFilter:
    """Ends a reply where another turn begins; takes the model's own role out before its first word.

    Attributes:
        ended: another turn has begun.
    """

    def __init__(self) -> None:
        self.ended = False
        self._held, self._before = "", "\n"  # _before: the last characters before what is held

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text until another turn; a piece that may become a role is held back."""
        if self.ended:
            return ""
        if not (self._held or final or self._before[-1] in EDGES or ROLE_BEGINS.search(text)):
            self._before = last_before(self._before, text, len(text))
            return text
        text, self._held = self._held + text, ""
        at = 0
        for role in (ROLE_AT_END if final else BARE_ROLE).finditer(text):
            if not role.start() and self._before[-1] not in EDGES:
                continue
            sentence = (self._before + text[: role.start()]).rstrip()[-1:]
            if not sentence and role["own"]:
                at = role.end()
            elif sentence and sentence in SENTENCE_CLOSERS:
                self.ended = True
                return text[at : role.start()]
        rest = text[at:]
        if not final and (begins := MAY_GO_ON.search(rest)):
            edge = begins.start() or at or self._before[-1] in EDGES
            keep = len(begins[0]) if edge else 0
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        self._before = last_before(self._before, rest, len(rest))
        return rest
