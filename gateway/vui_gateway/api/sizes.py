"""The size of a client's own objects: tools, calls to them, and a response's format.

LiteLLM walks and copies them. For some providers it puts in place of each `$ref` of a JSON schema
what it names: 20 definitions, each of which names the next one twice, are 2 KB and grow to 3 GB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["MAX_DEPTH", "check_sizes"]

MAX_DEPTH = 20
MAX_VALUES = 5000
MAX_CHARACTERS = 100_000
# Of schemas with what their references name.
MAX_GROWN_DEPTH = 60
GROWN = 3  # times as many
# The keys under which a schema defines what its references name; `schemas` is OpenAPI's.
PLACES = ("$defs", "definitions", "schemas")


class _References(NamedTuple):
    """The definitions that a schema's references name.

    Attributes:
        named: by name; where a name is defined twice, both count.
        circles: whether LiteLLM follows a reference to itself just once. It does so without end
            where it replaces references in definitions, too: all but a schema's own `$defs`.
    """

    named: dict[str, list[Any]]
    circles: bool


def check_sizes(own: list[Any], schemas: Iterable[Any]) -> None:
    """Checks that they are of a sane size, and JSON for every provider.

    own: all objects. schemas: the JSON schemas among them.

    Raises:
        ValueError: they are not.
    """
    if _check(_values(own), 1):
        _check((value for schema in schemas for value in _grown(schema)), GROWN)


def _check(values: Iterable[Any], times: int) -> bool:
    """Whether one of them is the key of definitions: schemas without any don't grow."""
    characters, defines = 0, False
    for count, value in enumerate(values):
        # An integer of a thousand digits, or 1e999.
        if isinstance(value, int | float) and not abs(value) < 2**64:
            raise ValueError("a number is too large")
        if isinstance(value, str):
            characters += len(value)
            defines = defines or value in PLACES
        if count > MAX_VALUES * times or characters > MAX_CHARACTERS * times:
            raise ValueError("the tools, or the calls to them, are too large")
    return defines


def _grown(schema: Any) -> Iterator[Any]:
    """The values of a schema with what its references name; none where it defines nothing."""
    places = list(_places(schema))
    named: dict[str, list[Any]] = {}
    for place in places:
        for name, target in place.items():
            named.setdefault(name, []).append(target)
    if own := bool(places) and places == [schema.get("$defs")]:
        schema = {key: value for key, value in schema.items() if key != "$defs"}
    if places:
        yield from _values(schema, _References(named, own))


def _places(value: Any) -> Iterator[dict[str, Any]]:
    """All that hold definitions."""
    if isinstance(value, dict):
        yield from (value[name] for name in PLACES if isinstance(value.get(name), dict))
    for item in _items(value):
        yield from _places(item)


def _values(
    value: Any, known: _References | None = None, names: tuple[str, ...] = (), depth: int = 0
) -> Iterator[Any]:
    """All keys and values inside, with what references name where that is known.

    names: those that led here.
    """
    if depth > (MAX_GROWN_DEPTH if known else MAX_DEPTH):
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        yield from value
    if not (items := _items(value)):
        yield value
    ref = value.get("$ref") if known and isinstance(value, dict) else None
    if known and isinstance(ref, str):
        name = ref.rpartition("/")[2]
        if name in names and not known.circles:
            raise ValueError("a schema that refers to itself has definitions outside of its $defs")
        items = [*items, *(known.named.get(name, ()) if name not in names else ())]
        names = (*names, name)
    for item in items:
        yield from _values(item, known, names, depth + 1)


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []
