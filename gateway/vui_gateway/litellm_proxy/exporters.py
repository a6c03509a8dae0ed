"""LiteLLM's own callbacks that export by OpenTelemetry: nothing in the log, to each its own key."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vui_gateway.variables import collector

__all__ = ["EXPORTERS", "ExportedTwiceError", "headers", "prepare"]

# The variables of the collector's address that LiteLLM's `otel` reads.
COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT")
EXPORTERS = ("otel", "langfuse_otel", "arize_phoenix")
HEADER_VARIABLES = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")

_in_turn = threading.RLock()


class ExportedTwiceError(ValueError):
    """The gateway exports to the same address by itself."""


@contextmanager
def headers(**others: str) -> Iterator[None]:
    """The headers of OTEL_ variables are others meanwhile, and afterwards as they were."""
    with _in_turn:
        before = {name: os.environ.get(name, "") for name in HEADER_VARIABLES}
        try:
            os.environ.update(others)
            yield
        finally:
            os.environ.update(before)


def prepare(name: str) -> None:
    """Undo two habits of LiteLLM's: without a collector it writes every span to the log, and each
    collector gets the headers of the others, since the SDK adds those of the environment.

    Raises:
        ValueError: `otel` without an address.
        ExportedTwiceError: the collector gets each call from the gateway, too.
    """
    if name == "otel" and not any(map(os.environ.get, COLLECTOR)):
        raise ValueError(f"{COLLECTOR[0]} is missing in .env")
    if _traces_address(name) == collector(os.environ, "TRACES").rstrip("/"):
        raise ExportedTwiceError(
            "its collector is that of the OTEL_ variables in .env, and gets each call's trace from "
            "the gateway. Remove the callback, or the variables"
        )
    # Not at the top: a gateway without traces imports none of it.
    from litellm.integrations.opentelemetry import OpenTelemetry
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExportResult

    ConsoleSpanExporter.export = lambda *_: SpanExportResult.SUCCESS  # type: ignore[method-assign]
    make = OpenTelemetry._get_span_processor
    if not hasattr(make, "__wrapped__"):

        @functools.wraps(make)
        def with_its_own_headers(self: Any, *args: Any, **options: Any) -> Any:
            own = (self.callback_name or "otel") == "otel"
            with headers(**({} if own else dict.fromkeys(HEADER_VARIABLES, ""))):
                return make(self, *args, **options)

        OpenTelemetry._get_span_processor = with_its_own_headers


def _traces_address(name: str) -> str:
    """Where a callback exports to."""
    if name == "langfuse_otel":
        from litellm.integrations.langfuse.langfuse_otel import LangfuseOtelLogger

        base = LangfuseOtelLogger.get_langfuse_otel_config().endpoint
    elif name == "arize_phoenix":
        from litellm.integrations.arize.arize_phoenix import ArizePhoenixLogger

        base = ArizePhoenixLogger.get_arize_phoenix_config().endpoint
    else:
        base = next(filter(None, map(os.environ.get, COLLECTOR)))
    return f"{str(base).rstrip('/').removesuffix('/v1/traces')}/v1/traces"
