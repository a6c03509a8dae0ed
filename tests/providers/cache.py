"""The prompt caches that providers keep, by the rules that they document, and what they bill.

Every provider's tokens are counted by one rule, GPT-4o's tokenizer (o200k), the one that LiteLLM
brings along: nothing is fetched. Where a rule isn't published, the comment beside it says what is
taken instead; it holds for whoever asks.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest.mock import patch

__all__ = [
    "HOUR", "Bill", "Block", "InvalidMarks", "Prompt", "PromptCache", "Rule", "check_marks",
    "count", "mark_of",
]  # fmt: skip

MINUTES, HOUR = 60.0, 3600.0
LIFETIMES = {"5m": 5 * MINUTES, "1h": HOUR, "30m": 30 * MINUTES}
ROUTING = 256  # tokens by whose hash OpenAI chooses a machine


class InvalidMarks(ValueError):
    """The real API refuses a request that is marked like this, with 400."""


@dataclass(frozen=True)
class Rule:
    """How one model's prompts are cached.

    Attributes:
        source: where the provider says so.
        least: tokens of the shortest prefix that is kept; shorter ones silently aren't.
        lifetime: seconds since it was last used, without a mark that says otherwise.
        step: a hit is cut to a multiple of so many tokens.
        kind: `blocks` ends at marks, `prefix` wherever two prompts part, `units` where an earlier
            prompt ended, or parted from another one.
        tools_first: the tools come before the system prompt, not after it.
        hits: share of the calls that reach the machine with their prefix, without and with a key.
        look_back: blocks before a mark, itself included, of which one may be found.
        last_marked: the prompt's end is marked by the provider.
    """

    source: str
    least: int
    lifetime: float = 5 * MINUTES
    step: int = 1
    kind: str = "prefix"
    tools_first: bool = True
    hits: tuple[float, float] = (1.0, 1.0)
    look_back: int = 20
    last_marked: bool = False


@dataclass(frozen=True)
class Block:
    """A piece of a prompt; `mark` is the lifetime of the prefix that it ends."""

    text: str
    mark: str | None = None


@dataclass(frozen=True)
class Prompt:
    """What a model gets to read, and the key that its caller gave."""

    tools: list[Block]
    system: list[Block]
    messages: list[Block]
    key: str = ""

    def blocks(self, *, tools_first: bool) -> list[Block]:
        first = [self.tools, self.system] if tools_first else [self.system, self.tools]
        return [*first[0], *first[1], *self.messages]


@dataclass(frozen=True)
class Bill:
    """Tokens of one call's input: all, read from a cache, written to one (for an hour)."""

    tokens: int
    read: int = 0
    written: int = 0
    written_hour: int = 0

    @property
    def fresh(self) -> int:
        """Neither read nor written."""
        return self.tokens - self.read - self.written


@dataclass
class _Kept:
    used: float
    lifetime: float
    tokens: bytes = b""  # four bytes each

    def alive(self, now: float) -> bool:
        return now - self.used <= self.lifetime


@dataclass
class PromptCache:
    """Each account's caches.

    Attributes:
        clock: seconds; the test's own.
        bills: account → what its calls cost, in their order.
    """

    clock: Callable[[], float] = time.monotonic
    bills: defaultdict[str, list[Bill]] = field(default_factory=lambda: defaultdict(list))
    _blocks: dict[tuple, _Kept] = field(default_factory=dict)
    _prompts: defaultdict[tuple, list[_Kept]] = field(default_factory=lambda: defaultdict(list))
    _calls: defaultdict[tuple, int] = field(default_factory=lambda: defaultdict(int))

    def bill(self, account: str, model: str, rule: Rule | None, prompt: Prompt) -> Bill:
        """Look the prompt up, keep what the rule keeps of it, and say what that costs."""
        blocks = prompt.blocks(tools_first=rule is None or rule.tools_first)
        place = account, model
        if rule is None:
            bill = Bill(sum(count(block.text) for block in blocks))
        elif rule.kind == "blocks":
            bill = self._marked(place, rule, blocks)
        elif rule.kind == "units":
            bill = self._units(place, rule, _tokens(blocks))
        else:
            bill = self._prefix(place, rule, _tokens(blocks), prompt.key)
        self.bills[account].append(bill)
        return bill

    def _marked(self, place: tuple, rule: Rule, blocks: list[Block]) -> Bill:
        now = self.clock()
        if rule.last_marked and blocks[-1].mark is None:
            blocks = [*blocks[:-1], Block(blocks[-1].text, "30m")]
        ends = list(accumulate(count(block.text) for block in blocks))
        names = [(*place, digest) for digest in _digests(blocks)]
        marks = [at for at, block in enumerate(blocks) if block.mark]

        def known(at: int) -> bool:
            return (kept := self._blocks.get(names[at])) is not None and kept.alive(now)

        found = [
            next((at for at in range(mark, max(-1, mark - rule.look_back), -1) if known(at)), -1)
            for mark in marks
        ]
        hit = max(found, default=-1)
        if hit >= 0:
            self._blocks[names[hit]].used = now
        before = read = ends[hit] if hit >= 0 else 0
        written = {"5m": 0, "1h": 0, "30m": 0}
        for mark in marks:
            lifetime = blocks[mark].mark or ""
            if ends[mark] < rule.least:
                continue
            if mark > hit:
                written[lifetime] += ends[mark] - before
                before = ends[mark]
            # What a hit covers is used with it.
            self._blocks[names[mark]] = _Kept(now, LIFETIMES[lifetime])
        return Bill(ends[-1], read, sum(written.values()), written["1h"])

    def _prefix(self, place: tuple, rule: Rule, tokens: bytes, key: str) -> Bill:
        now, length = self.clock(), len(tokens) // 4
        machine = (*place, tokens[: 4 * ROUTING], key) if rule.hits != (1.0, 1.0) else place
        call, share = self._calls[machine], rule.hits[bool(key)]
        self._calls[machine] += 1
        elsewhere = call and int(call * share + 1e-9) == int((call - 1) * share + 1e-9)
        if elsewhere or length < rule.least:
            return Bill(length)
        alive = self._prompts[machine] = [k for k in self._prompts[machine] if k.alive(now)]
        common, best = max(((_common(k.tokens, tokens), k) for k in alive),
                           key=lambda pair: pair[0], default=(0, None))  # fmt: skip
        read = common // rule.step * rule.step
        if read < rule.least or best is None:
            read = 0
        else:
            best.used = now
        alive.append(_Kept(now, rule.lifetime, tokens))
        return Bill(length, read)

    def _units(self, place: tuple, rule: Rule, tokens: bytes) -> Bill:
        now, length = self.clock(), len(tokens) // 4
        units = [k for k in self._prompts[(*place, "units")] if k.alive(now)]
        earlier = [k for k in self._prompts[(*place, "prompts")] if k.alive(now)]
        whole = [unit for unit in units if tokens.startswith(unit.tokens)]
        hit = max(whole, key=lambda unit: len(unit.tokens), default=None)
        if hit:
            hit.used = now
        parted = {_common(k.tokens, tokens) for k in earlier}
        for end in {size // rule.step * rule.step for size in parted | {length}}:
            unit = tokens[: 4 * end]
            if end >= rule.least and unit not in {k.tokens for k in units}:
                units.append(_Kept(now, rule.lifetime, unit))
        self._prompts[(*place, "units")] = units
        self._prompts[(*place, "prompts")] = [*earlier, _Kept(now, rule.lifetime, tokens)]
        return Bill(length, len(hit.tokens) // 4 if hit else 0)


def mark_of(block: Any, name: str = "cache_control") -> str | None:
    """The lifetime that a block of Anthropic's is marked with.

    Raises:
        InvalidMarks: the mark isn't one that the API knows.
    """
    control = block.get(name) if isinstance(block, dict) else None
    if control is None:
        return None
    if not isinstance(control, dict) or set(control) - {"type", "ttl"}:
        raise InvalidMarks(f"{name}: Input should be a valid dictionary")
    if control.get("type") != "ephemeral":
        raise InvalidMarks(f"{name}.type: Input should be 'ephemeral'")
    if (lifetime := control.get("ttl", "5m")) not in ("5m", "1h"):
        raise InvalidMarks(f"{name}.ttl: Input should be '5m' or '1h'")
    return lifetime


def check_marks(blocks: Iterable[Block], most: int = 4) -> None:
    """Raise InvalidMarks where Anthropic's API does.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching, of empty blocks also
    https://github.com/anthropics/claude-code/issues/54013
    """
    marked = [block for block in blocks if block.mark]
    if any(not block.text.strip() for block in marked):
        raise InvalidMarks("cache_control cannot be set for empty text blocks")
    if len(marked) > most:
        raise InvalidMarks(
            f"A maximum of {most} blocks with cache_control may be provided. Found {len(marked)}."
        )
    lifetimes = [LIFETIMES[block.mark] for block in marked if block.mark]
    if lifetimes != sorted(lifetimes, reverse=True):
        raise InvalidMarks("a ttl='1h' cache_control block must not come after a ttl='5m' one")


def _digests(blocks: list[Block]) -> Iterator[bytes]:
    """One for each block, of it and all before it."""
    digest = hashlib.sha256()
    for block in blocks:
        text = block.text.encode()
        digest.update(len(text).to_bytes(4, "big") + text)
        yield digest.digest()


def _common(one: bytes, other: bytes) -> int:
    """Tokens that two prompts begin with."""
    low, high = 0, min(len(one), len(other)) // 4
    while low < high:
        middle = (low + high + 1) // 2
        same = one[4 * low : 4 * middle] == other[4 * low : 4 * middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


@functools.cache
def _encoding() -> Any:
    import tiktoken  # the stand-ins also run where it isn't installed

    spec = importlib.util.find_spec("litellm")
    assert spec
    assert spec.origin
    folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
    with patch.dict(os.environ, {"TIKTOKEN_CACHE_DIR": str(folder)}):
        return tiktoken.get_encoding("o200k_base")


@functools.lru_cache(4096)
def _encode(text: str) -> bytes:
    return array("I", _encoding().encode(text, disallowed_special=())).tobytes()


def _tokens(blocks: list[Block]) -> bytes:
    return b"".join(_encode(block.text) for block in blocks)


def count(text: str) -> int:
    """Tokens of a text."""
    return len(_encode(text)) // 4
