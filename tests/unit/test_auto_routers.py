"""LiteLLM's complexity router: served by its rules, and named where it can't be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from vui_gateway.apply import built
from vui_gateway.config.file import Config, read_config
from vui_gateway.litellm_proxy.auto_routers import MOST_ROUTED, pinned, shortened, targets
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.turns.candidates import Fallbacks

from tests.support.configs import saved
from tests.support.scripted import Scripted, said

TIERS = {"SIMPLE": "small", "MEDIUM": ["small", "mid"], "COMPLEX": {"model_name": "big"}}


def read(folder: Path, config: dict, *names: str, **params: object) -> Config:
    router = {"model": "auto_router/complexity_router", "complexity_router_config": config}
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "k"}}
        for name in names
    ]
    listed = [{"model_name": "smart", "litellm_params": {**router, **params}}, *models]
    return read_config(saved(folder, model_list=listed), {})


def test_its_groups_are_the_default_and_those_of_its_tiers() -> None:
    params = {"complexity_router_config": {"tiers": TIERS}}
    assert targets(params) == ["small", "mid", "big"]
    assert targets({**params, "complexity_router_default_model": "big"}) == ["big", "small", "mid"]
    assert targets({"complexity_router_default_model": "big"}) == ["big"]
    assert targets({}) == []


def test_a_router_whose_models_are_served_is_served_like_a_model(tmp_path: Path) -> None:
    config = read(tmp_path, {"tiers": TIERS}, "small")
    assert config.served == ["vui", "smart", "small"]
    assert (config.left_out, config.warnings) == ([], [])
    assert config.default.note == "vui is smart: the first model of litellm_config.yaml."


@pytest.mark.parametrize("name", ["fast [beta]", "fast?", "[!a]*"])
def test_a_tiers_name_is_no_pattern_but_for_its_stars(tmp_path: Path, name: str) -> None:
    config = read(tmp_path, {"tiers": {"SIMPLE": name}}, name)
    assert (config.left_out, "smart" in config.served) == ([], True)


def test_its_other_groups_are_asked_after_the_users_fallbacks(tmp_path: Path) -> None:
    async def fallbacks() -> Fallbacks:
        config = read(tmp_path, {"tiers": TIERS}, "small", "mid")
        config.router_settings["fallbacks"] = [{"smart": ["mine"]}]
        _, found, router = built(config, tmp_path / "litellm_config.yaml", {}, RouterInForce())
        router.discard()
        return found

    assert asyncio.run(fallbacks()).of("vui") == ["mine", "small", "big", "mid"]


@pytest.mark.parametrize(
    "setting",
    [
        {"classifier_type": "llm", "classifier_llm_config": {"model": "small"}},
        {"semantic_keyword_matching": True, "embedding_model": "small"},
        {"plugins": ["a.b"]},
        {"context_compaction": {"model": "small"}},
        {"adaptive": True},
    ],
)
def test_its_rules_choose_where_a_model_would_be_asked(tmp_path: Path, setting: dict) -> None:
    config = read(tmp_path, {"tiers": TIERS, **setting}, "small")
    assert "smart" in config.served
    name = next(iter(setting))
    (line,) = [one for one in config.warnings if f"_config.{name} has no effect here" in one]
    assert line.endswith("Its rules choose.")


@pytest.mark.parametrize("rules", ["heuristic", "heuristic_v2"])
def test_both_of_its_rules_are_taken(tmp_path: Path, rules: str) -> None:
    config = read(tmp_path, {"tiers": TIERS, "classifier_type": rules}, "small")
    assert (config.warnings, config.left_out) == ([], [])


@pytest.mark.parametrize(
    ("config", "names", "wrong"),
    [
        ({"tiers": TIERS}, ["other"], "chooses among small, big, mid, and none of them is served"),
        ({"tiers": 7}, ["small"], "can't be used (Input should be a valid dictionary)"),
        ({}, ["small"], "names no model to choose"),
    ],
)
def test_a_router_that_cannot_choose_is_left_out(
    tmp_path: Path, config: dict, names: list[str], wrong: str
) -> None:
    (left,) = read(tmp_path, config, *names).left_out
    assert left.wrong == wrong


def test_a_tier_may_be_an_alias(tmp_path: Path) -> None:
    router = {
        "model": "auto_router/complexity_router",
        "complexity_router_config": {"tiers": {"SIMPLE": "tiny"}},
    }
    models = [
        {"model_name": "smart", "litellm_params": router},
        {"model_name": "small", "litellm_params": {"model": "openai/small", "api_key": "k"}},
    ]
    for of, shown in (("small", ["tiny"]), ({"model": "small", "hidden": True}, [])):
        settings = {"model_group_alias": {"tiny": of}}
        config = read_config(saved(tmp_path, model_list=models, router_settings=settings), {})
        assert (config.left_out, config.served) == ([], ["vui", *shown, "smart", "small"])


def test_the_second_router_of_a_name_is_left_out_and_the_rest_is_served(tmp_path: Path) -> None:
    router = {
        "model": "auto_router/complexity_router",
        "complexity_router_config": {"tiers": {"SIMPLE": "small"}},
    }
    models = [
        {"model_name": "small", "litellm_params": {"model": "openai/small", "api_key": "k"}},
        {"model_name": "smart", "litellm_params": router},
        {"model_name": "smart", "litellm_params": router},
    ]

    async def served() -> Config:
        config = read_config(saved(tmp_path, model_list=models), {})
        config, _, built_router = built(
            config, tmp_path / "litellm_config.yaml", {}, RouterInForce()
        )
        built_router.discard()
        return config

    config = asyncio.run(served())
    assert config.served == ["vui", "small", "smart"]
    (left,) = config.left_out
    assert str(left).endswith(
        "is there twice under this name. Give each router a model_name of its own."
    )


def test_its_rules_read_the_end_of_a_long_message() -> None:
    long = "x" * MOST_ROUTED + "end"
    assert shortened({"role": "user", "content": long})["content"] == long[3:]
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    parts = [{"type": "text", "text": long}, image]
    assert shortened({"role": "user", "content": parts})["content"] == [
        {"type": "text", "text": long[3:]}, image,
    ]  # fmt: skip
    assert shortened({"role": "assistant", "tool_calls": []})["content"] is None


@pytest.mark.parametrize("kind", ["adaptive_router", "quality_router", "semantic"])
def test_other_routers_of_litellm_are_left_out_with_the_one_to_write(
    tmp_path: Path, kind: str
) -> None:
    (left,) = read(tmp_path, {}, "small", model=f"auto_router/{kind}").left_out
    assert str(left).startswith(f"smart (auto_router/{kind}) is left out: auto_router/{kind} asks")
    assert "Write auto_router/complexity_router" in left.cure


def test_a_file_of_nothing_but_a_router_says_what_it_lacks(tmp_path: Path) -> None:
    config = read(tmp_path, {"tiers": TIERS})
    assert "chooses among small, big, mid, and none of them is served" in config.default.note


def test_a_tier_sets_knobs_and_neither_length_nor_address() -> None:
    request = {"max_tokens": 100, "temperature": 0.3, "complexity_router_config": {}}
    tier = {"temperature": 0.1, "max_tokens": 9, "api_base": "http://elsewhere", "seed": 1}
    assert pinned(request, tier) == {"temperature": 0.1, "seed": 1}


def test_the_engine_asks_the_chosen_group_first_then_the_one_that_was_asked_for() -> None:
    lab = Scripted({"a": said("It rains. It pours.")})
    seen: list[list[str]] = []
    choose = lab.engine._candidates.next

    async def next_(groups: list[str], *rest: object) -> object:
        seen.append(groups)
        return await choose(groups, *rest)  # type: ignore[arg-type]

    async def route(group: str, body: dict) -> tuple[str, dict]:
        return "big", {**body, "temperature": 0.1}

    lab.engine._candidates.next = next_  # type: ignore[method-assign, assignment]
    lab.engine._route = route
    assert lab.hear().text == "It rains. It pours."
    assert seen[0] == ["big", "vui"]
    assert lab.bodies[0][1]["temperature"] == 0.1
