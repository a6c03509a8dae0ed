"""Tags in which models think aloud, names of models that do, and a filter for the thoughts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

from vui_gateway.providers.mentions import NEEDED_BEFORE, mention

__all__ = [
    "CHANNEL", "CLOSING_TAGS", "FOLD", "THINKING_TAGS", "ThinkingFilter", "held_back", "prefixes",
    "thinks_aloud",
]  # fmt: skip

# https://qwen.readthedocs.io/en/latest/getting_started/concepts.html,
# https://docs.mistral.ai/capabilities/reasoning and the templates of other models
TAG_NAMES = (
    "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis",
    "scratchpad", "rationale", "monologue", "inner_monologue", "internal_monologue",
    "inner_thoughts", "inner_thought", "chain_of_thought", "cot", "deliberation",
    "antthinking", "seed:think", "seed:cot_budget_reflect", "longcat_think", "mm:think",
    "thinking_process", "thought_process", "internal_thoughts", "self_reflection",
)  # fmt: skip
PIPED_TAGS = {
    "begin_of_thought": "end_of_thought", "start_of_thought": "end_of_thought",
    "begin_of_thinking": "end_of_thinking", "start_of_thinking": "end_of_thinking",
    "begin_thinking": "end_thinking", "start_thinking": "end_thinking",
    "thinking_start": "thinking_end", "think_start": "think_end", "begin_think": "end_think",
    "start_think": "end_think", "thought_start": "thought_end", "begin_thought": "end_thought",
    "begin_of_reasoning": "end_of_reasoning", "start_of_reasoning": "end_of_reasoning",
    "reasoning_start": "reasoning_end", "start_reasoning": "end_reasoning",
    "startofthink": "endofthink", "inner_prefix": "inner_suffix", "think": "/think",
    "thinking": "/thinking", "thought": "/thought", "reasoning": "/reasoning",
}  # fmt: skip
THINKING_TAGS = {
    **{f"<{name}>": f"</{name}>" for name in TAG_NAMES},
    **{f"<|{name}|>": f"<|{end}|>" for name, end in PIPED_TAGS.items()},
    "[think]": "[/think]",
    "<unused94>": "<unused95>",  # MedGemma
    "◁think▷": "◁/think▷",
    "<|channel>": "<channel|>",  # Gemma 4
}
# Closed by each other's tags, too: models mix them up.
ALIKE = {"unused95": "unused94", "thinking": "think", "thoughts": "thought", "reason": "reasoning"}
CLOSING_TAGS = frozenset(THINKING_TAGS.values())
# https://cookbook.openai.com/articles/openai-harmony: each message has a channel, and only "final"
# is for the user. The name may be followed by a recipient and a type.
CHANNEL, MESSAGE = "<|channel|>", "<|message|>"
HARMONY = "harmony"
ENDS_MESSAGE = ("<|end|>", "<|start|>", "<|return|>", "<|call|>")
MOST_HEADER = 160  # characters
# A server may leave out the control tokens and keep the names.
BARE_OPEN, BARE_CLOSE = re.compile(r"analysis(?=[A-Z])"), "assistantfinal"
MARKER = re.compile(
    r"<(?:\|channel\|>(?P<channel>[^|]{0,60}(?:<\|constrain\|>[^|]{0,20})?)<\|message\|>"
    r"|[/|]{0,2}[a-z][\w:/]{1,24}\|?>)|\[/?think\]|◁/?think▷|(?-i:assistantfinal)",
    re.ASCII | re.IGNORECASE,
)
TAG_BEGINS = re.compile(r"[<\[◁]")
# Tags are compared in lower case, with ASCII's pipes and underscores; as long as before, which
# `str.lower` doesn't keep.
FOLD = str.maketrans(f"{ascii_uppercase}｜▁", f"{ascii_lowercase}|_")

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


def prefixes(tags: Iterable[str]) -> frozenset[str]:
    """All that a tag may begin with, the whole one left out."""
    return frozenset(tag[:size] for tag in tags for size in range(1, len(tag)))


def _family(name: str) -> str:
    bare = name.strip("<>|[]◁▷/")
    bare = PIPED_TAGS.get(bare, bare).strip("/")
    return ALIKE.get(bare, bare)


# Whether a tag closes, and which thinking.
TAGS = {
    **{tag: (False, _family(tag)) for tag in THINKING_TAGS},
    **{tag: (True, _family(tag)) for tag in CLOSING_TAGS},
    **dict.fromkeys((*ENDS_MESSAGE, BARE_CLOSE), (True, HARMONY)),
}
NOT_OURS = ENDS_MESSAGE[1:]
TAGS |= {tag.upper(): found for tag, found in TAGS.items() if tag != BARE_CLOSE}
PREFIXES = prefixes((*THINKING_TAGS, *CLOSING_TAGS, *ENDS_MESSAGE, CHANNEL))
LONGEST_TAG = max(map(len, PREFIXES))


def held_back(tail: str, starts: frozenset[str], begins: re.Pattern[str]) -> int:
    """How many characters at the end may be the beginning of a tag or a phrase.

    tail: of the text, as long as the longest of them, and in their case. starts: `prefixes`.
    begins: finds where one may begin.
    """
    found = (len(tail) - at.start() for at in begins.finditer(tail) if tail[at.start() :] in starts)
    return next(found, 0)


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

    def separate(self) -> None:
        """The server separates the thoughts: the text is none."""
        if self._implicit and not "".join(self._thoughts).strip():
            self._implicit, self._family = False, ""

    def feed(self, text: str, *, final: bool = False, lost: bool = False) -> str:
        """The text without thoughts; a piece that may become a tag is held back.

        lost: with `final`, thinking that was opened and not closed is left out, since it was cut
        off; else it is said, since there is nothing else.
        """
        if (
            not (self._held or self._family or final)
            and self._begun
            and not TAG_BEGINS.search(text)
        ):
            self._before = (self._before + text)[-NEEDED_BEFORE:]
            return text
        text, self._held = self._held + text, ""
        heard: list[str] = []
        at, stop = self._bare(text, final=final), len(text)
        if at < 0:
            self._held = text
            return ""
        for tag in MARKER.finditer(text, at):
            name = tag[0]
            closes, family = TAGS.get(name) or TAGS.get(name.translate(FOLD)) or _channel(tag)
            channel, under_way = tag.lastgroup is not None, self._family
            if family == HARMONY and not channel:
                ours = under_way == HARMONY
            elif closes or channel:
                ours = under_way in ("", "any", family)
            else:
                ours = not under_way
            if not (ours and family):
                continue
            if not (under_way or channel):
                spoken_of = mention(self._before, text, *tag.span(), final=final)
                if spoken_of is None:
                    stop = tag.start()
                    break
                if spoken_of:
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
                at -= len(MESSAGE) * channel
            else:
                self._family, self._opened, self._thoughts = family, True, []
        rest = text[at:]
        if not final:
            keep = len(text) - stop or self._may_go_on(rest)
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        self._before = (self._before + text[: len(text) - len(self._held)])[-NEEDED_BEFORE:]
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

    def _bare(self, text: str, *, final: bool) -> int:
        """Where to begin: behind a bare name of a channel; -1 while it may become one."""
        if self._begun:
            return 0
        start = len(text) - len(text.lstrip())
        word = text[start:]
        if not final and any(name.startswith(word) for name in ("analysis", BARE_CLOSE)):
            return -1
        self._begun = True
        if word.startswith(BARE_CLOSE):
            return start + len(BARE_CLOSE)
        if found := BARE_OPEN.match(word):
            self._family, self._opened = HARMONY, True
            return start + found.end()
        return 0

    def _may_go_on(self, rest: str) -> int:
        """How many characters at the end may be the beginning of a tag."""
        header = rest.rfind(CHANNEL, max(0, len(rest) - MOST_HEADER))
        if header >= 0 and MESSAGE not in rest[header:]:
            return len(rest) - header
        own = held_back(rest[-LONGEST_TAG:].translate(FOLD), PREFIXES, TAG_BEGINS)
        return own or (_bare_close(rest) if self._family == HARMONY else 0)


def _channel(tag: re.Match[str]) -> tuple[bool, str]:
    """Whether a message is for the user, and closes what came before; no family for no tag."""
    if tag["channel"] is None:
        return False, ""
    return tag["channel"].strip().startswith("final"), HARMONY


def _bare_close(text: str) -> int:
    sizes = range(min(len(text), len(BARE_CLOSE) - 1), 0, -1)
    return next((n for n in sizes if BARE_CLOSE.startswith(text[-n:])), 0)
