"""Configurations as a user writes them."""

from pathlib import Path

import yaml

from tests.support.harness import ROOT

SHIPPED = ROOT / "litellm_config.yaml"
# The model of the shipped file that answers when nothing but its provider's key is set.
MODELS = {
    "openai": "openai/gpt-4.1-mini",
    "anthropic": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-2.5-flash-lite",
    "groq": "groq/openai/gpt-oss-120b",
    "mistral": "mistral/mistral-small-latest",
    "xai": "xai/grok-4.20-non-reasoning",
    "deepseek": "deepseek/deepseek-v4-flash",
    "openrouter": "openrouter/meta-llama/llama-3.3-70b-instruct",
    "ollama": "ollama/qwen3.5:4b",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "litellm_config.yaml"
    path.write_text(text)
    return path


def model(name: str, params: str) -> str:
    return f"model_list:\n  - model_name: {name}\n    litellm_params: {params}\n"


def saved(folder: Path, **sections: object) -> Path:
    return written(folder, yaml.safe_dump(sections))


def entry(**params: object) -> dict:
    """One of `model_list`."""
    return {"model_name": "vui", "litellm_params": {"model": "openai/gpt-4.1-mini", **params}}


TWO = """model_list:
  - model_name: first
    litellm_params: {model: openai/gpt-4.1-mini, api_key: os.environ/A_API_KEY}
  - model_name: second
    litellm_params: {model: mistral/mistral-small-latest, api_key: os.environ/B_API_KEY}
"""


SHARED = """model_list:
  - model_name: m
    litellm_params: {model: azure/m, litellm_credential_name: mine}
credential_list:
  - credential_name: mine
    credential_values: {api_base: "http://a.test", api_key: os.environ/MINE_API_KEY}
"""


FALLBACKS = """
model_list:
  - model_name: a
    litellm_params: {model: openai/x, api_base: http://h/v1, api_key: k, fallbacks: FALLBACKS}
  - {model_name: b, litellm_params: {model: openai/y, api_key: k}}
"""
