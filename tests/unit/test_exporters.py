"""LiteLLM's own callbacks that export: none to the collector that the gateway exports to itself."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from vui_gateway.litellm_proxy.exporters import ExportedTwiceError, prepare

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"}
AT_LANGFUSE = "http://langfuse.test/api/public/otel"


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
