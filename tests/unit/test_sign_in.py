"""Subscriptions that a person signs in to."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.litellm_proxy.sign_in import sign_in
from vui_gateway.providers.sign_in import SUBSCRIPTIONS, token_file

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


def test_a_token_is_looked_for_where_litellm_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    at_home = Path("/home/ann/.config/litellm/chatgpt/auth.json")
    assert token_file("chatgpt", {}) == token_file("chatgpt", {"CHATGPT_TOKEN_DIR": ""}) == at_home
    assert token_file("chatgpt", {"CHATGPT_TOKEN_DIR": "/data"}) == Path("/data/auth.json")


@pytest.mark.parametrize("provider", SUBSCRIPTIONS)
def test_signing_in_asks_litellm_for_a_token(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"litellm.llms.{provider}.authenticator")
    asked: list[object] = []
    login = SimpleNamespace(get_access_token=lambda: asked.append(provider))
    monkeypatch.setattr(module, "Authenticator", lambda: login)
    sign_in(provider)
    assert asked == [provider]
