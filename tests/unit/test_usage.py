"""What calls cost, without a gateway."""

import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.turns.attempt import Deployment
from vui_gateway.turns.call import Call
from vui_gateway.turns.usage import Usage

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


def attempt(name: str, ended: str = "ok", usd: float | None = 0.25, tokens_in: int = 1200) -> Any:
    """As much of an attempt as is recorded."""
    deployment = Deployment(name[0], name)
    told = {"tokens_in": tokens_in, "tokens_out": 12 if tokens_in else 0, "usd": usd}
    return SimpleNamespace(deployment=deployment, ended=ended, **told)


GPT = "openai/gpt-4.1-mini"


def call(*attempts: Any, **fields: Any) -> Call:
    began = time.monotonic() - 1
    told = {"first_token": began + 0.3, "released": began + 0.4, "ended": began + 0.9}
    asked = {"model_group": "vui", "began": began, "attempts": [*attempts] or [attempt(GPT)]}
    return Call(**{**asked, **told, **fields})


@pytest.fixture
def usage(tmp_path: Path) -> Usage:
    return Usage(tmp_path / "spend.json")


def test_a_call_leaves_one_line_with_its_figures(
    usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    lost = attempt(GPT, "no-words", None, 0)
    one = call(lost, attempt("anthropic/claude-haiku-4-5"))
    usage.record(one)
    usage.record(one)
    assert caplog.messages == [
        "reply model=vui deployment=anthropic/claude-haiku-4-5 fallback=yes outcome=ok "
        "attempts=no-words,ok first_token_ms=300 first_sentence_ms=400 total_ms=900 "
        "tokens_in=1200 tokens_out=12 usd=0.250000"
    ]


def test_the_loser_of_a_hedge_is_billed_too(usage: Usage) -> None:
    usage.record(call(attempt(GPT, "hedged-lost"), attempt(GPT)))
    assert usage.today == 0.5
    assert 'vui_attempts_total{deployment="openai/gpt-4.1-mini",ended="hedged-lost"' in (
        usage.metrics().decode()
    )


def test_a_price_that_nobody_knows_is_called_unknown(
    usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(attempt(GPT, usd=None)))
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
    usage.record(call(attempt(GPT, usd=1e9)))
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
