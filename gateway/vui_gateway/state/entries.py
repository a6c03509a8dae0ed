"""State that gateways share, held in the memory of each: reading it never waits."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

__all__ = ["Entries", "Entry", "Name", "State", "Watcher"]

STEP = 1e-6  # between two ranks that are times

Name = tuple[str, str]  # of a subject, and of an entry in it


class Entry(NamedTuple):
    """Last writer wins: of two entries with one name, the higher rank replaces the other.

    Attributes:
        rank: a count or a time (wall clock), which only rises.
        value: JSON; None for nothing.
        expires: wall clock; after it the entry counts no more.
    """

    rank: float
    value: Any
    expires: float = math.inf


Entries = Mapping[Name, Entry]
Watcher = Callable[[str, Any, Any], None]


class State:
    """Entries by subject and name: what this gateway found, and what others did.

    A store keeps them, and returns those of other gateways; `Sync` exchanges them.

    Args:
        gateway: a name that no other one has, where there are others.
        clock: wall clock.
    """

    def __init__(self, gateway: str = "", clock: Callable[[], float] = time.time) -> None:
        self.gateway, self.clock = gateway, clock
        self.version = 0  # rises with each change that another one made
        self.refreshed: list[Callable[[], None]] = []  # called before each exchange
        self.wake: Callable[[], None] = lambda: None  # an exchange is wanted at once
        self._subjects: dict[str, dict[str, Entry]] = {}
        self._unsent: dict[Name, Entry] = {}
        self._watchers: dict[str, list[Watcher]] = {}
        # When entries are looked at next: one time for each, however often it is put.
        self._expiries: list[tuple[float, Name]] = []
        self._due: dict[Name, float] = {}

    @property
    def today(self) -> date:
        """The day of the clock, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def watch(self, subject: str, changed: Watcher) -> None:
        """Call `changed` at each change: the name, the value before and after it; None for none."""
        self._watchers.setdefault(subject, []).append(changed)

    def get(self, subject: str, name: str) -> Any:
        """The value; None when there is none."""
        entry = self._subjects.get(subject, {}).get(name)
        return entry.value if entry else None

    def rank(self, subject: str, name: str) -> float:
        """The rank of an entry; 0 when there is none."""
        entry = self._subjects.get(subject, {}).get(name)
        return entry.rank if entry else 0.0

    def items(self, subject: str) -> Iterator[tuple[str, Any]]:
        """Names and values; nothing may be put in between."""
        return ((name, entry.value) for name, entry in self._subjects.get(subject, {}).items())

    def put(
        self,
        subject: str,
        name: str,
        value: Any,
        rank: float | None = None,
        lifetime: float = math.inf,
        *,
        soon: bool = False,
    ) -> None:
        """Set an entry.

        rank: the present time by default. lifetime: seconds. soon: share it at once.
        """
        now = self.clock()
        rank = max(now, self.rank(subject, name) + STEP) if rank is None else rank
        entry = Entry(rank, value, now + lifetime)
        if self._set((subject, name), entry):
            self._unsent[subject, name] = entry
            if soon:
                self.wake()

    def forget(self, subject: str, name: str) -> None:
        """Remove an entry, in this gateway only."""
        if entry := self._subjects.get(subject, {}).pop(name, None):
            self._unsent.pop((subject, name), None)
            self._notify((subject, name), entry.value, None)

    def take(self, entries: Entries) -> None:
        """Take the entries that a store returned."""
        changed = [self._set(name, entry) for name, entry in entries.items()]
        self.version += any(changed)

    def unsent(self) -> dict[Name, Entry]:
        """The entries that the store hasn't got yet."""
        return dict(self._unsent)

    def everything(self) -> dict[Name, Entry]:
        """All entries, those of other gateways too: a store that lost them gets them back."""
        return {(s, n): entry for s, all_ in self._subjects.items() for n, entry in all_.items()}

    def sent(self, entries: Entries) -> None:
        """Note that the store has these entries."""
        for name, entry in entries.items():
            if self._unsent.get(name) is entry:
                del self._unsent[name]

    def expire(self) -> None:
        """Remove expired entries."""
        now = self.clock()
        while self._expiries and self._expiries[0][0] <= now:
            due, (subject, name) = heapq.heappop(self._expiries)
            if self._due.get((subject, name)) != due:
                continue
            del self._due[subject, name]
            entry = self._subjects.get(subject, {}).get(name)
            if entry and entry.expires <= now:
                self.forget(subject, name)
            elif entry:
                self._look((subject, name), entry)

    def _set(self, name: Name, entry: Entry) -> bool:
        subject = self._subjects.setdefault(name[0], {})
        before = subject.get(name[1])
        if before and before.rank >= entry.rank:
            return False
        subject[name[1]] = entry
        self._look(name, entry)
        self._notify(name, before and before.value, entry.value)
        return True

    def _look(self, name: Name, entry: Entry) -> None:
        if entry.expires < self._due.get(name, math.inf):
            self._due[name] = entry.expires
            heapq.heappush(self._expiries, (entry.expires, name))

    def _notify(self, name: Name, before: Any, after: Any) -> None:
        for changed in self._watchers.get(name[0], ()):
            changed(name[1], before, after)
