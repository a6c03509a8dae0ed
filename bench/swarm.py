"""Calls that are lost while gateways come and go: deploy/swarm, 20 vuis talking."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.outages import failover, roll
from tests.support.swarm import swarm

__all__ = ["ALL"]


def many(folder: Path) -> dict[str, float]:
    """One of three gateways is killed; all three are replaced for a new configuration."""
    with swarm(folder) as up:
        killed, _, back = asyncio.run(failover(up))
        rolled, took = asyncio.run(roll(up))
    return {
        "failover_gateway_lost": len(killed.lost) + len(killed.silent),
        "failover_gateway_back_s": back,
        "rolling_update_lost": len(rolled.lost) + len(rolled.silent) + len(rolled.cut),
        "rolling_update_s": took,
    }


ALL = (many,)
