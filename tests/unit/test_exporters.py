"""LiteLLM's exporters by OpenTelemetry: each its own headers, none twice, nothing in the log."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

import litellm
import pytest
from litellm.integrations.opentelemetry import OpenTelemetry
from litellm.litellm_core_utils.custom_logger_registry import CustomLoggerRegistry
from litellm.litellm_core_utils.litellm_logging import build_custom_logger_compatible_class
from litellm.proxy import proxy_server
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from vui_gateway.litellm_proxy.exporters import (
    COLLECTOR,
    EXPORTERS,
    HEADER_VARIABLES,
    ExportedTwiceError,
    close,
    headers,
    made,
    prepare,
)

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"}
VENDORS = {
    "WANDB_API_KEY": "w", "WANDB_PROJECT_ID": "a/b", "LANGTRACE_API_KEY": "lt",
    "LANGTRACE_API_HOST": "http://langtrace.test/api/trace", "LOGFIRE_TOKEN": "lf",
    "LOGFIRE_BASE_URL": "http://logfire.test", "SIGNOZ_INGESTION_ENDPOINT": "http://signoz.test",
    "SIGNOZ_INGESTION_KEY": "si", "ARIZE_HTTP_ENDPOINT": "http://arize.test",
    "ARIZE_SPACE_ID": "sp", "ARIZE_API_KEY": "ar",
}  # fmt: skip
USUAL = ("content-type", "user-agent")
AT_LANGFUSE = "http://langfuse.test/api/public/otel"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsoleSpanExporter, "export", ConsoleSpanExporter.export)
    monkeypatch.setattr(OpenTelemetry, "_get_span_processor", OpenTelemetry._get_span_processor)
    monkeypatch.setattr(OpenTelemetry, "_skip_set_global", OpenTelemetry._skip_set_global)
    monkeypatch.setattr(litellm, "service_callback", [])
    monkeypatch.setattr(proxy_server, "open_telemetry_logger", None)
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


def test_arize_is_refused_without_its_address_for_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARIZE_ENDPOINT", "http://arize.test")
    with pytest.raises(ValueError, match=r"write ARIZE_HTTP_ENDPOINT into \.env"):
        prepare("arize")
    monkeypatch.delenv("ARIZE_ENDPOINT")
    with pytest.raises(ValueError, match=r"write ARIZE_HTTP_ENDPOINT into \.env"):
        prepare("arize")
    monkeypatch.setenv("ARIZE_HTTP_ENDPOINT", "http://arize.test")
    prepare("arize")


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


def test_all_of_litellms_exporters_are_made_so() -> None:
    listed = CustomLoggerRegistry.CALLBACK_CLASS_STR_TO_CLASS_TYPE.items()
    theirs = {name for name, kind in listed if issubclass(kind, OpenTelemetry)}
    assert theirs & set(litellm._known_custom_logger_compatible_callbacks) == set(EXPORTERS)


def test_each_exports_to_its_own_address_with_its_own_key_also_after_an_edit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in VENDORS.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("OTEL_EXPORTER", "otlp_http")
    monkeypatch.delenv(BASE)
    monkeypatch.setenv(HEADER_VARIABLES[0], "authorization=mine")
    found: list[Any] = []
    monkeypatch.setattr("litellm.litellm_core_utils.litellm_logging._in_memory_loggers", found)

    def exporter(name: str) -> tuple[str, str]:
        def build() -> Any:
            return build_custom_logger_compatible_class(name, None, None)

        one = made(name, build, found)
        assert made(name, build, found) is one
        (processor,) = one.tracer.span_processor._span_processors
        sent = processor.span_exporter
        close(one)
        keys = [value for name, value in sent._client._headers.items() if name not in USUAL]
        return sent._endpoint.partition("/v1/")[0], "; ".join(keys)

    monkeypatch.setenv("OTEL_ENDPOINT", "http://one.test")
    names = ("weave_otel", "langtrace", "otel", "logfire", "signoz", "arize")
    assert [exporter(name) for name in names] == [
        ("https://trace.wandb.ai/otel", "Basic YXBpOnc=; a/b"),
        ("http://langtrace.test/api/trace", "lt"),
        ("http://one.test", "mine"),
        ("http://logfire.test", "lf"),
        ("http://signoz.test", "si"),
        ("http://arize.test", "sp; ar"),
    ]
    monkeypatch.setenv("OTEL_ENDPOINT", "http://two.test")
    found.clear()
    assert exporter("otel")[0] == "http://two.test"


def test_an_exporter_without_a_processor_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SDK_DISABLED: its tracer has none, and an edit takes the callback out all the same."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv(BASE, "http://c.test")

    def build() -> Any:
        return build_custom_logger_compatible_class("otel", None, None)

    close(made("otel", build, []))
