"""vui's factory of backends, once ours is installed."""

import pytest
from vui.serving.stream import llm_backend

import vui_litellm
from vui_litellm import LiteLLMBackend


def test_vuis_own_factory_makes_ours_once_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_backend, "make_backend", llm_backend.make_backend)
    monkeypatch.setattr(llm_backend, "_BACKEND", None)
    monkeypatch.setenv("VUI_LITELLM_KEY", "sk-env-0123456789")
    monkeypatch.setenv("VUI_LITELLM_CONTEXT", "4096")
    vui_litellm.install()
    made = llm_backend.make_backend("litellm", model="anthropic/claude-sonnet-4-6")
    assert isinstance(made, LiteLLMBackend)
    assert made.model == "anthropic/claude-sonnet-4-6"
    assert made._headers == {"Authorization": "Bearer sk-env-0123456789"}
    assert made.max_model_len == 4096
    assert isinstance(llm_backend.make_backend("ollama"), llm_backend.OllamaBackend)
    monkeypatch.setenv("VUI_LLM_BACKEND", "litellm")
    assert isinstance(llm_backend.get_backend(), LiteLLMBackend)


def test_our_own_factory_keeps_vuis_other_backends() -> None:
    assert isinstance(vui_litellm.make_backend("vllm"), llm_backend.VLLMBackend)
    with pytest.raises(ValueError, match="unknown VUI_LLM_BACKEND"):
        vui_litellm.make_backend("nonsense")
