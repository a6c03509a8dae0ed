"""LiteLLM's exporters by OpenTelemetry: to each its own headers, and nothing in the log."""

from __future__ import annotations

import os

import pytest
from litellm.integrations.opentelemetry import OpenTelemetry
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from vui_gateway.litellm_proxy.exporters import COLLECTOR, HEADERS, headers, prepare


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsoleSpanExporter, "export", ConsoleSpanExporter.export)
    monkeypatch.setattr(OpenTelemetry, "_get_span_processor", OpenTelemetry._get_span_processor)
    for name in (*COLLECTOR, *HEADERS):
        monkeypatch.setenv(name, "")


def test_headers_are_others_for_a_while_also_where_it_fails() -> None:
    os.environ[HEADERS[0]] = "mine"
    with pytest.raises(ValueError, match="no such key"), headers(**{HEADERS[0]: "its"}):
        assert os.environ[HEADERS[0]] == "its"
        raise ValueError("no such key")
    assert os.environ[HEADERS[0]] == "mine"


def test_litellms_otel_without_a_collector_is_refused() -> None:
    with pytest.raises(ValueError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is missing in \.env"):
        prepare("otel")
    os.environ["OTEL_ENDPOINT"] = "http://127.0.0.1:9"
    prepare("otel")


@pytest.mark.parametrize(
    ("name", "sent"), [("langfuse_otel", ""), ("otel", "mine"), (None, "mine")]
)
def test_another_collector_gets_none_of_the_variables_headers(
    name: str | None, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.environ.update(dict.fromkeys(HEADERS, "mine"))
    seen: list[str] = []
    original = lambda self: seen.append(os.environ[HEADERS[0]])  # noqa: E731
    monkeypatch.setattr(OpenTelemetry, "_get_span_processor", original)
    prepare("langfuse_otel")
    prepare("arize_phoenix")  # a second time changes nothing
    one = OpenTelemetry.__new__(OpenTelemetry)
    one.callback_name = name
    one._get_span_processor()
    assert seen == [sent]
    assert os.environ[HEADERS[0]] == "mine"


def test_no_span_is_written_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    prepare("langfuse_otel")
    ConsoleSpanExporter().export([None])  # type: ignore[list-item]
    assert capsys.readouterr().out == ""
