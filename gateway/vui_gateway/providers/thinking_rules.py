"""How thinking is turned down: a table of model families, for what LiteLLM's own model table lacks
or has wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DISABLED", "MAKERS", "NONE", "RESELLERS", "RULES", "TEMPLATE_OFF", "Rule"]

# Of LiteLLM's providers, those that make models, and those that serve theirs by the same names.
MAKERS = ("anthropic", "bigmodel", "gemini", "mistral", "moonshot", "openai")
RESELLERS = ("azure", "azure_ai", "bedrock", "openrouter", "vertex_ai")

LOW = ("low", "medium", "high")
MINIMAL = ("minimal", *LOW)
NONE = ("none", *LOW)
ANY = ("none", *MINIMAL, "xhigh")
DISABLED = {"extra_body": {"thinking": {"type": "disabled"}}}
# The templates of Qwen, GLM and Nemotron read the first, those of DeepSeek and Kimi the second.
TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}


@dataclass(frozen=True)
class Rule:
    """How thinking is turned down in one family of models.

    Attributes:
        match: searched in `provider/model`, in lower case.
        source: where the rule comes from.
        efforts: levels of `reasoning_effort` that the family takes; None: as LiteLLM's table says.
        off: fields that turn its thinking off, in place of a level.
        heeds_table: `off` isn't for models that always think by LiteLLM's table.
        streamed: it thinks in streams only: `off` is for all other calls.
        raw: LiteLLM would drop `reasoning_effort`, which the provider takes as it is.
        drop: fields that the family refuses because it can think.
    """

    match: str
    source: str
    efforts: tuple[str, ...] | None = None
    off: Mapping[str, Any] = field(default_factory=dict)
    heeds_table: bool = False
    streamed: bool = False
    raw: bool = False
    drop: tuple[str, ...] = ()


CLAUDE_AT = r"^(anthropic|bedrock|bedrock_converse|vertex_ai|azure_ai)/"
ALIBABA = r"^(dashscope|qwencloud|qwen_ai_platform)/"
KNOBS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")

# The last rule that matches holds. Those of hosts stand in `thinking_hosts`.
RULES = (
    # OpenAI's, for names that LiteLLM's table doesn't have yet.
    Rule(r"[/.-]gpt-5(-|$)", "https://platform.openai.com/docs/guides/reasoning", MINIMAL),
    Rule(
        r"[/.-]gpt-(5\.|[6-9])",
        "https://platform.openai.com/docs/guides/latest-model",
        ANY,
    ),
    # The table has levels that they refuse, or none.
    Rule(
        r"[/.-]gpt-\d\.\d+-chat",
        "https://github.com/egoist/chatwise-releases/issues/1257",
        ("medium",),
    ),
    Rule(r"[/.-]gpt-5-pro", "https://github.com/anomalyco/models.dev/pull/2351", ("high",)),
    Rule(
        r"[/.-]gpt-5\.\d+-pro",
        "https://github.com/anomalyco/models.dev/pull/2351",
        ("medium", "high", "xhigh"),
    ),
    Rule(
        r"[/.-]gpt-5.*-codex", "https://github.com/openai/codex/issues/6647", (*LOW, "xhigh")
    ),
    Rule(r"/o\d(-|$)", "https://platform.openai.com/docs/guides/reasoning", LOW),
    Rule(r"gpt-oss", "https://cookbook.openai.com/articles/openai-harmony", LOW, raw=True),
    # LiteLLM makes of `none` what each Claude takes: nothing, or `disabled` for one that thinks
    # without being asked. One that always thinks gets the least effort, by LiteLLM's table.
    Rule(
        rf"^anthropic/|{CLAUDE_AT}.*claude|^databricks/.*claude",
        "https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking",
        (*NONE, "xhigh", "max"),
    ),
    Rule(
        rf"{CLAUDE_AT}.*claude-sonnet-(5-5|latest)",
        "https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5",
        (*LOW, "xhigh", "max"),
        {"thinking": {"type": "between_tools"}},
    ),
    Rule(
        r"^(gemini|vertex_ai)/.*gemini-2\.5",
        "https://ai.google.dev/gemini-api/docs/thinking#set-budget",
        ANY,
    ),
    Rule(
        r"^(gemini|vertex_ai)/.*gemini-(2\.5-pro|[3-9]|(flash|pro|flash-lite)-latest)",
        "https://ai.google.dev/gemini-api/docs/thinking#thinking-levels",
        MINIMAL,
    ),
    # Most of them think, and any effort is an error.
    Rule(r"^xai/grok", "https://github.com/NousResearch/hermes-agent/pull/23435", ()),
    Rule(r"^xai/grok-3-mini", "https://docs.x.ai/docs/guides/reasoning", ("low", "high")),
    Rule(
        r"^xai/grok-4\.3", "https://docs.x.ai/developers/model-capabilities/text/reasoning", NONE
    ),
    Rule(
        r"^xai/grok-(4\.[5-9](-|$)|[5-9]|latest)",
        "https://docs.x.ai/developers/model-capabilities/text/reasoning",
        LOW,
    ),
    Rule(r"^groq/.*qwen", "https://console.groq.com/docs/reasoning", ("none",), raw=True),
    Rule(
        r"^mistral/(mistral|ministral)-",
        "https://docs.mistral.ai/capabilities/reasoning",
        ("none", "high"),
    ),
    Rule(
        r"^deepseek/",
        "https://api-docs.deepseek.com/guides/thinking_mode",
        (*LOW, "xhigh"),
        DISABLED,
    ),
    Rule(
        r"^(zai|bigmodel)/glm-(4\.[5-9]|5)",
        "https://docs.z.ai/guides/capabilities/thinking-mode",
        (),
        DISABLED,
    ),
    Rule(
        r"^(zai|bigmodel)/glm-(5\.[3-9]|[6-9]|latest|flash-latest)",
        "https://github.com/NousResearch/hermes-agent/pull/97286",
        ("low", "high", "max"),
        raw=True,
    ),
    Rule(
        r"^moonshot/kimi-(k2\.[5-9]|k[3-9]|latest)",
        "https://platform.kimi.ai/docs/guide/migrating-from-openai-to-kimi",
        drop=KNOBS,
    ),
    Rule(
        r"^moonshot/kimi-k2\.[56](-|$)",
        "https://github.com/MoonshotAI/kimi-code/pull/740",
        (),
        DISABLED,
        drop=KNOBS,
    ),
    Rule(
        r"^minimax/minimax-m3$",
        "https://platform.minimax.io/docs/api-reference/text-chat-openai",
        (),
        DISABLED,
    ),
    Rule(
        r"^minimax/minimax-(m3\.|m[4-9])",
        "https://dev.to/aihubmix/fixing-requires-adaptive-thinking-2013-when-moving-from-minimax-m27-to-m31-flash-1iif",
        LOW,
        raw=True,
    ),
    Rule(
        rf"{ALIBABA}(qwen3(\.\d)?-|qwen-(plus|turbo|flash)|deepseek-v(3\.|4)|glm-|kimi-k2\.)",
        "https://www.alibabacloud.com/help/en/model-studio/deep-thinking",
        (),
        {"extra_body": {"enable_thinking": False}},
        streamed=True,
    ),
    Rule(  # they don't think, or always do
        rf"{ALIBABA}.*(instruct|coder|thinking|glm-5\.[3-9]|kimi-k2\.7)",
        "https://www.alibabacloud.com/help/en/model-studio/deep-thinking",
    ),
    Rule(
        r"^lm_studio/", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2047",
        NONE, raw=True,
    ),
    Rule(
        r"^openrouter/",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        ANY,
        {"extra_body": {"reasoning": {"effort": "none"}}},
        heeds_table=True,
        raw=True,
    ),
    Rule(  # "Reasoning is mandatory for this endpoint and cannot be disabled."
        r"^openrouter/(google/gemini-([3-9]|.*pro)|openai/(gpt-oss|o\d|gpt-5.*codex)"
        r"|minimax/minimax-m|stepfun/|x-ai/grok-(4(-\d|:|$)|4\.[5-9]|[5-9]|code|build)"
        r"|moonshotai/kimi-(k2\.7|k[3-9])|z-ai/glm-(5\.[3-9]|[6-9])|.*(r1|qwq|thinking))",
        "https://github.com/musistudio/claude-code-router/issues/1215",
        LOW,
        raw=True,
    ),
    Rule(
        r"^openrouter/openai/gpt-5(-|$)",
        "https://github.com/CIRISAI/CIRISAgent/pull/769",
        MINIMAL,
        raw=True,
    ),
    Rule(  # they don't reason
        r"^openrouter/openai/(gpt-[34]|chatgpt|gpt-5.*-chat)",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        (),
    ),
    Rule(
        r"^hosted_vllm/",
        "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        ANY,
        {"extra_body": TEMPLATE_OFF},
    ),
    Rule(
        r"^hosted_vllm/.*gpt-oss",
        "https://docs.vllm.ai/projects/recipes/en/latest/OpenAI/GPT-OSS.html",
        LOW,
    ),
    Rule(r"^ollama(_chat)?/", "https://docs.ollama.com/capabilities/thinking", ANY),
    Rule(r"^ollama(_chat)?/.*gpt-oss", "https://github.com/BerriAI/litellm/issues/34574", LOW),
)  # fmt: skip
