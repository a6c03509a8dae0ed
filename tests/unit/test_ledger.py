"""What turns cost, without a gateway."""

import logging
import time
from pathlib import Path

import pytest
from vui_gateway.ledger import Ledger
from vui_gateway.turn import Turn

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


def turn(**fields) -> Turn:
    began = time.monotonic() - 1
    told = {"first": began + 0.3, "ended": began + 0.9, "tokens": (1200, 12), "usd": 0.25}
    return Turn(**{"group": "vui", "began": began, "tried": ["a"], **told, **fields})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    one = Ledger(tmp_path / "spend.json")
    one.names = {"a": "openai/gpt-4.1-mini", "b": "anthropic/claude-haiku-4-5"}
    return one


def test_a_turn_leaves_one_line_with_its_figures(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    one = turn(tried=["a", "b"])
    ledger.book(one)
    ledger.book(one)
    assert caplog.messages == [
        "reply model=vui deployment=anthropic/claude-haiku-4-5 fallback=yes outcome=ok "
        "first_token_ms=300 total_ms=900 tokens_in=1200 tokens_out=12 usd=0.250000"
    ]


def test_a_price_that_nobody_knows_is_called_unknown(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    ledger.book(turn(usd=None))
    assert caplog.messages[0].endswith("usd=unknown")


def test_what_was_spent_today_outlives_a_restart(ledger: Ledger, tmp_path: Path) -> None:
    ledger.book(turn())
    ledger.book(turn())
    again = Ledger(tmp_path / "spend.json")
    assert again.today == 0.5
    assert again.session["usd"] == 0
    again.budget = 0.5
    assert "0.50 of 0.50 USD" in again.refusal
    assert "VUI_LITELLM_BUDGET" in again.refusal


def test_a_new_day_starts_at_nothing(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text('{"day": "2020-01-01", "usd": 9}')
    ledger = Ledger(tmp_path / "spend.json")
    ledger.budget = 1.0
    assert (ledger.today, ledger.refusal) == (0, "")
    ledger.book(turn())
    assert Ledger(tmp_path / "spend.json").today == 0.25


@pytest.mark.parametrize("broken", ["", "[]", '{"day": 1}', '{"day": "x", "usd": "y"}', "\0"])
def test_a_broken_file_never_stops_the_gateway(tmp_path: Path, broken: str) -> None:
    (tmp_path / "spend.json").write_text(broken)
    assert Ledger(tmp_path / "spend.json").today == 0


def test_a_disk_that_is_full_never_stops_a_turn(caplog: pytest.LogCaptureFixture) -> None:
    Ledger(Path("/proc/nowhere/spend.json")).book(turn())
    assert "can't be kept" in caplog.text


def test_without_a_budget_nothing_is_refused(ledger: Ledger) -> None:
    ledger.book(turn(usd=1e9))
    assert not ledger.refusal


def test_metrics_hold_no_more_than_the_line(ledger: Ledger) -> None:
    ledger.book(turn())
    text = ledger.metrics().decode()
    labels = 'deployment="openai/gpt-4.1-mini",kind="reply",model="vui"'
    assert (
        f"vui_first_token_seconds_bucket{{{labels.replace(',model', ',le="0.5",model')}}} 1.0"
        in text
    )
    assert f"vui_usd_total{{{labels}}} 0.25" in text
    assert 'vui_tokens_total{deployment="openai/gpt-4.1-mini",direction="in"' in text
    assert "vui_usd_today 0.25" in text
