"""LiteLLM's own callbacks that export by OpenTelemetry: nothing in the log, each its own key and
address.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from vui_gateway.variables import TELEMETRY, collector

__all__ = ["EXPORTERS", "ExportedTwiceError", "close", "headers", "made", "prepare"]

# The variables of the collector's address that LiteLLM's `otel` reads.
COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT")
OTEL, ARIZE, AGENTOPS = "otel", "arize", "agentops"
EXPORTERS = (
    OTEL, "langfuse_otel", "arize_phoenix", ARIZE, "weave_otel", "langtrace", "logfire", AGENTOPS,
    "levo", "signoz",
)  # fmt: skip
ARIZE_GRPC, ARIZE_HTTP = "ARIZE_ENDPOINT", "ARIZE_HTTP_ENDPOINT"
HEADER_VARIABLES = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")

_in_turn = threading.RLock()
_names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class ExportedTwiceError(ValueError):
    """The gateway exports to the same address by itself."""


@contextmanager
def headers(**others: str) -> Iterator[None]:
    """Replace the headers of OTEL_ variables meanwhile. Afterwards all of these variables are as
    they were, also those that LiteLLM has written.
    """
    with _in_turn:
        before = {name: value for name, value in os.environ.items() if name.startswith(TELEMETRY)}
        try:
            os.environ.update(others)
            yield
        finally:
            for name in [name for name in os.environ if name.startswith(TELEMETRY)]:
                if name not in before:
                    del os.environ[name]
            os.environ.update(before)


def made(name: str, build: Callable[[], Any], loggers: list) -> Any:
    """The exporter of this name.

    loggers: LiteLLM's, among which it looks for one of this name first.
    """
    if name == AGENTOPS:  # it asks for a token meanwhile, for ten seconds at the most
        prepare(name)
        return build()
    with headers(**({} if name == OTEL else dict.fromkeys(HEADER_VARIABLES, ""))):
        prepare(name)
        # LiteLLM takes any of the same class for the one that it looks for.
        others = [one for one in loggers if _names.get(one, name) != name]
        for one in others:
            loggers.remove(one)
        try:
            found = build()
        finally:
            loggers += others
        if found is not None:
            _names[found] = name
        return found


def close(exporter: Any) -> None:
    """Send the rest, in a thread of its own: its collector may be away."""
    # Without one where OTEL_SDK_DISABLED is set.
    processor = exporter in _names and getattr(exporter.tracer, "span_processor", None)
    if processor:
        end = processor.shutdown
        threading.Thread(target=end, name="exporter", daemon=True).start()


def prepare(name: str) -> None:
    """Undo three habits of LiteLLM's: without a collector it writes every span to the log, each
    collector gets the headers of the others, since the SDK adds those of the environment, and all
    calls of the process go to the address that was the first.

    Raises:
        ValueError: `otel` without an address, `arize` with one for gRPC.
        ExportedTwiceError: the collector gets each call from the gateway, too.
    """
    if name == OTEL and not any(map(os.environ.get, COLLECTOR)):
        raise ValueError(f"{COLLECTOR[0]} is missing in .env")
    if name == ARIZE and (ARIZE_GRPC in os.environ or not os.environ.get(ARIZE_HTTP)):
        raise ValueError(f"write {ARIZE_HTTP} into .env, and no {ARIZE_GRPC}: gRPC isn't here")
    own = collector(os.environ, "TRACES").rstrip("/")
    if own and _traces_address(name) == own:
        raise ExportedTwiceError(
            "its collector is that of the OTEL_ variables in .env, and gets each call's trace from "
            "the gateway. Remove the callback, or the variables"
        )
    # Not at the top: a gateway without traces imports none of it.
    from litellm.integrations.opentelemetry import OpenTelemetry
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExportResult

    ConsoleSpanExporter.export = lambda *_: SpanExportResult.SUCCESS  # type: ignore[method-assign]
    OpenTelemetry._skip_set_global = lambda _: True
    make = OpenTelemetry._get_span_processor
    if not hasattr(make, "__wrapped__"):

        @functools.wraps(make)
        def with_its_own_headers(self: Any, *args: Any, **options: Any) -> Any:
            own = (self.callback_name or OTEL) in (OTEL, ARIZE)  # ARIZE's are there by now
            with headers(**({} if own else dict.fromkeys(HEADER_VARIABLES, ""))):
                return make(self, *args, **options)

        OpenTelemetry._get_span_processor = with_its_own_headers


def _traces_address(name: str) -> str:
    """The address that a callback exports to; empty where that is its vendor's."""
    if name == "langfuse_otel":
        from litellm.integrations.langfuse.langfuse_otel import LangfuseOtelLogger

        base = LangfuseOtelLogger.get_langfuse_otel_config().endpoint
    elif name == "arize_phoenix":
        from litellm.integrations.arize.arize_phoenix import ArizePhoenixLogger

        base = ArizePhoenixLogger.get_arize_phoenix_config().endpoint
    elif name == OTEL:
        base = next(filter(None, map(os.environ.get, COLLECTOR)))
    else:
        return ""
    return f"{str(base).rstrip('/').removesuffix('/v1/traces')}/v1/traces"
