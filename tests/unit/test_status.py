"""What `vui-gateway status` says of files that can't be used."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.cli import _status

STATUS: dict[str, Any] = {
    "since": 0, "served": ["vui"], "vui": "vui is the demo.", "refused": {}, "warnings": [],
    "left_out": [], "needs_restart": [], "cooling": [], "clients": [], "away": "",
    "session": {"calls": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0},
    "calls": {"running": 0, "limit": 256}, "today": 0.0, "budget": None,
    "cache": {"tokens_cached": 0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("edited", "said"),
    [(False, "The files can't be used: :2: x."), (True, "The last edit was refused: :2: x.")],
)
def test_files_that_were_broken_at_the_start_are_no_refused_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edited: bool, said: str
) -> None:
    path = tmp_path / "status.json"
    path.write_text(json.dumps({**STATUS, "error": ":2: x.", "edited": edited}))
    settings: Any = SimpleNamespace(status_file=path)
    assert _status(settings) == 1
    assert capsys.readouterr().out.splitlines()[-1] == said
