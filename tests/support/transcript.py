"""What a listener may hear of a reply: one whole answer, or some sentences and why it ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from vui_litellm.errors import SENTENCES

__all__ = ["assert_transcript"]

_END = re.compile(r"""[.!?]+["')\]]*(?=\s|\[|$)""")
_LONGEST = 20  # words without a full stop, after which vui and the gateway cut


def assert_transcript(
    chunks: Iterable[tuple[str, bool]], answers: Iterable[str], *, may_fail: bool = False
) -> str:
    """What was heard, when it is one of these:

    - One of the answers, whole; or the first sentences of one, and then another from where that
      goes on, to its end: none is repeated, none is missing. The last chunk alone is final.
    - With `may_fail`: any number of first sentences of such a one, but not all, and then one of
      the sentences that vui-litellm says itself. No chunk is final.

    Args:
        chunks: what `llm_stream_chunks` yielded until it ended or raised.
        answers: what each deployment says if nothing stops it; no sentence twice in the same.

    Raises:
        AssertionError: it is something else; with what was heard and what might have been.
    """
    heard, whole = list(chunks), [_sentences(answer) for answer in answers]
    text, finals = " ".join(chunk for chunk, _ in heard), [final for _, final in heard]
    story = f"\nheard: {heard}\nanswers: {whole}"
    said = _sentences(text)
    repeated = [sentence for sentence in {*said} - _SPOKEN if said.count(sentence) > 1]
    assert not repeated, f"repeated: {repeated}{story}"
    if any(sentence in _SPOKEN for sentence in said):
        assert may_fail, f"a failure was spoken{story}"
        failure = said.pop()
        assert failure in _SPOKEN, f"something follows a failure{story}"
        assert not _SPOKEN & {*said}, f"two failures were spoken{story}"
        assert not any(finals), f"a chunk of a failed reply is final{story}"
        assert not _is_whole(said, whole), f"a failure follows a whole answer{story}"
        assert _is_begun(said, whole), f"a failure follows what no answer begins with{story}"
        return text
    assert said, f"nothing was heard{story}"
    assert _is_whole(said, whole), f"it isn't one whole answer{story}"
    only_last = [False] * (len(heard) - 1) + [True]
    assert finals == only_last, f"not the last chunk alone is final{story}"
    return text


def _sentences(text: str) -> list[str]:
    """The words of each: a chunk may have lost a comma, and got a full stop."""
    pieces = _END.sub("\n", " ".join(text.split())).split("\n")
    return [words for piece in pieces if (words := " ".join(re.findall(r"\w+", piece.lower())))]


_SPOKEN = {words for sentence in SENTENCES for words in _sentences(sentence)}


def _is_whole(said: list[str], answers: Sequence[list[str]]) -> bool:
    return bool(said) and any(ended for at, ended in _parts(said, answers) if at == len(said))


def _is_begun(said: list[str], answers: Sequence[list[str]]) -> bool:
    if not said or any(at == len(said) for at, _ in _parts(said, answers)):
        return True
    *before, last = said
    if len(last.split()) % _LONGEST:
        return False
    starts = {0, *(at for at, _ in _parts(before, answers))}
    rests = (_rest(before, answer) for answer in answers if len(before) in starts)
    return any(rest and rest[0].startswith(last + " ") for rest in rests)


def _parts(said: list[str], answers: Sequence[list[str]]) -> Iterator[tuple[int, bool]]:
    """How many sentences the answers account for, and whether the last of them has ended."""
    reached, todo = {0}, [0]
    while todo:
        start = todo.pop()
        for answer in answers:
            rest = _rest(said[:start], answer)
            for count, sentence in enumerate(rest, 1):
                at = start + count
                if at > len(said) or said[at - 1] != sentence:
                    break
                yield at, count == len(rest)
                if count < len(rest) and at not in reached:
                    reached.add(at)
                    todo.append(at)


def _rest(said: list[str], answer: list[str]) -> list[str]:
    """What an answer adds to what was said: without the beginning that was said already."""
    counts = range(min(len(said), len(answer)), 0, -1)
    return answer[next((n for n in counts if said[-n:] == answer[:n]), 0) :]
