"""Where a sentence ends, what isn't said aloud, and what has been said already: on text alone."""

from __future__ import annotations

import re
from itertools import chain
from string import ascii_lowercase, ascii_uppercase

__all__ = [
    "ENDS", "MARKS", "MAX_WORDS", "WORDS", "ThinkingFilter", "count_words", "held_back",
    "split_sentences", "without_overlap", "without_wordless_end",
]  # fmt: skip

# vui's own rule (llm_stream_chunks): a sentence ends at these marks, or after 20 words.
# Nothing in it is tried twice: 32,000 full stops would take half a minute.
SENTENCE_END = re.compile(r"""(?<![.!?])[.!?]++["')\]]*+(?:\s++(?=\S)|(?=\[))""")
# vui's own does so, and looks through a run of marks once for each of them.
MARKS = re.compile(r"""([.!?"')\]]{100})[.!?"')\]]+""")
WORD = re.compile(r"\S+")
WORDS = re.compile(r"\w")  # without one of these nothing is spoken
# Characters of scripts without spaces: of Southeast Asia, Chinese and Japanese.
SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\ua4cf\uff00-\uffef]")
MAX_WORDS = 20
ENDS = ".!?"

# https://qwen.readthedocs.io/en/latest/getting_started/concepts.html and
# https://docs.mistral.ai/capabilities/reasoning
THINKING = {"<think>": "</think>", "<thinking>": "</thinking>", "[think]": "[/think]"}
TAG = re.compile(f"{'|'.join(map(re.escape, chain(*THINKING.items())))}", re.ASCII | re.IGNORECASE)
LONGEST_TAG = max(map(len, THINKING.values()))
# `str.lower` makes two characters of some.
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
# Fewer words than these in common are chance, not a repetition; unless nothing else was said, and
# they are the same to the mark: "No." and then "No problem." are two sentences.
LEAST_OVERLAP = 3


def held_back(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a stop phrase."""
    longest = max(map(len, stops), default=0) - 1
    sizes = range(min(longest, len(text)), 0, -1)
    return next((n for n in sizes if _begins(text[-n:], stops)), 0)


def split_sentences(text: str, held: int = 0) -> tuple[str, str]:
    """The whole sentences after which the next one has begun with a word, and the rest.

    What is whole ends in a space: the listener's chunker sees that more follows.

    held: characters at the end that may never be heard.
    """
    text, tail = text[: len(text) - held], text[len(text) - held :]
    last = _last_word(text)
    cut = max((at for end in SENTENCE_END.finditer(text) if (at := end.end()) < last), default=0)
    if not cut and len(words := list(WORD.finditer(text[:last]))) > MAX_WORDS:
        cut = words[MAX_WORDS].start()
    whole = text[:cut]
    return (whole if not whole or whole.endswith(" ") else whole + " "), text[cut:] + tail


def without_wordless_end(text: str) -> str:
    """A reply's end as it is spoken: not with marks or an emoji for a last sentence.

    vui would drop that, and never tell its speech synthesis that the reply is over.
    """
    end = SENTENCE_END.search(text, _last_word(text))
    return (text[: end.end()] if end else text).rstrip()


def _last_word(text: str) -> int:
    """Where the last word ends; 0 without one."""
    found = WORDS.search(text[::-1])
    return len(text) - found.start() if found else 0


def count_words(text: str) -> int:
    """Words that have begun; without spaces between them each character is one."""
    return len(SPACELESS.sub(" x ", text).split())


class ThinkingFilter:
    """Takes out what a model thinks aloud between tags, which may come in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._close = ""  # the tag that ends the thinking under way

    def feed(self, text: str, *, final: bool = False) -> str:
        """What of the text is meant to be heard; a piece that may become a tag is held back."""
        text, self._held = self._held + text, ""
        heard, at = [], 0
        for tag in TAG.finditer(text):
            name = tag[0].lower()
            if name == self._close:
                at, self._close = tag.end(), ""
            elif not self._close and name in THINKING:
                heard.append(text[at : tag.start()])
                at, self._close = tag.end(), THINKING[name]
        rest = text[at:]
        if not final:
            tags = (self._close,) if self._close else tuple(THINKING)
            keep = held_back(rest[-LONGEST_TAG:].translate(LOWER), tags)
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        return "".join(heard) + ("" if self._close else rest)


def _begins(text: str, tags: tuple[str, ...]) -> bool:
    return any(tag.startswith(text) for tag in tags)


def without_overlap(said: str, text: str, *, final: bool = False) -> str | None:
    """The continuation of what was said, without what it says again.

    None as long as the text so far repeats what was said, and may go on to.
    """
    before, words = _words(said), list(WORD.finditer(text))
    after = [_plain(word.group()) for word in words]
    if not final and after and _runs_inside(after, before):
        return None
    least = min(LEAST_OVERLAP, len(before))
    for count in range(min(len(before), len(after)), least - 1, -1):
        same = [word.group() for word in words[:count]] == said.split()[-count:]
        if before[-count:] == after[:count] and (same or count >= LEAST_OVERLAP):
            return text[words[count - 1].end() :].lstrip()
    return text


def _runs_inside(words: list[str], said: list[str]) -> bool:
    # The last word may be half of one.
    *whole, last = words
    starts = range(len(said) - len(words) + 1)
    return any(
        said[at : at + len(whole)] == whole and said[at + len(whole)].startswith(last)
        for at in starts
    )


def _words(text: str) -> list[str]:
    return [_plain(word) for word in text.split()]


def _plain(word: str) -> str:
    return re.sub(r"\W", "", word).lower() or word
