"""Prometheus' metrics."""

from vui_gateway.usage.recorder import Recorder

from tests.support.billing import USD, call


def test_metrics_hold_no_more_than_the_line(usage: Recorder) -> None:
    usage.record(call())
    text = usage.exposition().decode()
    labels = 'deployment="openai/gpt-4.1-mini",kind="reply",model="vui"'
    assert (
        f"vui_first_token_seconds_bucket{{{labels.replace(',model', ',le="0.5",model')}}} 1.0"
        in text
    )
    assert f"vui_usd_total{{{labels}}} {USD}" in text
    assert 'vui_tokens_total{deployment="openai/gpt-4.1-mini",direction="in"' in text
    assert f"vui_usd_today {USD}" in text
