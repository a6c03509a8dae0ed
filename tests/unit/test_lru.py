"""A dictionary of bounded size."""

from __future__ import annotations

from vui_gateway.lru import LRU


def test_with_too_many_entries_the_one_put_first_goes() -> None:
    entries = LRU[str, int](2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        entries.put(key, value)
    assert entries == {"a": 3, "c": 4}
    assert [*entries] == ["a", "c"]
