"""Tags in which models think aloud, names of models that do, and a filter for the thoughts."""

from __future__ import annotations

import functools
import re

from vui_gateway.providers import harmony
from vui_gateway.providers.harmony import BARE_FINAL, ENDS_MESSAGE, HARMONY
from vui_gateway.providers.mentions import last_before, mention
from vui_gateway.providers.partial import FOLD, begun

__all__ = ["ThinkingFilter", "thinks_aloud"]

# https://qwen.readthedocs.io/en/latest/getting_started/concepts.html,
# https://docs.mistral.ai/capabilities/reasoning and the templates of other models: each has names
# of its own, and models mix them up. A word of the name tells; in brackets it is the name.
THINK = "think"
_WORD = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion)?|monologue|scratch_?pad)"
_MORE = rf"(?:{_WORD}|analysis|rationale|deliberation|cot|(?:start|end)of{_WORD}|ant{_WORD})"
NAMED_TAG = re.compile(
    rf"<[/|]{{0,2}}(?!no[_-])(?:[a-z0-9]+[_:-])*?{_MORE}(?:[_:][a-z0-9]+)*\|?>|\[/?think\]|◁/?{_WORD}▷"
)
CLOSES = re.compile(r"^[^a-z]*/|(?<![a-z])end(?:of|(?![a-z]))")
ODD_TAGS = {
    "<|inner_prefix|>": (False, "inner"), "<|inner_suffix|>": (True, "inner"),
    "<unused94>": (False, "unused"), "<unused95>": (True, "unused"),  # MedGemma
    "<|channel>": (False, "channel"), "<channel|>": (True, "channel"),  # Gemma 4
}  # fmt: skip
# ReAct's thought ends at one of these: https://arxiv.org/abs/2210.03629
REACT, THOUGHT, THOUGHT_ENDS = "react", "Thought: ", ("Action:", "Final Answer:")
THOUGHT_ENDING = re.compile(rf"(?:{'|'.join(map(begun, THOUGHT_ENDS))})\Z")
PHRASE, PHRASE_ENDS = "Here are my reasoning steps:", "[begin final response]"
_NAME = r"[/|｜]{0,2}[a-z][\w:/▁-]{0,40}"
MARKER = re.compile(
    r"<(?:\|channel\|>(?P<channel>[^|]{0,60}(?:<\|constrain\|>[^|]{0,20})?)<\|message\|>"
    rf"|{_NAME}[|｜]?(?:\s{{1,4}}(?:[\w-]{{1,20}}\s?=[^<>\[]{{0,80}})?/?)?>)|\[/?[a-z]{{5,10}}\]"
    r"|\[begin final response\]|◁/?[a-z]{5,10}▷|(?-i:assistantfinal|Action:|Final Answer:)",
    re.ASCII | re.IGNORECASE,
)
# Behind a tag's name: space, attributes, the slash of an empty element; and how a tag begins.
LOOSE = re.compile(r"(?:/|\s[^>]*)>\Z")
MARKER_BEGINS = re.compile(
    rf"(?:<(?:[/|｜]{{0,2}}|{_NAME}(?:[|｜/]|\s{{1,4}}(?:[\w-]{{1,20}}\s?(?:=[^<>\[]{{0,80}})?)?/?)?)"
    rf"|\[(?:/?[a-z]{{0,10}}|{begun(PHRASE_ENDS[1:])})|◁/?[a-z]{{0,10}})\Z",
    re.ASCII | re.IGNORECASE,
)
MOST_LOOSE = 160  # characters
# A reply may begin in thinking without a tag. Apriel has a phrase:
# https://huggingface.co/ServiceNow-AI
OPENED_BARE = re.compile(
    rf"{harmony.BARE_CHANNEL}|(?P<any>{PHRASE}|analysis\n)|(?P<{REACT}>{THOUGHT})"
)
MAY_BE_TAG = re.compile(rf"[<\[◁]|{harmony.BARE_FINAL_BEGINS}")
# Names of models that can't but think; "gpt-oss" has channels instead.
THINKER = re.compile(
    r"(?<![a-z0-9])(?<!non[-_])(?<!no[-_])(?:r1|qwq|qvq|magistral|think|thinker|thinking|reasoner|"
    r"reasoning|deepthink|exaone-deep|marco-o1|skywork-o1|glm-z1|openthinker\d?|smallthinker|"
    r"deepseek-?r1)(?![a-z])",
    re.IGNORECASE,
)


def thinks_aloud(model: str) -> bool:
    """Whether a model's name says that it thinks before each answer."""
    return bool(THINKER.search(model))


# Whether a tag closes, and which thinking.
TAGS = {
    **ODD_TAGS, PHRASE_ENDS: (True, THINK),
    **dict.fromkeys((*ENDS_MESSAGE, BARE_FINAL), (True, HARMONY)),
    **dict.fromkeys(THOUGHT_ENDS, (True, REACT)),
}  # fmt: skip
NOT_OURS = (*ENDS_MESSAGE[1:], THOUGHT_ENDS[0])


@functools.lru_cache(256)
def _known(tag: str) -> tuple[bool, str]:
    """Whether a tag closes, and which thinking; no family for another tag."""
    if found := TAGS.get(tag):
        return found
    tag = LOOSE.sub(">", tag).translate(FOLD)
    if NAMED_TAG.fullmatch(tag):
        return bool(CLOSES.search(tag)), THINK
    return TAGS.get(tag, (False, ""))


class ThinkingFilter:
    """Takes out what a model thinks aloud, whose tags may come in pieces.

    Attributes:
        unopened: thinking was closed that wasn't opened: all text until then was thinking.
        closed: thinking was closed at least once.
        thought: characters that were thinking.

    Args:
        opened: the reply begins in thinking, which its prompt has opened.
    """

    ended = False

    def __init__(self, *, opened: bool = False) -> None:
        self.unopened = self.closed = False
        self.thought = 0
        self._implicit, self._opened = opened, False  # opened: by a tag
        self._held = self._before = ""  # before: the last characters before what is held
        self._family = "any" if opened else ""  # of the thinking under way
        self._thoughts: list[str] = []  # of it
        self._begun = self._spoke = False
        self._spoken_of: set[str] = set()  # thinking whose tag a sentence names

    def separate(self) -> None:
        """The server separates the thoughts: the text is none."""
        if self._implicit and not "".join(self._thoughts).strip():
            self._implicit, self._family = False, ""

    def feed(self, text: str, *, final: bool = False, lost: bool = False) -> str:
        """The text without thoughts; a piece that may become a tag is held back.

        lost: with `final`, thinking that was opened and not closed is left out, since it was cut
        off; else it is said, since there is nothing else.
        """
        waits = self._held or self._family or final or not self._begun
        if not waits and not MAY_BE_TAG.search(text):
            self._before = last_before(self._before, text, len(text))
            return text
        text, self._held = self._held + text, ""
        heard: list[str] = []
        at, stop = self._bare(text, final=final), len(text)
        if at < 0:
            self._held = text
            return ""
        for tag in MARKER.finditer(text, at):
            name = tag[0]
            to, under_way = tag["channel"], self._family
            channel = to is not None
            closes, family = (harmony.is_final(to), HARMONY) if channel else _known(name)
            empty = name.endswith("/>")  # it closes as models write it, else it means nothing
            closes = closes or (empty and bool(under_way))
            ours: bool | None
            if family == REACT:
                ours = under_way == REACT
            elif family == HARMONY and not channel:
                ours = under_way == HARMONY or self._closes_unopened(text, tag, final=final)
                if ours is None:
                    stop = tag.start()
                    break
            elif closes or channel:
                ours = under_way in ("", "any", family)
            else:
                ours = not under_way
            named = closes and not under_way and family in self._spoken_of
            if named or not (ours and family):
                continue
            if not (under_way or channel):
                spoken_of = mention(self._before, text, *tag.span(), final=final)
                if spoken_of is None:
                    stop = tag.start()
                    break
                if spoken_of:
                    self._spoken_of.add(family)
                    continue
            if at < tag.start():
                self._add(text[at : tag.start()], heard)
            # The role before a channel, and behind a message, is another filter's: it ends there.
            at = tag.start() if name in NOT_OURS else tag.end()
            if closes:
                if not (self._opened or self._implicit or self.closed or channel):
                    heard.clear()
                    self.unopened = self._spoke
                self._family, self.closed = "", True
                at -= len(harmony.MESSAGE) * channel
            else:
                self._family, self._opened, self._thoughts = "" if empty else family, True, []
        rest = text[at:]
        if not final:
            keep = len(text) - stop or self._may_go_on(rest)
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        self._before = last_before(self._before, text, len(text) - len(self._held))
        self._add(rest, heard)
        if final and self._family not in ("", HARMONY) and (self._implicit or not lost):
            heard += self._thoughts
        return "".join(heard)

    def _add(self, text: str, heard: list[str]) -> None:
        if not text:
            return
        if self._family:
            self.thought += len(text)
            self._thoughts.append(text)
        else:
            heard.append(text)
            self._spoke = self._spoke or not text.isspace()

    def _closes_unopened(self, text: str, tag: re.Match[str], *, final: bool) -> bool | None:
        """Whether it closes gpt-oss' thoughts that no tag opened; None: more must come first."""
        if self.closed or self._family not in ("", "any"):
            return False
        before = text[tag.start() - 1] if tag.start() else self._before[-1:]
        return harmony.closes_unopened(tag[0], before, text[tag.end() :], final=final)

    def _bare(self, text: str, *, final: bool) -> int:
        """Where to begin: behind a bare name of a channel; -1 while it may become one."""
        if self._begun:
            return 0
        start = len(text) - len(text.lstrip())
        word = text[start:]
        if not final and (
            PHRASE.startswith(word) or THOUGHT.startswith(word) or harmony.reply_begins(word)
        ):
            return -1
        self._begun = True
        if not (found := OPENED_BARE.match(word)):
            return 0
        if not found.lastgroup:
            return start + found.end()
        self._family, self._opened = found.lastgroup, True
        return 0

    def _may_go_on(self, rest: str) -> int:
        """How many characters at the end may be the beginning of a tag."""
        begins = MARKER_BEGINS.search(rest, max(0, len(rest) - MOST_LOOSE))
        own = harmony.header_begins(rest) or (len(begins[0]) if begins else 0)
        if self._family == REACT and not own:
            own = len(ending[0]) if (ending := THOUGHT_ENDING.search(rest)) else 0
        return own or harmony.bare_final_begins(rest)
