"""The user's time zone, on this process's own clock."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vui_litellm.timezone import use_timezone

NEW_YORK = Path("/usr/share/zoneinfo/America/New_York")
JULY = 1_900_000_000 // 86400 * 86400 + 86400 * 106 + 12 * 3600  # noon UTC, in the summer of 2030


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "")
    yield
    monkeypatch.undo()
    time.tzset()


def hour() -> int:
    return time.localtime(JULY).tm_hour


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("America/New_York", 8),
        (" America/New_York\n", 8),
        (":America/New_York", 8),
        (str(NEW_YORK), 8),
        ("UTC", 12),
        ("EST5EDT,M3.2.0,M11.1.0", 8),
        ("<-03>3", 9),
        ("CST-8", 20),
    ],
)
def test_the_zone_that_the_user_names_is_used(
    name: str, expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", name)
    use_timezone(host=Path("/nowhere"))
    assert hour() == expected
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", [None, "", " "])
def test_without_one_it_is_the_hosts(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ") if name is None else monkeypatch.setenv("TZ", name)
    use_timezone(host=NEW_YORK)
    assert hour() == 8


@pytest.mark.parametrize("host", ["nothing", "a folder", "no zone", "empty"])
def test_a_host_that_does_not_tell_leaves_this_machines_own(host: str, tmp_path: Path) -> None:
    path = tmp_path / "localtime"
    if host == "a folder":
        path.mkdir()
    elif host != "nothing":
        path.write_text("" if host == "empty" else "Mars/Olympus")
    use_timezone(host=path)
    assert "TZ" not in os.environ


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "America", "New York", "5", "../../../etc/passwd", "/etc/hosts"]
)
def test_a_zone_that_does_not_exist_is_one_clear_line_and_the_hosts_is_used(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", name)
    use_timezone(host=NEW_YORK)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"[vui-litellm] TZ is {name!r}")
    assert "America/New_York" in line
    assert hour() == 8
