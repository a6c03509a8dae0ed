"""The ends of sentences, and the words that a continuation repeats: on text alone."""

from __future__ import annotations

import re
from itertools import islice

__all__ = [
    "END_MARKS", "MAX_WORDS", "SENTENCE_END", "WORDS", "count_words", "last_word",
    "split_sentences", "without_overlap", "without_wordless_end",
]  # fmt: skip

# vui's own rule (llm_stream_chunks): a sentence ends at these marks, or after 20 words.
# Nothing in it is tried twice: 32,000 full stops would take half a minute.
SENTENCE_END = re.compile(r"""(?<![.!?])[.!?]++["')\]]*+(?:\s++(?=\S)|(?=\[))""")
# vui's own does so, and looks through a run of marks once for each of them.
END_MARKS = re.compile(r"""([.!?"')\]]{100})[.!?"')\]]+""")
WORD = re.compile(r"\S+")
WORDS = re.compile(r"\w")  # without one of these nothing is spoken
# Characters of scripts without spaces: of Southeast Asia, Chinese and Japanese.
SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\ua4cf\uff00-\uffef]")
MAX_WORDS = 20

# Fewer words than these in common are chance, not a repetition; unless nothing else was said, and
# they are the same to the mark: "No." and then "No problem." are two sentences.
LEAST_OVERLAP = 3


def split_sentences(text: str) -> tuple[str, str]:
    """The whole sentences after which the next one has begun with a word, and the rest.

    A whole sentence ends in a space: the listener's chunker sees that more follows.
    """
    last = last_word(text)
    cut = max((at for end in SENTENCE_END.finditer(text) if (at := end.end()) < last), default=0)
    if not cut and (word := next(islice(WORD.finditer(text, 0, last), MAX_WORDS, None), None)):
        cut = word.start()
    whole = text[:cut]
    return (whole if not whole or whole.endswith(" ") else whole + " "), text[cut:]


def without_wordless_end(text: str) -> str:
    """A reply's end as it is spoken: not with marks or an emoji for a last sentence.

    vui would drop that, and its speech synthesis would never know that the reply is over.
    """
    end = SENTENCE_END.search(text, last_word(text))
    return (text[: end.end()] if end else text).rstrip()


def last_word(text: str) -> int:
    """Where the last word ends; 0 without one."""
    if text[-1:].isalnum():
        return len(text)
    found = WORDS.search(text[::-1])
    return len(text) - found.start() if found else 0


def count_words(text: str) -> int:
    """Words that have begun; without spaces between them each character is one."""
    return len((text if text.isascii() else SPACELESS.sub(" x ", text)).split())


def without_overlap(said: str, text: str, *, final: bool = False) -> str | None:
    """The continuation of a reply, without the words that it repeats.

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
