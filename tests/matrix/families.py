"""The provider families: how LiteLLM reaches each, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.providers import (
    anthropic,
    bedrock,
    gemini,
    ollama,
    openai,
    openai_hosts,
    openai_like,
    responses,
    templates,
    vertex,
)
from tests.providers.base import StandIn

ALL_KNOBS = frozenset({"temperature", "top_p", "presence_penalty"})
AT_HOME = ("Ollama", "vLLM", "LM Studio")
NO_PENALTY = ALL_KNOBS - {"presence_penalty"}


@dataclass(frozen=True)
class Family:
    """One model family of one provider: how LiteLLM reaches it, and what it takes."""

    provider: str
    models: str
    stand_in: type[StandIn]
    model: str
    base: str = "{url}/v1"
    params: dict = field(default_factory=dict)
    takes: frozenset[str] = ALL_KNOBS
    base_name: str = "api_base"
    # LiteLLM marks every chunk of Gemini's as the last one: an early end that is clean at the level
    # of HTTP can't be told from the real one.
    end_is_told: bool = True
    # LiteLLM reads no error inside of Azure AI's streams: the reply breaks off without its words.
    error_is_told: bool = True
    # Without tools, thoughts are answered without it: nothing is asked, nothing is billed.
    tools: bool = True
    # Its name doesn't say what it refuses, or that it thinks: the first calls show it.
    learned: bool = False
    # Somebody else's LiteLLM is enough for it.
    alone: bool = True

    @property
    def name(self) -> str:
        return f"{self.provider} {self.models}"

    @property
    def choosy(self) -> str:
        """The name of its deployment that refuses fields: what is learned of it stays there."""
        return f"{self.name}, choosy"

    def entry(self, url: str, name: str = "") -> dict:
        """Of `model_list`, under its own name or another."""
        params = {"model": self.model, self.base_name: self.base.format(url=url)}
        key = {} if self.base_name != "api_base" else {"api_key": "k"}
        own = {"model_name": name or self.name, "litellm_params": {**params, **key, **self.params}}
        return {**own, "model_info": {"local": self.provider in AT_HOME}}


class OnVertex(Family):
    """A family that is asked with a service account's tokens, and no key."""

    def entry(self, url: str, name: str = "") -> dict:
        entry = super().entry(url, name)
        entry["litellm_params"].pop("api_key")
        entry["litellm_params"]["vertex_credentials"] = vertex.service_account(url)
        return entry


VERTEX = {"vertex_project": vertex.PROJECT, "vertex_location": vertex.LOCATION}
AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-east-1"}

FAMILIES = (
    Family("OpenAI", "GPT-4.1", openai.OpenAI, "openai/gpt-4.1-mini"),
    Family("OpenAI", "GPT-5", openai_like.Reasoning, "openai/gpt-5-mini", takes=frozenset()),
    Family(
        "OpenAI", "GPT-5.4", responses.GPT54Thoughts, "openai/gpt-5.4-mini",
        takes=NO_PENALTY,
    ),
    Family(
        "OpenAI", "GPT-5.6", responses.GPT56Thoughts, "openai/gpt-5.6-luna", takes=NO_PENALTY,
    ),
    Family(
        "OpenAI", "Responses", responses.Responses, "openai/responses/gpt-5.6-luna",
        takes=NO_PENALTY,
    ),
    Family(
        "Azure", "GPT-4.1", openai_like.Azure, "azure/gpt-4.1-mini", "{url}",
        {"api_version": "2024-10-21"},
    ),
    Family(
        "Azure", "Unnamed GPT-5", openai_like.AzureReasoning, "azure/voice-prod", "{url}",
        {"api_version": "2024-10-21"}, takes=frozenset(), learned=True,
        alone=False,
    ),
    Family(
        "Azure Foundry", "Llama", openai_hosts.Foundry, "azure_ai/Llama-3.3-70B-Instruct",
        "{url}/models", error_is_told=False,
    ),
    Family("Groq", "gpt-oss", openai_like.Groq, "groq/openai/gpt-oss-120b", "{url}/openai/v1"),
    Family("Mistral", "Small", openai_like.Mistral, "mistral/mistral-small-latest"),
    Family("xAI", "Grok 4.7", openai_like.XAI, "xai/grok-4.7", takes=NO_PENALTY),
    Family("xAI", "Grok 4.20", openai_like.XAI, "xai/grok-4.20-non-reasoning", takes=NO_PENALTY),
    Family("DeepSeek", "V4", openai_like.DeepSeek, "deepseek/deepseek-v4-flash"),
    *(
        Family("OpenRouter", models, stand_in, f"openrouter/{model}", "{url}/api/v1")
        for models, stand_in, model in (
            ("Llama", openai_like.OpenRouter, "meta-llama/llama-3.3-70b-instruct"),
            ("Qwen3", openai_like.OpenRouterOptional, "qwen/qwen3-235b-a22b-2507"),
            ("Gemini 3.7", openai_like.OpenRouterMandatory, "google/gemini-3.7-flash"),
            ("MiniMax M2", openai_like.OpenRouterMandatory, "minimax/minimax-m2"),
            ("Kimi K2.5", openai_like.OpenRouterOptional, "moonshotai/kimi-k2.5"),
            ("Nemotron 3", openai_like.OpenRouterOptional, "nvidia/nemotron-3-nano-30b-a3b"),
        )
    ),
    Family(
        "Z.ai", "GLM 4.6", openai_hosts.ZAI, "zai/glm-4.6", "{url}/api/paas/v4", takes=NO_PENALTY,
    ),
    Family(
        "Z.ai", "GLM 5.3", openai_hosts.ZAIAlways, "zai/glm-5.3", "{url}/api/paas/v4",
        takes=NO_PENALTY,
    ),
    Family("Moonshot", "Kimi K2.5", openai_hosts.Kimi, "moonshot/kimi-k2.5", takes=frozenset()),
    Family(
        "DashScope", "Qwen3", openai_hosts.DashScope, "dashscope/qwen3-32b",
        "{url}/compatible-mode/v1",
    ),
    Family(
        "Perplexity", "Sonar", openai_hosts.Perplexity, "perplexity/sonar", "{url}", tools=False,
        alone=False,  # the marks of its sources are heard
    ),
    Family(
        "Cerebras", "gpt-oss", openai_hosts.Cerebras, "cerebras/gpt-oss-120b", takes=NO_PENALTY,
    ),
    Family(
        "Together", "Qwen3.5", openai_hosts.Together, "together_ai/Qwen/Qwen3.5-397B-A17B",
    ),
    Family(
        "Fireworks", "Kimi K2.5", openai_hosts.Fireworks,
        "fireworks_ai/accounts/fireworks/models/kimi-k2p5", "{url}/inference/v1",
    ),
    Family(
        "NVIDIA NIM", "Nemotron 3", openai_hosts.NIM, "nvidia_nim/nvidia/nemotron-3-nano-30b-a3b",
        alone=False,  # LiteLLM asks for no usage of a stream
    ),
    Family(
        "GitHub", "GPT-4.1", openai_hosts.GitHub, "github/openai/gpt-4.1-mini", "{url}/inference",
    ),
    Family("LM Studio", "Qwen3", openai_hosts.LMStudio, "lm_studio/qwen/qwen3-8b"),
    Family("vLLM", "Qwen3", openai_like.VLLM, "hosted_vllm/Qwen/Qwen3-8B"),
    Family("vLLM", "Qwen3.5", templates.VLLMQwen35, "hosted_vllm/Qwen/Qwen3.5-9B"),
    Family("vLLM", "Gemma 3", templates.VLLMGemma, "hosted_vllm/google/gemma-3-12b-it"),
    Family(
        "vLLM", "Mistral", templates.VLLMMistral,
        "hosted_vllm/mistralai/Mistral-Small-3.2-24B-Instruct-2506", learned=True,
    ),
    Family(
        "Anthropic", "Claude 4.5", anthropic.Anthropic, "anthropic/claude-haiku-4-5", "{url}",
        takes=NO_PENALTY,
    ),
    Family(
        "Anthropic", "Claude 4.6", anthropic.Anthropic, "anthropic/claude-sonnet-4-6", "{url}",
        takes=NO_PENALTY,
    ),
    Family(
        "Anthropic", "Claude 5.5", anthropic.Anthropic, "anthropic/claude-haiku-5-5", "{url}",
        takes=frozenset(),
    ),
    Family(
        "Gemini", "2.5", gemini.Gemini, "gemini/gemini-2.5-flash", "{url}/v1beta",
        takes=NO_PENALTY, end_is_told=False,
    ),
    Family(
        # Its sampling is Google's own; LiteLLM leaves the knobs out since 1.109.
        "Gemini", "3.5", gemini.Gemini3, "gemini/gemini-3.5-flash-lite", "{url}/v1beta",
        takes=frozenset(), end_is_told=False,
    ),
    Family("Ollama", "Qwen3.5", ollama.Ollama, "ollama_chat/qwen3.5:4b", "{url}", takes=NO_PENALTY),
    Family(
        "Ollama", "gpt-oss", ollama.OllamaGptOss, "ollama_chat/gpt-oss:20b", "{url}",
        takes=NO_PENALTY,
    ),
    Family(
        "Bedrock", "Claude 4.5", bedrock.Bedrock,
        "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "{url}", AWS, NO_PENALTY,
        "aws_bedrock_runtime_endpoint",
    ),
    Family(
        "Bedrock", "Nova", bedrock.Nova, "bedrock/us.amazon.nova-lite-v1:0", "{url}", AWS,
        NO_PENALTY, "aws_bedrock_runtime_endpoint",
    ),
    Family(
        "Bedrock", "gpt-oss", bedrock.BedrockGptOss, "bedrock/openai.gpt-oss-120b-1:0", "{url}",
        AWS, NO_PENALTY, "aws_bedrock_runtime_endpoint",
    ),
    OnVertex(
        "Vertex", "Gemini 2.5", vertex.VertexGemini, "vertex_ai/gemini-2.5-flash",
        "{url}" + f"{vertex.MODELS}/google/models/gemini-2.5-flash", VERTEX,
        takes=NO_PENALTY, end_is_told=False,
    ),
    OnVertex(
        "Vertex", "Claude 4.5", vertex.VertexClaude, "vertex_ai/claude-haiku-4-5@20251001",
        "{url}" + f"{vertex.MODELS}/anthropic/models/claude-haiku-4-5@20251001", VERTEX,
        takes=NO_PENALTY,
    ),
)  # fmt: skip
