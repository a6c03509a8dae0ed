"""Traces and metrics as a collector gets them, and calls while it is away."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.providers.otlp import Collector, ReceivedSpan
from tests.support.harness import Program, free_port, gateway, http, openai_model
from tests.support.poll import wait_until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
SAID = "The rain falls here. Take a coat with you. It is cold as well."
SECRET = "otlp-key-5f1c9d3ab27e"
PHOENIX_KEY = "phoenix-key-83b1c0d95e"
AWAY = "don't reach their collector"


def env_of(collector: str) -> str:
    return (
        f"OTEL_EXPORTER_OTLP_ENDPOINT={collector}\n"
        f"OTEL_EXPORTER_OTLP_HEADERS=x-api-key={SECRET}\n"
        "OTEL_SERVICE_NAME=kitchen\nOTEL_BSP_SCHEDULE_DELAY=100\nOTEL_METRIC_EXPORT_INTERVAL=200\n"
    )


@dataclass
class Traced:
    """A gateway, its collector, and the stand-ins of its groups."""

    program: Program
    collector: Collector
    address: str
    first: OpenAI
    second: OpenAI

    def ask(self, model: str, *, stream: bool = True, **headers: str) -> str:
        """The text of an answer, or of an error."""
        message = {"role": "user", "content": "Is it raining?"}
        body = {"model": model, "stream": stream, "messages": [message]}
        request = urllib.request.Request(
            f"{self.program.url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.program.key}", "Content-Type": "application/json"}
            | headers,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def traced(self, model: str) -> tuple[ReceivedSpan, list[ReceivedSpan]]:
        """The last call of a model group, and its attempts."""
        wait_until(lambda: self.collector.calls(model), 10, f"the call of {model} is exported")
        call = self.collector.calls(model)[-1]
        return call, self.collector.attempts(call)

    def save(self, env: str) -> None:
        """Save `.env`, and return when it is in force."""
        path, before = self.program.project / ".env", self.program.log.count("Serving")
        path.write_text(env)
        wait_until(lambda: self.program.log.count("Serving") > before, 10, ".env is in force")


@pytest.fixture(scope="module")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    one, two, collector = OpenAI(), OpenAI(), Collector()
    with (
        serving(one.app) as first,
        serving(two.app) as second,
        serving(collector.app) as address,
    ):
        entries = []
        for group in ("takeover", "hedged", "late"):
            for order, base in enumerate((first, second), 1):
                entry = openai_model("gpt-4.1-mini", f"{base}/v1", order=order)
                entries.append({**entry, "model_name": group})
        alone = openai_model("gpt-4.1-mini", f"{first}/v1")
        entries.append({**alone, "model_name": "sick"})
        entries.append({**alone, "model_name": "paid"})
        entries.append({**alone, "model_name": "home", "model_info": {"local": True}})
        config = {
            "model_list": entries,
            "litellm_settings": {"callbacks": ["otel", "langfuse_otel", "arize_phoenix"]},
            "router_settings": {"cooldown_time": 0.1},
        }
        folder = tmp_path_factory.mktemp("traced")
        others = {
            "LANGFUSE_OTEL_HOST": address,
            "LANGFUSE_PUBLIC_KEY": "pk-lf-1f5e",
            "LANGFUSE_SECRET_KEY": "sk-lf-77d2",
            "PHOENIX_COLLECTOR_HTTP_ENDPOINT": f"{address}/phoenix",
            "PHOENIX_API_KEY": PHOENIX_KEY,
        }
        with gateway(folder, config, others) as program:
            yield Traced(program, collector, address, one, two)


@pytest.fixture
def lab(_lab: Traced) -> Traced:
    """All are well, and the collector is there."""
    _lab.first.clear()
    _lab.second.clear()
    time.sleep(0.2)  # the cooldown
    return _lab


def test_otel_without_a_collector_is_one_sentence_and_no_span_in_the_log(lab: Traced) -> None:
    wait_until(lambda: "callbacks otel is left out" in lab.program.log, 10, "the sentence is there")
    lab.ask("paid")
    assert lab.program.log.count("OTEL_EXPORTER_OTLP_ENDPOINT is missing in .env") == 1
    assert "trace_id" not in lab.program.log


def test_a_collector_takes_effect_as_env_is_saved(lab: Traced) -> None:
    lab.save(env_of(lab.address))
    assert "takes effect after" not in lab.program.log
    lab.ask("paid")
    call, (attempt,) = lab.traced("paid")
    assert call.service == "kitchen"
    assert not call.error
    assert call.attributes["gen_ai.usage.cost"] > 0
    assert call.attributes["server.address"] == "127.0.0.1"
    assert attempt.attributes["vui.ended"] == "ok"
    assert attempt.events == ["first word", "last word"]
    ours = [one for one in lab.collector.headers if one[":path"] == "/v1/traces"]
    assert all(one["x-api-key"] == SECRET for one in ours)


def test_a_callback_with_the_gateways_own_collector_exports_nothing_a_second_time(
    lab: Traced,
) -> None:
    said = "callbacks otel is left out: its collector is that of the OTEL_ variables in .env"
    wait_until(lambda: said in lab.program.log, 10, lambda: lab.program.log)
    lab.ask("paid")
    wanted = "/phoenix/v1/traces"
    wait_until(lambda: wanted in {one[":path"] for one in lab.collector.headers}, 15, "the others")
    paths = {one.path for one in lab.collector.spans if "litellm" in one.name}
    assert "/v1/traces" not in paths
    assert lab.program.log.count(said) == 1


def test_litellms_own_callbacks_export_too(lab: Traced) -> None:
    lab.ask("paid")
    wait_until(lambda: any("litellm" in s.name for s in lab.collector.spans), 10, "LiteLLM's span")
    wanted = {"/api/public/otel/v1/traces", "/phoenix/v1/traces", "/v1/traces"}
    wait_until(
        lambda: wanted <= {one[":path"] for one in lab.collector.headers}, 15, "all have exported"
    )
    assert "trace_id" not in lab.program.log


def test_each_collector_gets_its_own_key_only(lab: Traced) -> None:
    def got(key: str) -> set[str]:
        return {one[":path"] for one in lab.collector.headers if key in str(one)}

    assert got(PHOENIX_KEY) == {"/phoenix/v1/traces"}
    assert got(SECRET) == {"/v1/traces", "/v1/metrics"}


def test_a_takeover_shows_who_broke_off_and_who_went_on(lab: Traced) -> None:
    lab.first.clear(text=SAID, fault="reset", words=7)
    lab.second.clear(continued="It is cold as well.")
    lab.ask("takeover")
    call, (first, second) = lab.traced("takeover")
    assert call.attributes["vui.fallback"] is True
    assert call.attributes["vui.outcome"] == "ok"
    assert first.error
    assert first.attributes["error.type"] == first.attributes["vui.ended"]
    assert first.events[0] == "first word"
    assert (second.error, second.attributes["vui.ended"]) == (False, "ok")
    assert call.began <= first.began < first.ended <= second.ended <= call.ended
    assert second.attributes["vui.hedge"] is False


def test_a_hedge_shows_both_and_which_one_lost(lab: Traced) -> None:
    lab.first.clear(delay=3.5)
    lab.ask("hedged")
    call, (first, second) = lab.traced("hedged")
    assert call.attributes["vui.fallback"] is False
    assert (first.attributes["vui.ended"], first.attributes["vui.hedge"]) == ("hedged-lost", False)
    assert (second.attributes["vui.ended"], second.attributes["vui.hedge"]) == ("ok", True)
    assert second.began < first.ended
    assert not (call.error)
    assert not (first.error)
    assert not (second.error)


def test_an_error_has_its_type(lab: Traced) -> None:
    lab.first.clear(fault=500)
    status, _ = http(
        f"{lab.program.url}/v1/chat/completions",
        {"model": "sick", "messages": [{"role": "user", "content": "Hi"}]},
        key=lab.program.key,
    )
    assert status >= 500
    call, attempts = lab.traced("sick")
    assert call.error
    assert call.attributes["error.type"] == "500"
    assert {one.attributes["error.type"] for one in attempts} == {"500"}


def test_the_clients_trace_goes_on_to_servers_at_home_only(lab: Traced) -> None:
    for model in ("home", "paid"):
        lab.ask(model, traceparent=TRACEPARENT)
    sent = {seen.headers.get("traceparent") for seen in lab.first.seen[:1]}
    assert sent == {TRACEPARENT}
    assert all("traceparent" not in seen.headers for seen in lab.first.seen[1:])
    wait_until(lambda: lab.collector.calls("home"), 10, "the call is exported")
    call = lab.collector.calls("home")[-1]
    assert (call.trace, call.parent) == (TRACE, SPAN)


def test_metrics_arrive_with_their_units(lab: Traced) -> None:
    units = {
        "gen_ai.client.token.usage": "{token}",
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "vui.cost": "{USD}",
    }
    lab.ask("paid")
    wait_until(lambda: set(units) <= set(lab.collector.figures), 10, "the metrics are exported")
    assert {name: lab.collector.figures[name][0] for name in units} == units
    assert all("raining" not in str(span) for span in lab.collector.calls("paid"))


def test_a_collector_that_is_away_is_said_once_and_costs_no_call(lab: Traced) -> None:
    lab.save(env_of(f"http://127.0.0.1:{free_port()}"))
    for _ in range(3):
        assert "data: [DONE]" in lab.ask("paid")
        time.sleep(0.3)
    wait_until(lambda: AWAY in lab.program.log, 20, "it is said")
    time.sleep(2)
    assert lab.program.log.count(AWAY) == 1
    assert "Traceback" not in lab.program.log
    assert SECRET not in lab.program.log
    began = time.monotonic()
    lab.program.stop()
    assert time.monotonic() - began < 5


def test_the_log_of_the_whole_day_is_short(lab: Traced) -> None:
    assert len(lab.program.log.splitlines()) < 40
