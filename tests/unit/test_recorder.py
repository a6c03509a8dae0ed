"""The record of a call."""

import logging
from pathlib import Path

import pytest
from vui_gateway.usage.recorder import Recorder

from tests.support.billing import GPT, KEEPS, USD, Kept, attempt, call


def test_a_call_leaves_one_line_with_its_figures(
    usage: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    one = call(attempt(ended="500"), attempt("anthropic/claude-haiku-4-5"))
    usage.record(one)
    usage.record(one)
    assert caplog.messages == [
        "reply model=vui deployment=anthropic/claude-haiku-4-5 fallback=yes client=owner "
        "outcome=ok attempts=500,ok first_token_ms=300 first_sentence_ms=400 total_ms=900 "
        "tokens_in=1200 tokens_cached=0 tokens_out=12 usd=0.132000"
    ]


@pytest.mark.parametrize(
    ("told", "counted", "saved"),
    [
        ((1000, 100), (1000, 100), 1000 * 90e-6 - 100 * 25e-6),
        ((0, 1000), (0, 1000), -1000 * 25e-6),
        ((10**9, -5), (1200, 0), 1200 * 90e-6),
        (("many", None), (0, 0), 0),
        ((1000, 10**400), (1000, 200), 1000 * 90e-6 - 200 * 25e-6),
    ],
)
def test_what_a_prompt_cache_saved_is_on_record(
    usage: Kept,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    told: tuple,
    counted: tuple[int, int],
    saved: float,
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    usage.record(call(attempt(deployment=KEEPS, cache_counts=told)))
    assert f"tokens_in=1200 tokens_cached={counted[0]} tokens_out=12" in caplog.messages[0]
    metrics = usage.exposition().decode()
    for direction, tokens in zip(("cached", "written"), counted, strict=True):
        assert f'direction="{direction}",kind="reply",model="vui"}} {tokens}.0' in metrics
    usage.keep()
    kept = Kept(tmp_path).budget.cache
    assert kept == {"tokens_in": 1200, "tokens_cached": counted[0], "saved": pytest.approx(saved)}


def test_why_attempts_failed_is_said_once_in_a_second_line(
    usage: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vui_gateway")
    sick = [attempt(ended="500", reason=reason) for reason in ("500: so", "500: so", "500: no")]
    usage.record(call(*sick, attempt("anthropic/claude-haiku-4-5")))
    assert caplog.messages[1:] == [f"{GPT}: 500: so; {GPT}: 500: no"]


def test_a_recorder_that_fails_costs_the_others_nothing(
    usage: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    usage.recorders.insert(0, lambda *_: 1 / 0)  # type: ignore[arg-type]
    usage.record(call(attempt()))
    assert "please report it" in caplog.text
    assert usage.budget.today == pytest.approx(USD)
