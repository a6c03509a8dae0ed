"""LiteLLM's exporters by OpenTelemetry: each its own headers, none twice, nothing in the log."""

from __future__ import annotations

import os
from contextlib import nullcontext

import pytest
from litellm.integrations.opentelemetry import OpenTelemetry
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from vui_gateway.litellm_proxy.exporters import (
    COLLECTOR,
    HEADER_VARIABLES,
    ExportedTwiceError,
    headers,
    prepare,
)

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"}
AT_LANGFUSE = "http://langfuse.test/api/public/otel"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsoleSpanExporter, "export", ConsoleSpanExporter.export)
    monkeypatch.setattr(OpenTelemetry, "_get_span_processor", OpenTelemetry._get_span_processor)
    for name, value in {**dict.fromkeys((*COLLECTOR, *HEADER_VARIABLES), ""), **LANGFUSE}.items():
        monkeypatch.setenv(name, value)


def test_headers_are_others_for_a_while_also_where_it_fails() -> None:
    os.environ[HEADER_VARIABLES[0]] = "mine"
    with pytest.raises(ValueError, match="no such key"), headers(**{HEADER_VARIABLES[0]: "its"}):
        assert os.environ[HEADER_VARIABLES[0]] == "its"
        raise ValueError("no such key")
    assert os.environ[HEADER_VARIABLES[0]] == "mine"


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
    os.environ.update(dict.fromkeys(HEADER_VARIABLES, "mine"))
    seen: list[str] = []
    original = lambda self: seen.append(os.environ[HEADER_VARIABLES[0]])  # noqa: E731
    monkeypatch.setattr(OpenTelemetry, "_get_span_processor", original)
    prepare("langfuse_otel")
    prepare("arize_phoenix")  # a second time changes nothing
    one = OpenTelemetry.__new__(OpenTelemetry)
    one.callback_name = name
    one._get_span_processor()
    assert seen == [sent]
    assert os.environ[HEADER_VARIABLES[0]] == "mine"


def test_no_span_is_written_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    prepare("langfuse_otel")
    ConsoleSpanExporter().export([None])  # type: ignore[list-item]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "env", "twice"),
    [
        ("otel", {BASE: "http://c.test:4318"}, True),
        ("otel", {BASE: "http://c.test:4318/"}, True),
        ("otel", {BASE: "http://c.test", TRACES: "http://other.test/v1/traces"}, False),
        ("otel", {BASE: "http://c.test", "OTEL_SDK_DISABLED": "true"}, False),
        ("otel", {BASE: "http://c.test", "OTEL_TRACES_EXPORTER": "none"}, False),
        ("otel", {"OTEL_ENDPOINT": "http://c.test"}, False),
        ("langfuse_otel", {**LANGFUSE, "LANGFUSE_HOST": "http://langfuse.test",
                           TRACES: f"{AT_LANGFUSE}/v1/traces"}, True),
        ("langfuse_otel", {**LANGFUSE, "LANGFUSE_HOST": "http://langfuse.test",
                           BASE: AT_LANGFUSE}, True),
        ("langfuse_otel", {**LANGFUSE, BASE: AT_LANGFUSE}, False),
        ("arize_phoenix", {"PHOENIX_COLLECTOR_HTTP_ENDPOINT": "http://p.test:6006",
                           TRACES: "http://p.test:6006/v1/traces"}, True),
        ("arize_phoenix", {"PHOENIX_COLLECTOR_ENDPOINT": "http://p.test:6006/v1/traces",
                           BASE: "http://p.test:6006"}, True),
        ("arize_phoenix", {"PHOENIX_COLLECTOR_HTTP_ENDPOINT": "http://p.test:6006",
                           BASE: "http://c.test"}, False),
    ],
)  # fmt: skip
def test_a_callback_whose_collector_is_the_gateways_own_is_left_out(
    monkeypatch: pytest.MonkeyPatch, name: str, env: dict[str, str], twice: bool
) -> None:
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    refused = pytest.raises(ExportedTwiceError, match="gets each call's trace from the gateway")
    with refused if twice else nullcontext():
        prepare(name)
