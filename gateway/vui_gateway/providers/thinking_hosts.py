"""How thinking is turned down at hosts of others' open models: the table goes on."""

from __future__ import annotations

from vui_gateway.providers.thinking_rules import DISABLED, NONE, TEMPLATE_OFF, Rule

__all__ = ["HOST_RULES"]

# Models that think unless a field switches it off: GLM, DeepSeek, Kimi and Qwen.
OPEN_MODELS = (
    r"(glm-(4\.[5-9]|5(\.[0-2])?$)|deepseek-v(3\.|4)(?!.*thinking)|kimi-k2\.[56]"
    r"|qwen-?3(?!.*(instruct|coder|thinking)))"
)
SWITCH_OFF = {"extra_body": {"enable_thinking": False}}

HOST_RULES = (
    Rule(
        r"^volcengine/.*(doubao-seed(?!.*thinking)|glm-(4-[5-9]|5)|deepseek-v(3-[12]|4))",
        "https://www.volcengine.com/docs/82379/1449737",
        (),
        DISABLED,
    ),
    Rule(
        r"^xiaomi_mimo/mimo-v(?!2-flash|.*(tts|asr))",
        "https://platform.xiaomimimo.com/docs/en-US/api/chat/openai-api",
        (),
        DISABLED,
    ),
    Rule(
        r"^fireworks_ai/.*(glm-(4p[5-9]|5(p[0-2])?$)|deepseek-v(3p[12]|4)"
        r"|kimi-k2p[56]|qwen3(?!.*(instruct|coder|thinking)))",
        "https://docs.fireworks.ai/guides/reasoning",
        NONE,
        raw=True,
    ),
    Rule(
        rf"^together_ai/.*{OPEN_MODELS}",
        "https://docs.together.ai/docs/inference/chat/reasoning",
        (),
        {"extra_body": {"reasoning": {"enabled": False}}},
    ),
    Rule(  # "using these parameters on a non-reasoning model has no effect"
        r"^deepinfra/(?!.*gpt-oss)",
        "https://docs.deepinfra.com/chat/reasoning",
        NONE,
        raw=True,
    ),
    Rule(
        rf"^novita/.*{OPEN_MODELS}",
        "https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
        (),
        SWITCH_OFF,
    ),
    Rule(
        rf"^siliconflow/.*{OPEN_MODELS}",
        "https://docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions",
        (),
        SWITCH_OFF,
    ),
    Rule(
        rf"^vercel_ai_gateway/.*({OPEN_MODELS}|mimo-v2\.5)",
        "https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions/advanced",
        (),
        {"extra_body": {"reasoning": {"effort": "none"}}},
    ),
    Rule(
        r"^cerebras/(qwen-3\.|zai-glm)",
        "https://inference-docs.cerebras.ai/capabilities/reasoning",
        NONE,
        raw=True,
    ),
    Rule(
        r"^nvidia_nim/.*(nemotron-3|qwen3|glm|kimi-k2|deepseek-v|minimax-m3)",
        "https://docs.nvidia.com/nim/large-language-models/latest/reasoning-model.html",
        (),
        {"extra_body": TEMPLATE_OFF},
    ),
)
