"""What we rely on in LiteLLM, fact by fact: a new release that breaks one of these falls here."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import litellm
import pytest
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.types.utils import Choices, StreamingChoices
from vui_gateway.config.defaults import LITELLM_DEFAULTS, ROUTER_DEFAULTS
from vui_gateway.litellm_proxy import catalogue, patches
from vui_gateway.litellm_proxy.catalogue import UnknownProvider
from vui_gateway.litellm_proxy.hooks import Hooks
from vui_gateway.litellm_proxy.http_clients import http_client
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.litellm_proxy.transport import UNDER_WAY
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.deployment import Deployment


def deployment(group: str, identity: str, **params: Any) -> dict:
    return {
        "model_name": group,
        "litellm_params": {"model": "openai/gpt-4.1-mini", "api_key": "k", **params},
        "model_info": {"id": identity},
    }


@pytest.fixture
def router() -> Any:
    """Two groups, built as the gateway does."""
    models = [deployment("a", "1", order=1), deployment("a", "2", order=2), deployment("b", "3")]
    return RouterInForce().build(models, ROUTER_DEFAULTS, {})


@pytest.fixture
def in_force(router: Any, monkeypatch: pytest.MonkeyPatch) -> RouterInForce:
    monkeypatch.setattr(proxy_server, "llm_router", None)
    one = RouterInForce()
    one.use(router, {})
    return one


@pytest.mark.parametrize("name", LITELLM_DEFAULTS)
def test_litellm_has_the_settings_that_we_change(name: str) -> None:
    assert hasattr(litellm, name)


@pytest.mark.parametrize("name", ROUTER_DEFAULTS)
def test_the_router_has_the_settings_that_we_set(name: str) -> None:
    assert name in catalogue.router_setting_names()


def test_a_router_that_cannot_be_built_changes_nothing(in_force: RouterInForce) -> None:
    before = litellm.drop_params
    with pytest.raises(ValueError, match="nonsense"):
        in_force.build([], {"routing_strategy": "nonsense"}, {"drop_params": not before})
    assert litellm.drop_params is before
    assert in_force.model_groups == ["a", "b"]


def test_what_is_served_is_told_by_name_alias_and_wildcard(in_force: RouterInForce) -> None:
    assert [in_force.serves(name) for name in ("a", "b", "c", "")] == [True, True, False, False]
    models = [deployment("any/*", "1", model="openai/*"), deployment("a", "2")]
    in_force.use(in_force.build(models, {"model_group_alias": {"nick": "a"}}, {}), {})
    assert [in_force.serves(name) for name in ("any/x", "nick", "b")] == [True, True, False]


async def test_an_alias_of_a_wildcards_model_is_served_and_asks_that_model(
    in_force: RouterInForce,
) -> None:
    models = [deployment("openai/*", "1", model="openai/*"), deployment("a", "2")]
    hidden = {"model": "openai/gpt-4o", "hidden": True}
    aliases = {"smart": "openai/gpt-4o", "quiet": hidden, "shy": {"model": "a", "hidden": True}}
    in_force.use(in_force.build(models, {"model_group_alias": aliases}, {}), {})
    assert [in_force.serves(name) for name in aliases] == [True, True, True]
    assert [in_force.ids(name) for name in aliases] == [["1"], ["1"], ["2"]]
    assert in_force.model_groups == ["smart", "openai/*", "a"]
    assert [entry["model_name"] for entry in await in_force.listing({})] == [
        "openai/*", "a", "smart",
    ]  # fmt: skip
    by_name, by_alias = await in_force.choose("openai/gpt-4o"), await in_force.choose("smart")
    assert by_alias == by_name
    assert by_name
    assert (by_name.id, by_name.model) == ("1", "openai/gpt-4o")
    assert by_name.price


@pytest.mark.parametrize("off", [True, False])
def test_a_router_without_cooldowns_asks_redis_for_none(off: bool) -> None:
    one = RouterInForce("redis://127.0.0.1:1/0")
    router = one.build([deployment("a", "1")], {**ROUTER_DEFAULTS, "disable_cooldowns": off}, {})
    assert router.health().cooldowns.cooldown_store.has_redis is not off


@pytest.mark.parametrize(
    ("written", "thinks"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"reasoning_effort": "high"}, True),
        ({"extra_body": {"enable_thinking": True}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"reasoning_effort": "none"}, False),
        ({"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}, False),
    ],
    ids=str,
)
async def test_a_deployment_thinks_where_its_configuration_switches_it_on(
    in_force: RouterInForce, written: dict, thinks: bool
) -> None:
    in_force.use(RouterInForce().build([deployment("t", "9", **written)], ROUTER_DEFAULTS, {}), {})
    chosen = await in_force.choose("t")
    assert chosen
    assert chosen.thinks is thinks


async def test_the_lowest_order_is_chosen(in_force: RouterInForce) -> None:
    chosen = {(await in_force.choose("a") or Deployment("", "")).id for _ in range(20)}
    assert chosen == {"1"}


@pytest.mark.parametrize(
    "name",
    [name for name, value in vars(Hooks).items() if inspect.isfunction(value) and "async" in name],
)
def test_our_hooks_are_litellms(name: str) -> None:
    theirs, ours = getattr(CustomLogger, name), getattr(Hooks, name)
    assert inspect.iscoroutinefunction(ours) or inspect.isasyncgenfunction(ours)
    named = [
        p.name
        for p in inspect.signature(ours).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert set(named) <= set(inspect.signature(theirs).parameters)


def test_a_model_is_resolved_to_its_provider_and_address() -> None:
    assert catalogue.resolve_model({"model": "groq/openai/gpt-oss-120b"}) == (
        "openai/gpt-oss-120b", "groq", "https://api.groq.com/openai/v1",
    )  # fmt: skip
    assert catalogue.resolve_model({"model": "openai/x", "api_base": "http://h/v1"})[:2] == (
        "x", "openai",
    )  # fmt: skip
    with pytest.raises(UnknownProvider):
        catalogue.resolve_model({"model": "opnai/x"})
    assert "openai" in UnknownProvider.known


def test_the_model_table_knows_how_a_model_thinks() -> None:
    assert catalogue.model_info("openai", "gpt-5-mini")["supports_reasoning"]
    assert catalogue.model_info("openai", "no-such-model") == {}


@pytest.mark.parametrize("make", [Choices, StreamingChoices])
@pytest.mark.parametrize("reason", ["network_error", "insufficient_system_resource", "refusal"])
async def test_the_providers_own_finish_reason_is_kept(make: Any, reason: str) -> None:
    patches.install()
    attempt = Attempt(Deployment("a", "openai/a"), {})
    UNDER_WAY.set(attempt)
    mapped = make(finish_reason=reason).finish_reason
    make(finish_reason=mapped)  # LiteLLM maps its own word once more
    assert mapped in ("stop", "content_filter")
    assert attempt.raw_finish == reason


@pytest.mark.parametrize("provider", [None, "openai", "groq", "mistral"])
async def test_each_provider_keeps_its_client(provider: str | None) -> None:
    client = http_client(provider)
    assert isinstance(client, httpx.AsyncClient)
    assert http_client(provider) is client


def test_the_locked_version_is_the_tested_one() -> None:
    assert catalogue.untested() == ""
