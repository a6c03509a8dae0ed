"""Which connection makes way, and how many there may be."""

from __future__ import annotations

import resource
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from vui_gateway.api import connections
from vui_gateway.api.connections import Connections


class Peer:
    """A connection, as far as its register sees it."""

    def __init__(self, among: Connections, busy: bool = False) -> None:
        self.among, self.busy, self.ended = among, busy, ""
        among.add(self)  # type: ignore[arg-type]

    def end(self, why: str) -> None:
        self.ended = why
        self.among.remove(self)  # type: ignore[arg-type]


def test_what_is_idle_longest_makes_way_and_never_what_is_busy() -> None:
    among = Connections(CollectorRegistry(), most=3)
    turn, first, second = Peer(among, busy=True), Peer(among), Peer(among)
    among.active(first)  # type: ignore[arg-type]
    third = Peer(among)
    assert [peer.ended for peer in (turn, first, second, third)] == ["", "", "made-way", ""]


def test_a_new_one_makes_way_where_all_are_busy() -> None:
    among = Connections(CollectorRegistry(), most=2)
    turns = [Peer(among, busy=True), Peer(among, busy=True)]
    new = Peer(among, busy=True)
    assert [peer.ended for peer in (*turns, new)] == ["", "", "made-way"]


NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "most", "raised_to"),
    [
        (1024, 1024, 512, None),
        (1024, 524288, 1000, 2000),
        (1024, NONE, 1000, 2000),
        (256, 600, 300, 600),
        (NONE, NONE, 1000, None),
        (65536, 65536, 1000, None),
    ],
)
def test_half_of_the_descriptors_are_for_connections(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int, raised_to: int | None
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert Connections(CollectorRegistry()).most == most
    assert raised == ([(raised_to, hard)] if raised_to else [])
