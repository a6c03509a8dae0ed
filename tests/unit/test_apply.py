"""No setting of a file keeps the gateway from its models, whatever LiteLLM raises for it."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import litellm
import pytest
import yaml
from litellm.proxy import proxy_server
from vui_gateway import app, logs
from vui_gateway.config.file import Config, read_config
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.settings import Settings
from vui_gateway.state.entries import State

from tests.support.configs import entry, saved

WRONG: tuple[object, ...] = (
    "x", "", 7, -1, 1.5, True, [], ["x"], [7], {"a": 1}, {"a": ["b"]}, [{"a": 1}],
    [{"vui": {"b": 1}}], "os.environ/NOWHERE", 10**30,
)  # fmt: skip
NAMES = {
    "router_settings": sorted(catalogue.router_setting_names()),
    "litellm_settings": sorted(catalogue.module_setting_names()),
}
# Of tasks that LiteLLM has begun for what it then refuses.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
EVERY = bool(os.environ.get("FUZZ"))


@pytest.fixture
def put_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Config]]:
    """Reads a file of these sections, and puts it in force."""
    monkeypatch.setattr(proxy_server, "llm_router", None)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    callbacks = [*litellm.callbacks]
    environ = {
        "VUI_GATEWAY_PROJECT": str(tmp_path), "VUI_LITELLM_KEY_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    in_force = app.build("sk-0123456789abcdef", State(), "").in_force

    def put(**sections: object) -> Config:
        saved(tmp_path, model_list=[entry(api_key="k")], **sections)
        settings = Settings.load(environ)

        async def apply() -> Config:  # LiteLLM wants a loop
            return in_force.apply(settings, read_config(settings.config, settings.env))

        return asyncio.run(apply())

    with monkeypatch.context() as context:
        for name, value in os.environ.items():  # put back at the end
            context.setenv(name, value)
        yield put
        put()
    litellm.callbacks[:] = callbacks


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("router_settings", "routing_strategy", "nonsense"),
        ("router_settings", "model_group_retry_policy", {"a": 1}),
        ("router_settings", "provider_budget_config", {"openai": 5}),
        ("litellm_settings", "default_fallbacks", "b"),
    ],
)
def test_a_setting_that_litellm_refuses_is_left_out_and_the_models_are_served(
    put_in_force: Callable[..., Config], section: str, name: str, value: object
) -> None:
    config = put_in_force(**{section: {name: value}})
    assert config.served == ["vui"]
    assert proxy_server.llm_router.get_model_names() == ["vui"]


def test_the_setting_that_litellm_refuses_is_named_with_its_line(
    put_in_force: Callable[..., Config], tmp_path: Path
) -> None:
    config = put_in_force(router_settings={"routing_strategy": "nonsense", "cooldown_time": 3})
    (said,) = config.warnings
    assert f"{tmp_path}/litellm_config.yaml:" in said
    assert ": router_settings.routing_strategy is left out, LiteLLM refuses it (" in said
    assert config.router_settings["cooldown_time"] == 3


def test_what_litellm_ends_the_process_with_is_left_out(
    put_in_force: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = litellm.Router.__init__

    @functools.wraps(start)
    def ends(self: litellm.Router, **settings: Any) -> None:
        if "routing_strategy" in settings:
            raise SystemExit(1)
        start(self, **settings)

    monkeypatch.setattr(litellm.Router, "__init__", ends)
    (said,) = put_in_force(router_settings={"routing_strategy": "simple-shuffle"}).warnings
    assert "router_settings.routing_strategy is left out, LiteLLM refuses it (1)" in said


@pytest.mark.parametrize("section", NAMES)
def test_no_value_of_a_wrong_type_costs_the_models(
    put_in_force: Callable[..., Config], section: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    lost = []
    for number, name in enumerate(NAMES[section]):
        for value in WRONG if EVERY else (WRONG[number % len(WRONG)],):
            try:
                config = put_in_force(**{section: {name: value}})
                assert "openai/gpt-4.1-mini" in config.models.values()
                yaml.safe_dump([config.router_settings, config.warnings])
            except BaseException as error:  # a panic of LiteLLM's Rust is no Exception
                lost.append((name, value, str(error)[-200:]))
    assert not lost
