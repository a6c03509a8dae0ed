"""A collector: OTLP over HTTP, which takes protobuf and nothing else.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["Collector", "ReceivedSpan"]

PROTOBUF = "application/x-protobuf"
Attributes = dict[str, Any]


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived; ids are hexadecimal, times nanoseconds.

    Attributes:
        error: the status is one; message: of it.
        events: names, in order.
    """

    name: str
    trace: str
    id: str
    parent: str
    attributes: Attributes
    events: list[str]
    error: bool
    message: str
    began: int
    ended: int
    service: str
    path: str


class Collector:
    """Keeps what it gets.

    Attributes:
        figures: by a metric's name, its unit and the attributes of its points.
        headers: of each request, with its path.
    """

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.figures: dict[str, tuple[str, list[Attributes]]] = {}
        self.headers: list[dict[str, str]] = []
        self.app = Starlette(
            routes=[
                Route("/{before:path}v1/traces", self._traces, methods=["POST"]),
                Route("/v1/metrics", self._metrics, methods=["POST"]),
            ]
        )

    def calls(self, model: str) -> list[ReceivedSpan]:
        """The calls of a model group that arrived whole: their attempts come with them."""
        return [span for span in self.spans if span.name == f"chat {model}"]

    def attempts(self, call: ReceivedSpan) -> list[ReceivedSpan]:
        """The attempts of a call, the earliest first."""
        mine = (span for span in self.spans if (span.trace, span.parent) == (call.trace, call.id))
        return sorted(mine, key=lambda span: span.began)

    async def _traces(self, request: Request) -> Response:
        if (body := await self._body(request)) is None:
            return Response(status_code=415)
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _attributes(of.resource.attributes).get("service.name", "")
            for scope in of.scope_spans:
                self.spans += [_span(span, service, request.url.path) for span in scope.spans]
        return _answer(ExportTraceServiceResponse())

    async def _metrics(self, request: Request) -> Response:
        if (body := await self._body(request)) is None:
            return Response(status_code=415)
        for of in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in of.scope_metrics:
                for metric in scope.metrics:
                    points = getattr(metric, metric.WhichOneof("data") or "gauge").data_points
                    found = [_attributes(point.attributes) for point in points]
                    self.figures[metric.name] = metric.unit, found
        return _answer(ExportMetricsServiceResponse())

    async def _body(self, request: Request) -> bytes | None:
        self.headers.append({":path": request.url.path, **request.headers})
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return body if request.headers.get("content-type") == PROTOBUF else None


def _answer(message: Any) -> Response:
    return Response(message.SerializeToString(), media_type=PROTOBUF)


def _span(span: Any, service: str, path: str) -> ReceivedSpan:
    return ReceivedSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _attributes(span.attributes),
        [event.name for event in span.events],
        span.status.code == span.status.STATUS_CODE_ERROR,
        span.status.message,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        service,
        path,
    )


def _attributes(pairs: Any) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None
