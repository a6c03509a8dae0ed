"""A status as a gateway makes it."""

from __future__ import annotations

from typing import Any

from vui_gateway.status import Status

__all__ = ["a_status"]

NOTHING = {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
STATUS: dict[str, Any] = {
    "at": 0, "since": 0, "served": ["vui"], "vui": "vui is the demo.", "models": [],
    "left_out": [], "warnings": [], "needs_restart": [], "refused": {}, "error": None,
    "edited": False, "running": 0, "limit": 256, "session": NOTHING, "today": 0.0, "budget": None,
    "cache": {"tokens_in": 0, "tokens_cached": 0, "saved": 0.0},
    "head_starts": {"started": 0, "used": 0, "unused_usd": 0.0}, "clients": [], "away": "",
}  # fmt: skip


def a_status(**fields: Any) -> Status:
    """One of a gateway that does nothing, but for these fields."""
    return Status.model_validate(STATUS | fields)
