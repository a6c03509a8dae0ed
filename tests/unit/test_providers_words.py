"""How providers and servers word what others word in another way; each row is of a kind."""

from __future__ import annotations

import pytest
from vui_gateway.providers.blame import is_chance, wait_asked
from vui_gateway.providers.errors import Asked, error_code
from vui_gateway.providers.refusals import refusal

HOME, PAID = Asked(first=True, context=8192, local=True), Asked(context=8192)
TOOLS = Asked(tools=True, context=8192)
QUOTA, LIMIT = "provider_quota_exceeded", "provider_rate_limited"
GONE, KEY, LOADS = "provider_model_not_found", "provider_key_refused", "model_loading"
UNLOADED, REFUSED = "model_not_loaded", "provider_refused_request"
FLAGGED, LONG, SMALL = "content_policy_violation", "context_window_exceeded", "context_too_small"

CODES: list[tuple[str, Asked, int, str]] = [
    # Anthropic, Together, Fireworks, Hugging Face, DashScope, Volcengine
    (LONG, PAID, 400, 'Bad request, message: {"error": "maximum context length is 128000 tokens"}'),
    (QUOTA, PAID, 400, "You have reached your specified API usage limits. You will regain access"),
    (QUOTA, PAID, 402, "Credit limit exceeded, please navigate to billing"),
    (QUOTA, PAID, 412, "Account x is suspended, due to reaching the monthly spending limit"),
    (QUOTA, PAID, 402, "You have exceeded your monthly included credits for Inference Providers."),
    (QUOTA, PAID, 400, "Access denied, please make sure your account is in good standing."),
    (QUOTA, PAID, 403, "The free tier of the model has been exhausted. If you wish to continue"),
    (QUOTA, PAID, 429, "SetLimitExceeded: Your account has reached the set inference limit"),
    # Limits of a day or a month: Gemini's free plan (with a `retryDelay` of seconds), Groq,
    # OpenRouter, Cerebras, GitHub, Cohere, Cloudflare
    (QUOTA, PAID, 429, '"GenerateRequestsPerDayPerProjectPerModel-FreeTier" "retryDelay": "9s"'),
    (LIMIT, PAID, 429, '"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"'),
    (QUOTA, PAID, 429, "on tokens per day (TPD): Limit 100000. Please try again in 16m39.648s."),
    (QUOTA, PAID, 429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000"),
    (LIMIT, PAID, 429, "Rate limit exceeded: free-models-per-min. "),
    (QUOTA, PAID, 429, "Tokens per day limit exceeded - too many tokens processed."),
    (QUOTA, PAID, 429, "Rate limit of 50 per 86400s exceeded for UserByModelByDay."),
    (QUOTA, PAID, 429, "You are using a Trial key, which is limited to 1000 API calls / month."),
    (QUOTA, PAID, 429, "you have used up your daily free allocation of 10,000 neurons"),
    (QUOTA, PAID, 403, "The usage limit has been reached for plan lite (token_quota_reached)"),
    # Bedrock, Z.ai
    (LIMIT, PAID, 400, "ThrottlingException: Too many requests, please wait before trying again."),
    (LIMIT, PAID, 429, "ThrottlingException: Too many tokens, please wait before trying again."),
    (LIMIT, PAID, 500, "High concurrency usage of this API, please reduce concurrency"),
    (LIMIT, PAID, 500, "当前API请求过多，请稍后重试"),
    # Z.ai, Moonshot, Azure
    (FLAGGED, PAID, 400, "System detected potentially unsafe or sensitive content in input."),
    (FLAGGED, PAID, 400, "The request was rejected because it was considered high risk"),
    (FLAGGED, PAID, 400, "The prompt triggered Azure OpenAI's content management policy."),
    ("provider_refused_request", PAID, 400, "A case-sensitive content type is expected."),
    # Gemini, Bedrock, Cohere, Z.ai, MiniMax, Mistral, OpenAI
    (LONG, PAID, 400, "The input token count (1048577) exceeds the maximum number of tokens"),
    (LONG, PAID, 400, "Input is too long for requested model."),
    (LONG, PAID, 400, "too many tokens: size limit exceeded by 100 tokens."),
    (LONG, PAID, 400, "Prompt exceeds max length"),
    (LONG, PAID, 400, "invalid params, context window exceeds limit (2013)"),
    (LONG, PAID, 400, "too large for model with 32768 maximum context length"),
    (LONG, PAID, 400, "Your input exceeds the context window of this model."),
    # Groq, Cohere's older, Databricks, watsonx, Poolside
    (LONG, PAID, 400, "Please reduce the length of the messages or completion."),
    (LONG, PAID, 400, "number of tokens in the prompt cannot exceed 128000 - received 130000"),
    (LONG, PAID, 400, "Exceeded max tokens length: 8192"),
    (LONG, PAID, 400, "input tokens 5000 cannot exceed the total tokens limit 4096 for this model"),
    (LONG, PAID, 400, "Input length 300000 exceeds the maximum allowed input length of 262144"),
    ("provider_refused_request", PAID, 400, "max_tokens 9000 cannot exceed 8192"),
    # SGLang, Ollama, llama.cpp, TabbyAPI, vLLM
    (SMALL, HOME, 400, "The input (5000 tokens) is longer than the model's context length (4096"),
    (SMALL, HOME, 500, "input length exceeds maximum context length"),
    (SMALL, HOME, 400, '{"message": "request exceeds the available context size", "n_ctx": 4096}'),
    (SMALL, HOME, 400, "Prompt length 5000 is greater than max_seq_len 4096"),
    (SMALL, HOME, 400, "'max_tokens' is too large. This model's maximum context length is 4096"),
    (SMALL, HOME, 400, "You passed 4097 input tokens and requested 2048 output tokens. However, "
     "the model's context length is only 4096 tokens, resulting in a maximum input length of 2048"),
    # A model's name has dots: Groq, Hugging Face
    (GONE, PAID, 400, "The model `llama-3.1-70b-versatile` has been decommissioned"),
    (LOADS, PAID, 503, "Model meta-llama/Llama-3.1-8B-Instruct is currently loading"),
    # Bedrock, Groq, Together, Hugging Face, Cloudflare, NVIDIA
    (GONE, PAID, 400, "Invocation of model ID x.y-v1:0 with on-demand throughput isn't supported"),
    (GONE, PAID, 403, "Model access is denied due to IAM user or service role is not authorized"),
    (GONE, PAID, 403, "The model `x` is blocked at the organization level."),
    (REFUSED, PAID, 400, "Model output is blocked by our rules"),
    # A limit that is over in a minute, whatever is said of days; a model's file that isn't there
    (LIMIT, PAID, 429, "on requests per day (RPD): Limit 10000. Please try again in 8.64s."),
    (LIMIT, PAID, 429, "Limit: 3 / min, 200 / day. Current: 4 / min."),
    ("no_answer", HOME, 500, "error loading model: model file not found"),
    ("server_unreachable", HOME, 404, '{"error":{"code":404,"message":"File Not Found"}}'),
    (REFUSED, PAID, 400, "tools.0.description: invalid_grant is what it says for an old token"),
    (GONE, PAID, 400, "The model `x` requires terms acceptance."),
    (GONE, PAID, 400, "Unable to access non-serverless model x."),
    (GONE, PAID, 400, "The requested model 'x' is not supported by any provider you have enabled."),
    (GONE, PAID, 400, "AiError: No such model @cf/x or task (5007)"),
    (GONE, PAID, 410, "The model 'x' has reached its end of life"),
    # LM Studio, TabbyAPI
    (UNLOADED, HOME, 404, "No models loaded. Please load a model in the developer page"),
    (UNLOADED, HOME, 400, "No models loaded. Please load a model in the developer page"),
    (UNLOADED, HOME, 400, "No models are currently loaded."),
    (UNLOADED, HOME, 400, "Model is unloaded."),
    (GONE, HOME, 404, 'model "x" not found, try pulling it first'),
    (UNLOADED, HOME, 400, 'Failed to load model "qwen/qwen3". Error: Operation canceled.'),
    # Ollama, LocalAI: nothing to wait for
    ("no_answer", HOME, 500, "llama runner process has terminated: error loading model: x"),
    ("no_answer", HOME, 500, "could not load model: rpc error: desc = failed loading model"),
    # Bedrock, SGLang, Ollama
    ("provider_refused_tools", TOOLS, 400, "This model doesn't support the toolConfig field."),
    ("provider_refused_tools", TOOLS, 400, "Please launch the server with --tool-call-parser"),
    ("provider_refused_tools", TOOLS, 400, "library/gemma3:4b does not support tools"),
    # Google's libraries and Amazon's
    (KEY, PAID, 500, "Your default credentials were not found."),
    (KEY, PAID, 500, "Unable to locate credentials"),
    (KEY, PAID, 500, "Reauthentication is needed. Please run `gcloud auth login`"),
    (KEY, PAID, 500, "('invalid_grant: Bad Request', {'error': 'invalid_grant'})"),
    # OpenAI, Gemini, Azure: a place, not a key
    (GONE, PAID, 403, "Country, region, or territory not supported"),
    (GONE, PAID, 403, '{"code": "unsupported_country_region_territory"}'),
    (GONE, PAID, 400, "User location is not supported for the API use."),
    (GONE, PAID, 403, "Model x is not available in your region."),
    (KEY, PAID, 403, "The key is not allowed from this region"),
    # GitHub Copilot, others in OpenAI's format, new-api and one-api
    (GONE, PAID, 400, "OpenAIException - The requested model is not supported."),
    (GONE, PAID, 422, "model `x/y-1.5` is not supported"),
    (GONE, PAID, 400, "{'message': 'x', 'code': 'model_not_found'}"),
    (REFUSED, PAID, 400, "A tool of this model is not supported with images"),
    (REFUSED, PAID, 400, "The model is not supported for this format"),
    (GONE, PAID, 503, "No available channel for model x under group default (distributor)"),
    (GONE, PAID, 503, "当前分组 default 下对于模型 x 无可用渠道"),
    ("provider_refused_tools", TOOLS, 400, "模型不支持工具调用"),
    ("provider_refused_tools", TOOLS, 400, "该模型不支持 function call"),
    ("provider_refused_tools", TOOLS, 400, "No tool calling support for this model"),
    (REFUSED, TOOLS, 400, "不支持的工具类型: web_search"),
    (LOADS, PAID, 503, "Service is warming up"),
    (LOADS, PAID, 503, "Model is cold starting"),
    (LONG, PAID, 400, "Input length 300000 exceeds maximum allowed token size 262144"),
    (SMALL, HOME, 400, "Input length 5000 exceeds maximum allowed token size 4096"),
    # IBM's
    (KEY, PAID, 400, "Provided API key could not be found."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "asked", "status", "words"), CODES)
def test_a_failure_is_of_its_kind_whoever_words_it(
    code: str, asked: Asked, status: int, words: str
) -> None:
    assert error_code(status, words, asked) == code


@pytest.mark.parametrize(
    "words",
    [
        "The model produced invalid content. Consider modifying your prompt",
        "Tool call validation failed: attempted to call tool 'x' which was not in request.tools",
        "Failed to parse input at pos 12: <tool_call>",
        "Invalid diff: now finding less tool calls!",
        "Parsing failed. The model generated output that could not be parsed.",
        "XML syntax error on line 3: element <function> closed by </parameter>",
        "error parsing tool call: raw='{' err=unexpected end of JSON input",
        "upstream connect error or disconnect/reset before headers. reset reason: overflow",
    ],
)
def test_what_may_succeed_at_once_is_chance_whoever_words_it(words: str) -> None:
    assert is_chance(words)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("exceeded token rate limit of your S0 pricing tier. Please retry after 20 seconds.", 20),
        ("Rate limit of 50 per 86400s exceeded. Please wait 34000 seconds before retrying.", 34000),
        ("Please try again in 1m30s.", 90),
        ('{"message": "Slow down", "retry_after": 12.5}', 12.5),
        ('{"retry_after_seconds": 12, "code": 429}', 12),
        ("{'retryAfter': '12'}", 12),
        ("Retry-After: 12", 12),
        ("Retry after: 2 minutes", 120),
        ("Please wait for 5 more seconds", 5),
        ("Expected available in 12 seconds.", 12),
        ("Retry-After: 2026-01-01", 0),
        ('"retry_after_ms": 500', 0),
    ],
)
def test_the_time_to_wait_is_read_whoever_words_it(words: str, seconds: float) -> None:
    assert wait_asked(words) == seconds


OPTIONAL = {
    "stop": ["a"], "prompt_cache_key": "k", "presence_penalty": 1, "thinking": {},
    "cache_control": True, "max_tokens": 2048,
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "words", "field"),
    [
        (400, "The model doesn't support the stopSequences field. Remove stopSequences", "stop"),
        (400, "body.stop: array must have at most 1 elements", "stop"),
        (400, "Too many stop sequences: 4", "stop"),
        (400, "Extra inputs are not permitted, field: 'prompt_cache_key'", "prompt_cache_key"),
        (400, 'json: unknown field "presence_penalty"', "presence_penalty"),
        # NVIDIA's Dynamo, text generation inference, Vertex, pydantic's first version, Anthropic
        (400, "Maximum of 4 stop sequences allowed, got 5", "stop"),
        (422, "`stop` supports up to 4 stop sequences. Given: 5", "stop"),
        (400, "it has a stopSequences value of 9 but the supported range is from 1 to 6", "stop"),
        (422, '"loc": "presence_penalty", "msg": "ensure this value is >= 0"', "presence_penalty"),
        (400, "A maximum of 4 blocks with cache_control may be provided.", "cache_control"),
        (400, "Use max_completion_tokens instead of max_tokens", "max_tokens"),
        (422, "thinking.type: Input should be one of 'enabled', 'adaptive'", "thinking"),
        (422, "[{'type': 'extra_forbidden', 'loc': ['body', 'thinking']}]", "thinking"),
        (
            400,
            "thinking.type: Input tag 'between_tools' found using 'type' does not match any of "
            "the expected tags: 'disabled', 'enabled'",
            "thinking",
        ),
    ],
)
def test_a_refused_field_is_known_whoever_names_it(status: int, words: str, field: str) -> None:
    found = refusal(status, words, "", OPTIONAL)
    assert found
    assert found.field == field
