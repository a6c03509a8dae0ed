"""A dictionary of bounded size (LRU): with too many entries, the one put first goes."""

from __future__ import annotations

__all__ = ["LRU"]


class LRU[Key, Value](dict[Key, Value]):
    """Entries in the order of the last `put` of each.

    Args:
        most: entries that are kept.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: Key, value: Value) -> None:
        """Add or replace an entry, which is the last one then."""
        self.pop(key, None)
        self[key] = value
        if len(self) > self._most:
            del self[next(iter(self))]
