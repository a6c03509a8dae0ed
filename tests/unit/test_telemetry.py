"""Whether traces are made, by the variables of .env."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from vui_gateway.usage.telemetry import Telemetry

from tests.support.billing import call


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    script = """
import asyncio, sys
from vui_gateway.usage.recorder import Recorder
one = Recorder()
asyncio.run(one.telemetry.apply({"OTEL_SERVICE_NAME": "x", "OPENAI_API_KEY": "k"}))
one.telemetry.close()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    one = Telemetry(str)
    yield one
    one.close()


ADDRESS = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {ADDRESS: "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {
            ADDRESS: "http://127.0.0.1:9",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:9"},
    ],
)
async def test_what_is_switched_off_is_not_made(
    telemetry: Telemetry, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vui_gateway.usage.traces.by_otlp", None)
    await telemetry.apply(env)
    assert not telemetry.failed


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "port 4318"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-5"}, "Correct them."),
    ],
)
async def test_a_value_that_the_sdk_refuses_is_said_with_its_cure(
    telemetry: Telemetry, env: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {ADDRESS: "http://127.0.0.1:9", **env}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    await telemetry.apply(env)
    (sentence,) = telemetry.failed
    assert said in sentence
    telemetry.record(call(), [])
    await telemetry.apply({})
    assert not telemetry.failed
