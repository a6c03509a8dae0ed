"""A company's proxy before the gateway: a provider is asked through it, a server at home isn't."""

from __future__ import annotations

from pathlib import Path

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import gateway, http, openai_model


def test_a_provider_is_asked_through_the_proxy_and_nobody_else_is(tmp_path: Path) -> None:
    proxy, home = OpenAI(), OpenAI()  # a proxy is sent the provider's own request
    with serving(proxy.app) as proxied, serving(home.app) as direct:
        models = [
            openai_model("away", "http://llm.example.com/v1"),
            openai_model("home", f"{direct}/v1"),
        ]
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), proxied)
        with gateway(tmp_path, {"model_list": models}, env) as running:
            for name in ("away", "home"):
                for stream in (False, True):
                    messages = [{"role": "user", "content": "Hello"}]
                    body = {"model": name, "messages": messages, "stream": stream}
                    address = f"{running.url}/v1/chat/completions"
                    assert http(address, body, key=running.key)[0] == 200
        assert [seen.headers["host"] for seen in proxy.seen] == ["llm.example.com"] * 2
        assert {knock.headers["host"] for knock in proxy.knocks} <= {"llm.example.com"}
        assert len(home.seen) == 2
