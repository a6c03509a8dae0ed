"""What LiteLLM reads at its import is set before it."""

from __future__ import annotations

import importlib
import os

import pytest
from vui_gateway.litellm_proxy import environment
from vui_gateway.variables import WITHOUT_EFFECT


def test_variables_are_set_but_for_those_that_the_user_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in environment.ENVIRONMENT:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIOHTTP_KEEPALIVE_TIMEOUT", "7")
    for name in WITHOUT_EFFECT:
        monkeypatch.setenv(name, "postgresql://nowhere")
    importlib.reload(environment)
    set_ = {name: os.environ[name] for name in environment.ENVIRONMENT}
    assert set_ == {**environment.ENVIRONMENT, "AIOHTTP_KEEPALIVE_TIMEOUT": "7"}
    assert not set(WITHOUT_EFFECT) & set(os.environ)
