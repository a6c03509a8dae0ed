"""Rows that a router writes into LiteLLM's table of models: gone with that router.

LiteLLM keeps them: a model's mode or size would hold after its line is gone from the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import litellm
from litellm.utils import _invalidate_model_cost_lowercase_map

__all__ = ["Rows", "plain", "recorded", "use_rows"]

Rows = dict[str, dict]
# By the names of the rows in force, the table's rows from before; None for none.
_plain: dict[str, dict | None] = {}


@contextmanager
def recorded() -> Iterator[Rows]:
    """The rows that are written meanwhile, once that is over; then the table is as it was."""
    table, written = litellm.model_cost, Rows()
    in_force = {name: table.get(name) for name in _plain}
    _put(_plain)
    bare = {name: dict(row) for name, row in table.items()}
    try:
        yield written
    finally:
        written |= {name: dict(row) for name, row in table.items() if bare.get(name) != row}
        _put({**{name: bare.get(name) for name in written}, **in_force})


def use_rows(rows: Rows) -> None:
    """Put a router's rows in the place of those in force."""
    _put(_plain)
    _plain.clear()
    _plain.update({name: litellm.model_cost.get(name) for name in rows})
    _put({name: dict(row) for name, row in rows.items()})


def plain(name: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table's row of a model as it is without any router; row: as it is now."""
    return (_plain[name] or {}) if name in _plain else row


def _put(rows: Mapping[str, dict | None]) -> None:
    for name, row in rows.items():
        if row is None:
            litellm.model_cost.pop(name, None)
        else:
            litellm.model_cost[name] = row
    _invalidate_model_cost_lowercase_map()
