"""The variables that LiteLLM takes a provider's key from, where a configuration names none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "ADDRESS_NAME", "ANOTHER_WAY", "HEADER_FIELDS", "KEY_HEADER", "NEEDS_ADDRESS", "NO_KEY",
    "USUAL", "usual_addresses", "usual_key",
]  # fmt: skip

# Sent in place of OpenAI's key, which LiteLLM would send.
NO_KEY = "none"

AZURE = (
    "AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID", "AZURE_CREDENTIAL", "AZURE_USERNAME",
)  # fmt: skip
# Of these providers it is their name in capitals, with _API_KEY.
BY_NAME = (
    "ai21", "aiml", "amazon_nova", "baseten", "bigmodel", "bytez", "cerebras", "clarifai",
    "clf_ai_gateway", "cloudflare", "codestral", "compactifai", "dashscope", "deepinfra",
    "deepseek", "edenai", "empower", "fal_ai", "galadriel", "github", "gradient_ai", "groq",
    "heroku", "hyperbolic", "inception", "litellm_proxy", "maritalk", "minimax", "modelscope",
    "moonshot", "morph", "nadir", "nebius", "nlp_cloud", "novita", "nscale", "nvidia_nim",
    "openai", "sambanova", "tencent", "v0", "wandb", "xai", "zai",
)  # fmt: skip
# As LiteLLM 1.110.2 reads them; one of them is enough. The first is the one to name. Those of its
# `openai_like/providers.json` stand there (`litellm_proxy/key_variables.py`). Providers that sign
# in by other means (Vertex, Bedrock, Databricks, …), those that answer without a key (OVHcloud),
# and servers at home aren't in it.
USUAL = {
    **{provider: (f"{provider.upper()}_API_KEY",) for provider in BY_NAME},
    "text-completion-openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "azure": AZURE,
    "mistral": ("MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "together_ai": (
        "TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN",
    ),
    "fireworks_ai": (
        "FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN",
    ),
    "perplexity": ("PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "volcengine": ("VOLCENGINE_API_KEY", "ARK_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "ai21_chat": ("AI21_API_KEY",),
    "azure_text": AZURE, "azure_ai": ("AZURE_AI_API_KEY", *AZURE),
    "custom_openai": ("OPENAI_API_KEY",),
    "aiohttp_openai": ("OPENAI_API_KEY",),
    "anthropic_text": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "text-completion-codestral": ("CODESTRAL_API_KEY",),
    "text-completion-inception": ("INCEPTION_API_KEY",),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
    "cometapi": ("COMETAPI_KEY", "COMETAPI_API_KEY"),
    "featherless_ai": ("FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"),
    "friendliai": ("FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"),
    "gigachat": ("GIGACHAT_API_KEY", "GIGACHAT_CREDENTIALS", "GIGACHAT_ACCESS_TOKEN"),
    "lambda_ai": ("LAMBDA_API_KEY",),
    "meta_llama": ("LLAMA_API_KEY",),
    "opencode_go": ("OPENCODE_GO_API_KEY", "OPENCODE_API_KEY"),
    "qwencloud": ("QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"),
    "qwen_ai_platform": ("QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"),
    "vercel_ai_gateway": ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    "voyage": ("VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"),
}  # fmt: skip
# Fields of a deployment by which it may be let in, or ask another server than the provider's; of
# its headers those that carry a key.
ANOTHER_WAY = re.compile(
    r"(?:\w+_)?(?:api_key|access_key|ad_token|access_token|identity_token_file|credentials?"
    r"|credential_name|secret|password|oauth)|token|azure_ad_token_provider|use_litellm_proxy"
    r"|mock_response"
)
HEADER_FIELDS = ("headers", "extra_headers")
KEY_HEADER = re.compile(r"authorization|(?:.+-)?(?:api-?key|subscription-key|token)", re.I)
ADDRESS_NAME = re.compile(r"(?:\w+_)?(?:api_base|base_url|endpoint)")
NEEDS_ADDRESS = ("azure", "azure_ai", "azure_text")
ALL_PROVIDERS = "*"  # LiteLLM takes each call's provider from the model that is asked for
# LiteLLM's module has a key for all, and one for each of several providers.
MODULE_KEY = re.compile(r"(.+_)?key|enable_azure_ad_token_refresh")


def usual_key(
    provider: str,
    known: Sequence[str],
    params: Mapping[str, Any],
    settings: Mapping[str, Any],
    env: Mapping[str, str],
) -> str:
    """The variable of a deployment's key; empty where it has its key or address by itself, is let
    in by another variable, or nobody knows the variable.

    Args:
        known: the variables that may hold it.
        params: its `litellm_params`.
        settings: the file's `litellm_settings`, which may hold a key for all.
    """
    given = [name for name, value in params.items() if value not in (None, "", False)]
    needs_address = provider in NEEDS_ADDRESS
    if not known or params["model"] == ALL_PROVIDERS or _is_let_in(given, params):
        return ""
    if not needs_address and any(map(ADDRESS_NAME.fullmatch, given)):
        return ""
    if any(MODULE_KEY.fullmatch(name) and value for name, value in settings.items()):
        return ""
    if not needs_address and any(map(env.get, usual_addresses(known))):
        return ""
    found = next((name for name in known if env.get(name)), known[0])
    return found if found == known[0] or found.endswith("_API_KEY") else ""


def usual_addresses(known: Sequence[str]) -> list[str]:
    """The variables that may hold the address of a provider whose key's are known."""
    prefix = known[0].removesuffix("_KEY").removesuffix("_API") if known else ""
    return [f"{prefix}{end}" for end in ("_API_BASE", "_BASE_URL") if prefix]


def _is_let_in(given: Iterable[str], params: Mapping[str, Any]) -> bool:
    """Whether a deployment has a key, or stands for one."""
    headers = [params.get(name) for name in HEADER_FIELDS]
    sent = [name for of in headers if isinstance(of, dict) for name in of]
    return any(map(ANOTHER_WAY.fullmatch, given)) or any(
        KEY_HEADER.fullmatch(str(name)) for name in sent
    )
