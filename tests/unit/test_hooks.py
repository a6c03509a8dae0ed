"""Our side of LiteLLM's hooks: which deployments are chosen from, the last look, the price."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway.litellm_proxy.hooks import Hooks
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.deployment import Deployment

DEPLOYMENTS = [{"model_info": {"id": name}} for name in "abc"]
MESSAGES = [{"role": "user", "content": "Hi"}]
A = Deployment("a", "openai/gpt-4.1-mini")


class Seen:
    """Hooks that let `b` be asked, and note what they are called with."""

    def __init__(self) -> None:
        self.transformed: list[tuple] = []
        self.billed: list[Attempt] = []
        self.hooks = Hooks(lambda ids, _: {"b"} & set(ids), self.transform, self.billed.append)

    def transform(self, call: dict, provider: str, model: str, attempt: Attempt | None) -> dict:
        self.transformed.append((call["model"], provider, model, attempt))
        return call


async def test_an_attempt_is_given_its_own_deployment_and_a_choice_those_that_may_be_asked() -> (
    None
):
    hooks = Seen().hooks
    assert await hooks.async_filter_deployments("vui", DEPLOYMENTS, None, {}) == DEPLOYMENTS
    asked: dict = {"metadata": {"asked": []}}
    found = await hooks.async_filter_deployments("vui", DEPLOYMENTS, None, asked)
    assert found == DEPLOYMENTS[1:2]


@pytest.mark.parametrize("name", ["openai/*", "id-of-it"])
async def test_a_wildcards_call_is_changed_as_its_own_models(name: str) -> None:
    seen, attempt = Seen(), Attempt(A._replace(id="id-of-it"), {})
    seen.hooks.attempts["1"] = attempt
    call = {"messages": MESSAGES, "model": name, "litellm_call_id": "1"}
    await seen.hooks.async_pre_call_deployment_hook(call, None)
    assert seen.transformed == [(A.model, "openai", "gpt-4.1-mini", attempt)]


async def test_a_model_of_a_deployments_own_name_has_the_rules_of_its_base_model() -> None:
    seen = Seen()
    info = {"model_info": {"base_model": "azure/gpt-5-mini"}}
    call = {"messages": MESSAGES, "model": "azure/voice-prod", "metadata": info}
    await seen.hooks.async_pre_call_deployment_hook(call, None)
    assert seen.transformed == [("azure/voice-prod", "azure", "azure/gpt-5-mini", None)]


async def test_what_is_no_chat_is_left_alone() -> None:
    seen = Seen()
    call = {"input": "a text to embed", "model": "openai/text-embedding-3-small"}
    assert await seen.hooks.async_pre_call_deployment_hook(call, None) is None
    assert seen.transformed == []


def reported(cached: int = 0) -> Any:
    details = SimpleNamespace(cached_tokens=cached)
    usage = SimpleNamespace(prompt_tokens=1200, completion_tokens=12, prompt_tokens_details=details)
    return SimpleNamespace(usage=usage)


@pytest.mark.parametrize(
    ("report", "mocked", "usd"), [({}, False, 0.25), ({"cache_hit": True}, False, 0.0),
                                  ({}, True, 0.0)],
)  # fmt: skip
async def test_litellms_report_is_the_bill_once_and_what_no_provider_answered_is_free(
    report: dict, mocked: bool, usd: float
) -> None:
    seen, attempt = Seen(), Attempt(A, {}, mocked=mocked)
    seen.hooks.attempts["1"] = attempt
    kwargs = {"litellm_call_id": "1", "response_cost": 0.25, **report}
    for _ in range(2):
        await seen.hooks.async_log_success_event(kwargs, reported(cached=9), None, None)
    assert attempt.counts == (1200, 12, usd)
    assert attempt.cache_counts == (9, 0)
    assert attempt.billed.is_set()
    assert seen.billed == [attempt]


async def test_a_report_without_a_usage_ends_the_wait_for_one() -> None:
    seen, attempt = Seen(), Attempt(A, {})
    seen.hooks.attempts["1"] = attempt
    await seen.hooks.async_log_success_event({"litellm_call_id": "1"}, None, None, None)
    assert attempt.billed.is_set()
    assert (attempt.counts, seen.billed) == (None, [])
