"""Subscriptions that a person signs in to."""

import importlib
from pathlib import Path

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.providers.sign_in import SUBSCRIPTIONS

from tests.support.configs import model, written


@pytest.mark.parametrize("provider", SUBSCRIPTIONS)
def test_a_subscription_is_left_out_until_somebody_signs_in_and_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    module = importlib.import_module(f"litellm.llms.{provider}.authenticator")
    asked: list[object] = []  # the login in this thread, which is the main one
    monkeypatch.setattr(module.Authenticator, "get_access_token", asked.append)
    variable, name = SUBSCRIPTIONS[provider]
    other = "  - model_name: b\n    litellm_params: {model: openai/b, api_key: k}\n"
    text = model("a", f"{{model: {provider}/gpt-5}}") + other
    path, env = written(tmp_path, text), {variable: str(tmp_path / "tokens")}
    config = read_config(path, env)
    assert "b" in config.served
    assert [str(one) for one in config.left_out] == [
        f"a ({provider}/gpt-5) is left out: {tmp_path}/tokens/{name} isn't there. Sign in: `docker "
        f"compose exec gateway vui-gateway sign-in {provider}` keeps its token there, and the "
        "model is served."
    ]
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / name).write_text("token")
    assert "a" in read_config(path, env).served
    assert asked == []
