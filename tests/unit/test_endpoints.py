"""Which servers are one's own, by provider, address and price."""

from __future__ import annotations

import pytest
from vui_gateway.providers.endpoints import server_of, vendor


@pytest.mark.parametrize("provider", ["ollama", "ollama_chat", "lm_studio", "llamafile"])
def test_a_server_that_people_run_themselves_is_ones_own_wherever_it_is(provider: str) -> None:
    assert server_of(provider, "https://models.example.com").local
    assert server_of(provider, "").local


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8080/v1", "http://127.0.0.1:8080", "http://127.8.1.1", "http://[::1]:8080",
        "http://10.1.2.3:8000", "http://172.16.0.9", "http://192.168.1.20:1234/v1",
        "http://169.254.3.4", "http://[fe80::1]:1234", "http://[fd12:3456::1]:1234",
        "http://[::ffff:192.168.1.20]:80", "http://0.0.0.0:8000", "http://100.100.1.2:8080",
        "http://host.docker.internal:11434", "http://HOST.docker.internal:11434",
        "http://ollama:11434", "http://nas.local:8080", "http://box.lan",
    ],
)  # fmt: skip
def test_an_address_of_this_machine_or_network_is_ones_own(address: str) -> None:
    assert server_of("openai", address).local


@pytest.mark.parametrize(
    "address",
    [
        "https://api.openai.com/v1", "https://openrouter.ai/api/v1", "http://8.8.8.8:8000",
        "http://172.32.0.1", "http://192.169.1.1", "http://203.0.113.7", "http://[2001:db8::1]",
        "https://localhost.example.com", "https://10.example.com", "", "http://[broken",
    ],
)  # fmt: skip
def test_any_other_address_is_somebody_elses(address: str) -> None:
    assert not server_of("openai", address).local


def test_ollamas_own_service_is_somebody_elses() -> None:
    assert not server_of("ollama_chat", "https://ollama.com").local


@pytest.mark.parametrize(
    ("prices", "local"),
    [((0, 0), True), ((0.0, "0"), True), ((0, None), False), ((0, 1e-6), False),
     ((None, None), False), (("os.environ/X", 0), False)],
)  # fmt: skip
def test_a_price_of_nothing_makes_it_ones_own(prices: tuple, *, local: bool) -> None:
    assert server_of("openai", "https://models.example.com", prices=prices).local is local


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("address", ["http://localhost:11434", "https://api.openai.com/v1"])
def test_the_files_word_is_the_last(address: str, *, local: bool) -> None:
    assert server_of("ollama_chat", address, local=local).local is local


@pytest.mark.parametrize("model", ["ollama_chat/gpt-oss:120b-cloud", "ollama/x:cloud"])
def test_a_model_in_the_cloud_is_somebody_elses_wherever_it_is_asked(model: str) -> None:
    assert not server_of("ollama_chat", "http://localhost:11434", model=model).local


def test_a_price_above_nothing_makes_it_somebody_elses() -> None:
    assert not server_of("openai", "http://litellm:4000", paid=True).local
    assert server_of("openai", "http://litellm:4000", paid=True, local=True).local


@pytest.mark.parametrize(
    ("base", "maker"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini"),
        ("https://api.together.xyz/v1", "together_ai"),
        ("https://api.deepinfra.com/v1/openai", "deepinfra"),
        ("https://api.novita.ai/openai", "novita"),
        ("https://api.siliconflow.cn/v1", "siliconflow"),
        ("https://api.siliconflow.com/v1", "siliconflow"),
        ("https://example.com/v1", "openai"),
    ],
)
def test_the_rules_of_a_provider_hold_at_its_address_in_openais_format(
    base: str, maker: str
) -> None:
    assert vendor("openai", base) == maker
    assert vendor("anthropic", base) == "anthropic"
