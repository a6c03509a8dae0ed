"""The provider families: how LiteLLM reaches each, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.providers import anthropic, bedrock, gemini, ollama, openai, openai_like, vertex
from tests.providers.base import StandIn

ALL_KNOBS = frozenset({"temperature", "top_p", "presence_penalty"})
AT_HOME = ("Ollama", "vLLM")
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

    @property
    def name(self) -> str:
        return f"{self.provider} {self.models}"

    def entry(self, url: str) -> dict:
        params = {"model": self.model, self.base_name: self.base.format(url=url)}
        key = {} if self.base_name != "api_base" else {"api_key": "k"}
        own = {"model_name": self.name, "litellm_params": {**params, **key, **self.params}}
        return {**own, "model_info": {"local": self.provider in AT_HOME}}


class OnVertex(Family):
    """A family that is asked with a service account's tokens, and no key."""

    def entry(self, url: str) -> dict:
        entry = super().entry(url)
        entry["litellm_params"].pop("api_key")
        entry["litellm_params"]["vertex_credentials"] = vertex.service_account(url)
        return entry


VERTEX = {"vertex_project": vertex.PROJECT, "vertex_location": vertex.LOCATION}
AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-east-1"}

FAMILIES = (
    Family("OpenAI", "GPT-4.1", openai.OpenAI, "openai/gpt-4.1-mini"),
    Family("OpenAI", "GPT-5", openai_like.Reasoning, "openai/gpt-5-mini", takes=frozenset()),
    Family(
        "OpenAI", "GPT-5.4", openai_like.ReasoningNone, "openai/gpt-5.4-mini",
        takes=NO_PENALTY,
    ),
    Family(
        "Azure", "GPT-4.1", openai_like.Azure, "azure/gpt-4.1-mini", "{url}",
        {"api_version": "2024-10-21"},
    ),
    Family("Groq", "gpt-oss", openai_like.Groq, "groq/openai/gpt-oss-120b", "{url}/openai/v1"),
    Family("Mistral", "Small", openai_like.Mistral, "mistral/mistral-small-latest"),
    Family("xAI", "Grok 4.7", openai_like.XAI, "xai/grok-4.7", takes=NO_PENALTY),
    Family("xAI", "Grok 4.20", openai_like.XAI, "xai/grok-4.20-non-reasoning", takes=NO_PENALTY),
    Family("DeepSeek", "V4", openai_like.DeepSeek, "deepseek/deepseek-v4-flash"),
    Family(
        "OpenRouter", "Llama", openai_like.OpenRouter,
        "openrouter/meta-llama/llama-3.3-70b-instruct", "{url}/api/v1",
    ),
    Family(
        "OpenRouter", "Qwen3", openai_like.OpenRouterOptional,
        "openrouter/qwen/qwen3-235b-a22b-2507", "{url}/api/v1",
    ),
    Family(
        "OpenRouter", "Gemini 3.7", openai_like.OpenRouterMandatory,
        "openrouter/google/gemini-3.7-flash", "{url}/api/v1",
    ),
    Family("vLLM", "Qwen3", openai_like.VLLM, "hosted_vllm/Qwen/Qwen3-8B"),
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
        "Bedrock", "Claude 4.5", bedrock.Bedrock,
        "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "{url}", AWS, NO_PENALTY,
        "aws_bedrock_runtime_endpoint",
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
