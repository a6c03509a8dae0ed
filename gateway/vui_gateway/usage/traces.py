"""A trace for each call and metrics, by OpenTelemetry's conventions for generative AI.

https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NoOpTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)
from opentelemetry.trace import TracerProvider as AnyTracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from vui_gateway.errors import Code, Ending, page_sentence
from vui_gateway.redaction import redact
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.attributes import of_attempt, of_call, of_deployment, of_messages
from vui_gateway.usage.bill import Bill

__all__ = ["Traces", "by_otlp"]

NAME = "vui-gateway"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
# Why an attempt ended that hasn't failed.
WELL = frozenset({Ending.OK, Ending.HUNG_UP, Ending.HEDGED_LOST, ""})
# The buckets that the conventions advise.
TOKENS = [4**n for n in range(14)]
SECOND_BUCKETS = [0.01 * 2**n for n in range(14)]
FIRST_SECONDS = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]  # fmt: skip


def by_otlp(signals: set[str], env: Mapping[str, str], label: Callable[[str], str]) -> Traces:
    """Export by OTLP over HTTP; the SDK reads its variables in the process's environment.

    signals: "TRACES", "METRICS".

    Raises:
        Exception: the SDK refuses a value.
    """
    # The user's name of the service has precedence.
    resource = Resource.create({SERVICE_NAME: NAME}).merge(OTELResourceDetector().detect())
    tracers: AnyTracerProvider = NoOpTracerProvider()
    meters: AnyMeterProvider = NoOpMeterProvider()
    if "TRACES" in signals:
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if "METRICS" in signals:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    return Traces(tracers, meters, label, capture=env.get(CAPTURE, "").lower() == "true")


class Traces:
    """Makes the spans and figures of a call once it is over.

    Args:
        label: of a model's name, the value of a metric's attribute.
        capture: what was said is recorded, too.
    """

    def __init__(
        self,
        tracers: AnyTracerProvider,
        meters: AnyMeterProvider,
        label: Callable[[str], str] = str,
        *,
        capture: bool = False,
    ) -> None:
        self._providers, self._label, self._capture = (tracers, meters), label, capture
        self._tracer = tracers.get_tracer(NAME)
        meter = meters.get_meter(NAME)

        def histogram(name: str, unit: str, text: str, buckets: Sequence[float]) -> Any:
            return meter.create_histogram(
                f"gen_ai.client.{name}", unit, text, explicit_bucket_boundaries_advisory=buckets
            )

        self._tokens = histogram("token.usage", "{token}", "Tokens of an attempt", TOKENS)
        self._seconds = histogram("operation.duration", "s", "Seconds of a call", SECOND_BUCKETS)
        self._first = histogram(
            "operation.time_to_first_chunk", "s", "Seconds until the first word", FIRST_SECONDS
        )
        self._usd = meter.create_counter("vui.cost", "{USD}", "Price in US dollars")

    def record(self, call: Call, bills: Sequence[Bill]) -> None:
        """Record a call that is over."""
        self._trace(call, bills)
        self._count(call, bills)

    def close(self) -> None:
        """Send the rest."""
        for provider in self._providers:
            if isinstance(provider, TracerProvider | MeterProvider):
                provider.shutdown()

    def _trace(self, call: Call, bills: Sequence[Bill]) -> None:
        wall = time.time_ns() - time.monotonic_ns()  # the loop's clock is the monotonic one

        def at(seconds: float) -> int:
            """Nanoseconds since 1970 of a time of the loop."""
            return wall + round(seconds * 1e9)

        parent = TraceContextTextMapPropagator().extract({"traceparent": call.traceparent})
        root = self._tracer.start_span(
            f"chat {call.model_group}",
            parent,
            SpanKind.CLIENT,
            of_call(call, bills) | (of_messages(call) if self._capture else {}),
            start_time=at(call.began),
        )
        if call.released:
            root.add_event("first sentence", timestamp=at(call.released))
        for attempt, bill in zip(call.attempts, bills, strict=True):
            span = self._tracer.start_span(
                f"attempt {attempt.deployment.model}",
                set_span_in_context(root),
                SpanKind.CLIENT,
                of_attempt(attempt, bill),
                start_time=at(attempt.began),
            )
            for name in ("first_word", "last_word"):
                if moment := getattr(attempt, name):
                    span.add_event(name.replace("_", " "), timestamp=at(moment))
            if attempt.ended not in WELL:
                sentence = page_sentence(attempt.deployment.model, attempt.code, attempt.ended)
                _fail(span, attempt.ended, sentence)
            # LiteLLM may read on for a moment after the end of the call.
            span.end(at(min(attempt.over or call.ended, call.ended)))
        if call.outcome == "failed":
            _fail(root, call.error, call.error.page if isinstance(call.error, Code) else "")
        root.end(at(call.ended))

    def _count(self, call: Call, bills: Sequence[Bill]) -> None:
        def labels(deployment: Deployment | None) -> dict[str, Any]:
            asked = {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": self._label(call.model_group),
            }
            if deployment is None:
                return asked
            answered = {"gen_ai.response.model": self._label(deployment.model)}
            return asked | answered | of_deployment(deployment)

        for attempt, bill in zip(call.attempts, bills, strict=True):
            of = labels(attempt.deployment)
            for kind, tokens in (("input", bill.tokens_in), ("output", bill.tokens_out)):
                if tokens:
                    self._tokens.record(tokens, of | {"gen_ai.token.type": kind})
            self._usd.add(bill.usd or 0, of)
        last = call.answered_or_last
        of = labels(last.deployment if last else None)
        if call.first_token:
            self._first.record(call.first_token - call.began, of)
        error = {"error.type": str(call.error)} if call.outcome == "failed" else {}
        self._seconds.record(call.ended - call.began, of | error)


def _fail(span: Span, kind: str, sentence: str) -> None:
    span.set_attribute("error.type", str(kind))
    span.set_status(Status(StatusCode.ERROR, redact(sentence)))
