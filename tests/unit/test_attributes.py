"""Attributes of traces: OpenTelemetry's names, a price only where there is one, texts only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vui_gateway.turns.call import Call
from vui_gateway.turns.deployment import Deployment
from vui_gateway.usage.attributes import of_attempt, of_call, of_deployment, of_messages
from vui_gateway.usage.bill import settle

from tests.support.billing import GPT, USD, attempt, call, unpriced


@pytest.mark.parametrize(
    ("model", "name"),
    [("openai/x", "openai"), ("bedrock/x", "aws.bedrock"), ("vertex_ai/x", "gcp.vertex_ai"),
     ("xai/x", "x_ai"), ("groq/openai/x", "groq")],
)  # fmt: skip
def test_a_provider_has_its_name_by_the_conventions(model: str, name: str) -> None:
    assert of_deployment(Deployment("a", model)) == {"gen_ai.provider.name": name}


@pytest.mark.parametrize(
    ("server", "port"),
    [("http://nas:8080", 8080), ("http://nas", 80), ("https://nas", 443)],
)
def test_a_server_is_its_host_and_its_port(server: str, port: int) -> None:
    found = of_deployment(Deployment("a", "openai/a", server=server))
    assert (found["server.address"], found["server.port"]) == ("nas", port)


def bills(one: Call) -> list:
    return [settle(tried, one.ended) for tried in one.attempts]


def test_without_the_price_of_one_attempt_a_call_has_none() -> None:
    known, unknown = call(attempt()), call(attempt(), unpriced(counts=(1200, 12, None)))
    assert of_call(known, bills(known))["gen_ai.usage.cost"] == pytest.approx(USD)
    assert "gen_ai.usage.cost" not in of_call(unknown, bills(unknown))
    assert "vui.usd" not in of_attempt(unknown.attempts[1], bills(unknown)[1])


def test_a_call_that_nobody_answered_has_no_model_and_no_first_word() -> None:
    one = Call("vui", attempts=[], began=0.0, error="no-deployment")
    found = of_call(one, [])
    assert (found["vui.outcome"], found["gen_ai.request.model"]) == ("failed", "vui")
    assert not {name for name in found if "response" in name or "provider" in name}


def test_an_attempts_tokens_are_not_added_up_with_the_calls() -> None:
    one = call(attempt())
    found = of_attempt(one.attempts[0], bills(one)[0])
    assert (found["vui.input_tokens"], found["vui.deployment"]) == (1200, GPT)
    assert not {name for name in found if name.startswith("gen_ai.usage")}


@pytest.mark.parametrize(
    ("fields", "said", "reason"),
    [
        ({"answer": {"choices": [{"message": {"content": "Yes."}}]}}, "Yes.", "stop"),
        ({"answer": {"choices": []}}, "", "stop"),
        ({"ended": "500"}, "", "error"),
    ],
)
def test_what_was_said_is_the_reply_or_the_whole_answer(
    fields: dict[str, Any], said: str, reason: str
) -> None:
    found = of_messages(call(attempt(**fields)))
    (answered,) = json.loads(found["gen_ai.output.messages"])
    assert answered["parts"] == [{"type": "text", "content": said}]
    assert answered["finish_reason"] == reason
    assert json.loads(found["gen_ai.input.messages"]) == []
