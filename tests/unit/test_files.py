"""The files in which a gateway that is alone keeps its state."""

import asyncio
from pathlib import Path

import pytest
from vui_gateway.settings import SettingError
from vui_gateway.state.files import Files

from tests.support.billing import (
    TODAY,
    USD,
    Kept,
    call,
)


def spent(usd: str) -> str:
    """A file with this sum."""
    return f'{{"day": "{TODAY}", "usd": 1, "clients": {{"owner": [1, {usd}, 0, 0, 0]}}}}'


BROKEN = {
    "empty": "",
    "half-written": '{"day": "2026-11-2',
    "a list": "[]",
    "no sum": '{"day": 1}',
    "no clients": f'{{"day": "{TODAY}", "usd": 5}}',
    "text": spent('"y"'),
    "a NUL": "\0",
    "not a number": spent("NaN"),
    "infinite": spent("1e999"),
    "negative": spent("-5"),
    "an absurd integer": spent(f"1{'0' * 400}"),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_never_stops_the_gateway(tmp_path: Path, name: str) -> None:
    (tmp_path / "spend.json").write_text(BROKEN[name])
    usage = Kept(tmp_path, 1.0)
    assert (usage.budget.today, usage.budget.refusal) == (0, "")
    usage.record(call())
    usage.keep()
    assert Kept(tmp_path).budget.today == USD


def test_a_disk_that_is_full_never_stops_a_call(caplog: pytest.LogCaptureFixture) -> None:
    usage = Kept(Path("/proc/nowhere"))
    for _ in range(2):
        usage.record(call())
        usage.keep()
    assert caplog.text.count("can't be kept") == 1
    assert usage.budget.today == 2 * USD


def test_a_second_gateway_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    one, other = Files(tmp_path), Files(tmp_path)
    one.lock()
    with pytest.raises(SettingError, match="Another gateway runs with the key of"):
        other.lock()
    asyncio.run(one.close())
    other.lock()
    asyncio.run(other.close())
