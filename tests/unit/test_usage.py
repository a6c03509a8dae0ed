"""What calls cost, without a gateway."""

import logging
import time
from pathlib import Path

import pytest
from vui_gateway.turns.call import Attempt, Call
from vui_gateway.turns.usage import Usage

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


A, B = Attempt("a", "openai/gpt-4.1-mini"), Attempt("b", "anthropic/claude-haiku-4-5")


def call(**fields) -> Call:
    began = time.monotonic() - 1
    told = {"first_token": began + 0.3, "ended": began + 0.9, "usd": 0.25}
    tokens = {"tokens_in": 1200, "tokens_out": 12}
    asked = {"model_group": "vui", "began": began, "attempts": [A]}
    return Call(**{**asked, **told, **tokens, **fields})


@pytest.fixture
def usage(tmp_path: Path) -> Usage:
    return Usage(tmp_path / "spend.json")


def test_a_call_leaves_one_line_with_its_figures(
    usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    one = call(attempts=[A, B])
    usage.record(one)
    usage.record(one)
    assert caplog.messages == [
        "reply model=vui deployment=anthropic/claude-haiku-4-5 fallback=yes outcome=ok "
        "first_token_ms=300 total_ms=900 tokens_in=1200 tokens_out=12 usd=0.250000"
    ]


def test_a_price_that_nobody_knows_is_called_unknown(
    usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(usd=None))
    assert caplog.messages[0].endswith("usd=unknown")


def test_what_was_spent_today_outlives_a_restart(usage: Usage, tmp_path: Path) -> None:
    usage.record(call())
    usage.record(call())
    again = Usage(tmp_path / "spend.json")
    assert again.today == 0.5
    assert again.session["usd"] == 0
    again.budget = 0.5
    assert "0.50 of 0.50 USD" in again.refusal
    assert "VUI_LITELLM_BUDGET" in again.refusal


def test_a_new_day_starts_at_nothing(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text('{"day": "2020-01-01", "usd": 9}')
    usage = Usage(tmp_path / "spend.json")
    usage.budget = 1.0
    assert (usage.today, usage.refusal) == (0, "")
    usage.record(call())
    assert Usage(tmp_path / "spend.json").today == 0.25


@pytest.mark.parametrize("broken", ["", "[]", '{"day": 1}', '{"day": "x", "usd": "y"}', "\0"])
def test_a_broken_file_never_stops_the_gateway(tmp_path: Path, broken: str) -> None:
    (tmp_path / "spend.json").write_text(broken)
    assert Usage(tmp_path / "spend.json").today == 0


def test_a_disk_that_is_full_never_stops_a_call(caplog: pytest.LogCaptureFixture) -> None:
    Usage(Path("/proc/nowhere/spend.json")).record(call())
    assert "can't be kept" in caplog.text


def test_without_a_budget_nothing_is_refused(usage: Usage) -> None:
    usage.record(call(usd=1e9))
    assert not usage.refusal


def test_metrics_hold_no_more_than_the_line(usage: Usage) -> None:
    usage.record(call())
    text = usage.metrics().decode()
    labels = 'deployment="openai/gpt-4.1-mini",kind="reply",model="vui"'
    assert (
        f"vui_first_token_seconds_bucket{{{labels.replace(',model', ',le="0.5",model')}}} 1.0"
        in text
    )
    assert f"vui_usd_total{{{labels}}} 0.25" in text
    assert 'vui_tokens_total{deployment="openai/gpt-4.1-mini",direction="in"' in text
    assert "vui_usd_today 0.25" in text
