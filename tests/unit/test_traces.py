"""Traces and metrics of calls, as OpenTelemetry's SDK exports them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from vui_gateway.errors import Code
from vui_gateway.redaction import credentials, redact
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.bill import settle
from vui_gateway.usage.traces import Traces

from tests.support.billing import GPT, PRICE, USD, attempt, call

CLAUDE = "anthropic/claude-haiku-4-5"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Exported:
    """What an exporter gets of a call."""

    def __init__(self, one: Call, *, capture: bool = False) -> None:
        kept, reader, tracers = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(kept))
        traces = Traces(tracers, MeterProvider([reader]), capture=capture)
        traces.record(one, [settle(tried, one.ended) for tried in one.attempts])
        spans = kept.get_finished_spans()
        self.root = spans[-1]
        self.attempts = spans[:-1]
        found: Any = reader.get_metrics_data()
        self.metrics = {
            metric.name: (metric.unit, list(metric.data.data_points))
            for metric in found.resource_metrics[0].scope_metrics[0].metrics
        }


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_call_is_one_span_by_the_conventions() -> None:
    server = Deployment("a", GPT, price=PRICE, server="https://api.openai.com:443")
    body = {"max_tokens": 99, "temperature": 0.5, "messages": [{"role": "user", "content": "Hi"}]}
    root = Exported(call(attempt(deployment=server, body=body))).root
    assert root.name == "chat vui"
    assert attributes(root) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "vui",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "gpt-4.1-mini",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": pytest.approx(0.3),
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.cost": pytest.approx(USD),
        "server.address": "api.openai.com",
        "server.port": 443,
        "vui.kind": "reply",
        "vui.client": "owner",
        "vui.outcome": "ok",
        "vui.fallback": False,
    }
    assert root.end_time
    assert root.start_time
    assert (root.end_time - root.start_time) / 1e9 == pytest.approx(0.9, abs=0.001)


def test_each_attempt_is_a_child_with_its_words_and_its_end() -> None:
    one = call(attempt(ended="500", code=Code.NO_ANSWER), attempt(CLAUDE, beside=True))
    failed, well = one.attempts
    failed.over = well.first_word = one.began + 0.3
    well.last_word = one.began + 0.8
    exported = Exported(one)
    assert exported.root.context
    assert all(
        span.parent and span.parent.span_id == exported.root.context.span_id
        for span in exported.attempts
    )
    first, second = exported.attempts
    assert (first.name, second.name) == (f"attempt {GPT}", f"attempt {CLAUDE}")
    assert first.status.status_code == StatusCode.ERROR
    assert attributes(first)["error.type"] == attributes(first)["vui.ended"] == "500"
    assert second.status.status_code == StatusCode.UNSET
    assert attributes(second)["vui.hedge"] is True
    assert attributes(second)["vui.usd"] == pytest.approx(USD)
    assert first.end_time
    assert first.start_time
    assert (first.end_time - first.start_time) / 1e9 == pytest.approx(0.3, abs=0.001)
    assert [event.name for event in second.events] == ["first word", "last word"]
    assert second.start_time
    times = [(event.timestamp - second.start_time) / 1e9 for event in second.events]
    assert times == pytest.approx([0.3, 0.8], abs=0.001)


@pytest.mark.parametrize("ended", ["hung-up", "hedged-lost"])
def test_an_attempt_that_we_ended_is_no_error(ended: str) -> None:
    (span,) = Exported(call(attempt(ended=ended))).attempts
    assert span.status.status_code == StatusCode.UNSET
    assert "error.type" not in attributes(span)


def test_a_failed_call_has_its_error_type_and_quotes_no_provider() -> None:
    said = "500: you wrote 'my secret plan'"
    exported = Exported(call(attempt(ended="500", reason=said), error="500"))
    assert attributes(exported.root)["error.type"] == "500"
    assert exported.root.status.status_code == StatusCode.ERROR
    assert "secret plan" not in "".join(
        span.to_json() for span in (exported.root, *exported.attempts)
    )


@pytest.mark.parametrize("capture", [False, True])
def test_what_was_said_is_only_there_if_it_is_asked_for(capture: bool) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Is it late?"}]}]}
    one = call(attempt(body=body), said="It is noon.")
    root = attributes(Exported(one, capture=capture).root)
    if not capture:
        assert "late" not in str(root)
        assert "noon" not in str(root)
        return
    assert json.loads(root["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Is it late?"}]}
    ]
    assert json.loads(root["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is noon."}],
            "finish_reason": "stop",
        }
    ]


def test_a_call_belongs_to_its_clients_trace() -> None:
    root = Exported(call(traceparent=TRACEPARENT)).root
    assert root.context
    assert root.parent
    assert f"{root.context.trace_id:032x}" == TRACEPARENT[3:35]
    assert f"{root.parent.span_id:016x}" == TRACEPARENT[36:52]


def test_metrics_have_the_conventions_names_and_units() -> None:
    metrics = Exported(call(attempt(), attempt(CLAUDE, ended="500"), error="500")).metrics
    assert {name: unit for name, (unit, _) in metrics.items()} == {
        "gen_ai.client.token.usage": "{token}",
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "vui.cost": "{USD}",
    }
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in metrics["gen_ai.client.token.usage"][1]
    }
    assert tokens == {"input": 1200, "output": 12}
    (duration,) = metrics["gen_ai.client.operation.duration"][1]
    assert duration.sum == pytest.approx(0.9)
    assert duration.attributes["error.type"] == "500"
    assert sum(point.value for point in metrics["vui.cost"][1]) == pytest.approx(USD)


def test_headers_of_the_collector_are_credentials() -> None:
    value = "Authorization=Basic%20cGstbGYtMTIzNDU2Nzg5OnNrLWxmLTk4NzY1,x-scope=team-seventeen-9"
    redact.configure(credentials({"OTEL_EXPORTER_OTLP_HEADERS": value}))
    said = redact("401 for Basic cGstbGYtMTIzNDU2Nzg5OnNrLWxmLTk4NzY1 of team-seventeen-9")
    redact.configure([])
    assert said == "401 for $OTEL_EXPORTER_OTLP_HEADERS of $OTEL_EXPORTER_OTLP_HEADERS"
