"""Providers that speak OpenAI's format with rules of their own."""

from __future__ import annotations

import json

from starlette.requests import Request

from tests.providers.anthropic import CACHING as CLAUDE
from tests.providers.base import Refused, sse
from tests.providers.cache import HOUR, Bill, Rule
from tests.providers.openai import CACHES, FIELDS, PART_FIELDS, TOOL_FIELDS, OpenAI


class Reasoning(OpenAI):
    """OpenAI's reasoning models: GPT-5 and the o series.

    Sampling knobs, `stop` and `max_tokens` are refused:
    https://platform.openai.com/docs/guides/reasoning and
    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning#not-supported
    """

    refused_fields: tuple[str, ...] = (
        *("max_tokens", "top_p", "presence_penalty", "frequency_penalty", "stop"),
        *("logprobs", "top_logprobs", "logit_bias"),
    )
    efforts: tuple[str, ...] = ("minimal", "low", "medium", "high")  # GPT-5

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("temperature") not in (None, 1, 1.0):
            raise Refused("Unsupported value: 'temperature' does not support this value. Only 1.")
        effort = body.get("reasoning_effort")
        if effort is not None and effort not in self.efforts:
            raise Refused(f"Unsupported value: 'reasoning_effort' does not support '{effort}'.")

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort", "medium") not in ("none", "minimal")


class ReasoningNone(Reasoning):
    """GPT-5.1 and later take `none`, and no longer `minimal`.

    With `none`, and only then, they take temperature, top_p and logprobs:
    https://platform.openai.com/docs/guides/latest-model
    """

    efforts = ("none", "low", "medium", "high", "xhigh")
    refused_fields = ("max_tokens", "presence_penalty", "frequency_penalty", "stop", "logit_bias")

    def check_body(self, body: dict) -> None:
        OpenAI.check_body(self, body)
        effort = body.get("reasoning_effort")
        if effort not in (None, *self.efforts):
            raise Refused(f"Unsupported value: 'reasoning_effort' does not support '{effort}'.")
        for name in ("temperature", "top_p", "logprobs"):
            if body.get(name) is not None and effort != "none":
                raise Refused(f"Unsupported parameter: '{name}' is not supported with this model.")


class GPT56(ReasoningNone):
    """GPT-5.6: places in the prompt can be marked for the cache.

    https://developers.openai.com/api/docs/guides/prompt-caching
    """

    fields = FIELDS | {"prompt_cache_options"}
    part_fields = PART_FIELDS | {"prompt_cache_breakpoint"}


class Azure(OpenAI):
    """Azure OpenAI: the deployment is in the path, the version in the query, the key in `api-key`.

    https://learn.microsoft.com/azure/ai-foundry/openai/reference#chat-completions
    """

    def check(self, request: Request, body: dict) -> None:
        path = request.url.path
        if not path.startswith("/openai/deployments/") or not path.endswith("/chat/completions"):
            raise Refused("Resource not found", 404)
        if not request.query_params.get("api-version"):
            raise Refused("Missing required query parameter: api-version", 404)
        if not request.headers.get("api-key"):
            raise Refused("Access denied due to missing subscription key.", 401)
        self.check_body({**body, "model": body.get("model") or "deployment"})


class Groq(OpenAI):
    """https://console.groq.com/docs/openai names what is refused with 400."""

    # https://console.groq.com/docs/api-reference#chat-create
    fields = (
        FIELDS | {"reasoning_format", "include_reasoning", "search_settings", "documents"}
    ) - {
        # https://github.com/eigent-ai/eigent/issues/1827
        "prompt_cache_key", "prompt_cache_retention",
    }  # fmt: skip
    # For these models only; without use for two hours. The least length is "128 to 1024", and of
    # GPT-OSS's template it is known that its tools follow the instructions:
    # https://cookbook.openai.com/articles/openai-harmony
    caches = (
        (
            "gpt-oss|kimi-k2-instruct-0905",
            Rule(
                "https://console.groq.com/docs/prompt-caching", 1024, 2 * HOUR, tools_first=False
            ),
        ),
    )  # fmt: skip
    refused_fields = ("logprobs", "logit_bias", "top_logprobs")

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("n") not in (None, 1):
            raise Refused("'n' : number must be at most 1")
        if any("name" in message for message in body["messages"]):
            raise Refused("'messages' : property 'name' is unsupported")
        # https://console.groq.com/docs/reasoning#reasoning-effort: gpt-oss has no `none`.
        if body.get("reasoning_effort") not in (None, "low", "medium", "high"):
            raise Refused("`reasoning_effort` must be one of `low`, `medium`, or `high`")

    reasoning_field = "reasoning"

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort", "medium") != "low"


class Mistral(OpenAI):
    """Refuses unknown fields with 422: https://docs.mistral.ai/api/#tag/chat"""

    fields = frozenset(
        "model temperature top_p max_tokens stream stop random_seed metadata messages "
        "response_format tools tool_choice presence_penalty frequency_penalty n prediction "
        "parallel_tool_calls prompt_mode prompt_cache_key guardrails reasoning_effort "
        "safe_prompt".split()
    )
    unknown_status = 422
    max_stops = None
    always_usage = True
    # Blocks of 64 tokens, and nothing is found again without a key
    # (https://github.com/openclaw/openclaw/issues/83709). How long isn't published: as OpenAI's.
    caches = (
        (
            "",
            Rule(
                "https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching",
                64, step=64, tools_first=False, hits=(0.0, 1.0),
            ),
        ),
    )  # fmt: skip

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        before = None
        for message in body["messages"]:
            # https://github.com/swarmauri/swarmauri-sdk/issues/162
            if message["role"] == "system" and before not in (None, "system"):
                raise Refused(f"Unexpected role 'system' after role '{before}'")
            # https://docs.mistral.ai/capabilities/completion/: an assistant's turn has content or
            # tool calls.
            if message["role"] == "assistant" and not message.get("content"):
                raise Refused("Assistant message must have either content or tool_calls.")
            before = message["role"]
        if before == "assistant":
            raise Refused("Expected last role User or Tool for serving but got assistant")
        # https://docs.mistral.ai/capabilities/reasoning: adjustable from `none` to `high`.
        if body.get("reasoning_effort") not in (None, "none", "high"):
            raise Refused("reasoning_effort: Input should be 'none' or 'high'", 422)

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort", "none") != "none"


class XAI(OpenAI):
    """Grok models that reason: https://docs.x.ai/docs/guides/reasoning"""

    # https://docs.x.ai/docs/api-reference#chat-completions
    fields = FIELDS | {"search_parameters", "deferred"}
    # Kept by each server; the header leads to the same one. How often the same one is met without
    # it isn't published: as OpenAI's. Steps as measured by
    # https://docs.apiyi.com/en/api-capabilities/grok/prompt-caching, time as OpenAI's.
    caches = (
        (
            "",
            Rule(
                "https://docs.x.ai/developers/advanced-api-usage/prompt-caching",
                128, step=128, tools_first=False, hits=(0.6, 1.0),
            ),
        ),
    )  # fmt: skip

    def key(self, request: Request, body: dict) -> str:
        # A `prompt_cache_key` counts in its Responses API only.
        return request.headers.get("x-grok-conv-id", "")

    refused_fields = ("presence_penalty", "frequency_penalty", "stop")

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        # https://docs.x.ai/developers/model-capabilities/text/reasoning, and for the others
        # https://github.com/NousResearch/hermes-agent/pull/23435
        efforts = {"4.3": ("none", "low", "medium", "high"), "4.7": ("low", "medium", "high")}
        taken = efforts.get(body["model"].removeprefix("grok-"), ())
        if body.get("reasoning_effort") not in (None, *taken):
            raise Refused(f"Model {body['model']} does not support parameter reasoningEffort.")

    def thinks(self, body: dict) -> bool:
        return body["model"] == "grok-4.7" and body.get("reasoning_effort") != "low"


class DeepSeek(OpenAI):
    """https://api-docs.deepseek.com/api/create-chat-completion"""

    fields = frozenset(
        "messages model thinking frequency_penalty max_tokens presence_penalty response_format "
        "stop stream stream_options temperature top_p tools tool_choice logprobs top_logprobs "
        "reasoning_effort user_id".split()
    )
    max_stops = 16
    keep_alive = b": keep-alive\n\n"  # https://api-docs.deepseek.com/quick_start/rate_limit
    # Found again is only the whole of what was written down: a prompt, or what two had in common
    # when the second came. (Also a prompt with its reply, and at intervals that aren't published:
    # neither is done here.) Units of 64 tokens, gone after hours:
    # https://api-docs.deepseek.com/news/news0802. Its template has the tools after the system
    # prompt: https://huggingface.co/deepseek-ai/DeepSeek-V3.1/blob/main/tokenizer_config.json.
    caches = (
        (
            "",
            Rule(
                "https://api-docs.deepseek.com/guides/kv_cache",
                64, 2 * HOUR, step=64, kind="units", tools_first=False,
            ),
        ),
    )  # fmt: skip

    def usage(self, bill: Bill | None) -> dict:
        if bill is None:
            return super().usage(bill)
        split = {
            "prompt_cache_hit_tokens": bill.read,
            "prompt_cache_miss_tokens": bill.tokens - bill.read,
        }
        return {**super().usage(bill), **split}

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        thinking = body.get("thinking")
        if thinking is not None and thinking.get("type") not in ("enabled", "disabled"):
            raise Refused("thinking.type: unknown variant, expected `enabled` or `disabled`")
        # https://api-docs.deepseek.com/guides/thinking_mode
        if body.get("reasoning_effort") not in (None, "low", "medium", "high", "xhigh", "max"):
            raise Refused("reasoning_effort: unknown variant")

    def thinks(self, body: dict) -> bool:
        return (body.get("thinking") or {}).get("type") != "disabled"


class OpenRouter(OpenAI):
    """Comment lines keep the stream alive, and a late failure is a frame in a 200 stream.

    https://openrouter.ai/docs/api-reference/streaming
    """

    # https://openrouter.ai/docs/api-reference/parameters
    fields = FIELDS | frozenset(
        "models provider route reasoning include_reasoning transforms usage plugins min_p top_a "
        "top_k repetition_penalty session_id trace".split()
    )
    keep_alive = b": OPENROUTER PROCESSING\n\n"
    # It goes back to the same provider, whose rules hold:
    # https://openrouter.ai/docs/features/prompt-caching
    part_fields = PART_FIELDS | {"cache_control"}
    tool_fields = TOOL_FIELDS | {"cache_control"}
    caches = (
        (r"anthropic/.*(haiku-4\.5|opus-4\.[56])", Rule(CLAUDE, 4096, kind="blocks")),
        (r"anthropic/", Rule(CLAUDE, 1024, kind="blocks")),
        (r"gemini-2\.5", Rule("https://ai.google.dev/gemini-api/docs/caching", 2048)),
        (r"google/", Rule("https://ai.google.dev/gemini-api/docs/caching", 4096)),
        *((f"openai/.*{name}", rule) for name, rule in CACHES),
    )
    reasoning_field = "reasoning"

    def effort(self, body: dict) -> str | None:
        return (body.get("reasoning") or {}).get("effort") or body.get("reasoning_effort")

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        known = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        if self.effort(body) not in (None, *known):
            raise Refused("Invalid reasoning.effort")

    def details(self, bill: Bill) -> dict:
        return {"cached_tokens": bill.read, "cache_write_tokens": bill.written}

    def error_frame(self, message: str) -> bytes:
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        error = {"code": 502, "message": message}
        return sse({"id": "gen-1", "error": error, "choices": [choice]})


class OpenRouterOptional(OpenRouter):
    """A model that thinks unless it is told not to: Qwen3, DeepSeek V3."""

    def thinks(self, body: dict) -> bool:
        return self.effort(body) != "none"


class OpenRouterMandatory(OpenRouter):
    """A model that can't not think: https://github.com/elie222/rakazo/issues/114"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if self.effort(body) == "none":
            raise Refused("Reasoning is mandatory for this endpoint and cannot be disabled.")

    def thinks(self, body: dict) -> bool:
        return self.effort(body) not in ("minimal", "low")


class VLLM(OpenAI):
    """vLLM's OpenAI server: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"""

    fields = FIELDS | frozenset(
        "best_of use_beam_search top_k min_p repetition_penalty length_penalty stop_token_ids "
        "include_stop_str_in_output ignore_eos min_tokens skip_special_tokens prompt_logprobs echo "
        "add_generation_prompt chat_template chat_template_kwargs guided_json priority "
        "include_reasoning thinking_token_budget".split()
    )
    max_stops = None

    def thinks(self, body: dict) -> bool:
        # Qwen3 thinks unless its template is told not to:
        # https://docs.vllm.ai/en/latest/features/reasoning_outputs.html
        template = body.get("chat_template_kwargs") or {}
        return template.get("enable_thinking") is not False

    def error_frame(self, message: str) -> bytes:
        error = {"message": message, "type": "InternalServerError", "param": None, "code": 500}
        return b"data: " + json.dumps({"error": error}).encode() + b"\n\ndata: [DONE]\n\n"
